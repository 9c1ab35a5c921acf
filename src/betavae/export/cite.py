"""BibTeX of the paper, and of the datasets, models and metrics that records used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from betavae import objectives
from betavae.datasets.cards import CARDS
from betavae.datasets.files.catalogue import INCEPTION_BIBTEX
from betavae.objectives import OBJECTIVES

PAPER = """@misc{fil2021betavae,
  author = {Fil, Miroslav and Mesinovic, Munib and Morris, Matthew and Wildberger, Jonas},
  title = {{$\\beta$-VAE} Reproducibility: Challenges and Extensions},
  note = {Reproducibility report, University of Oxford},
  year = {2021}
}"""
WORKS: dict[str, str] = {
    "kingma2014": """@inproceedings{kingma2014autoencoding,
  author = {Kingma, Diederik P. and Welling, Max},
  title = {Auto-Encoding Variational {Bayes}},
  booktitle = {International Conference on Learning Representations},
  year = {2014}
}""",
    "higgins2017": """@inproceedings{higgins2017betavae,
  author = {Higgins, Irina and Matthey, Loic and Pal, Arka and Burgess, Christopher and Glorot, Xavier and
            Botvinick, Matthew and Mohamed, Shakir and Lerchner, Alexander},
  title = {beta-{VAE}: Learning Basic Visual Concepts with a Constrained Variational Framework},
  booktitle = {International Conference on Learning Representations},
  year = {2017}
}""",
    "burgess2018": """@article{burgess2018understanding,
  author = {Burgess, Christopher P. and Higgins, Irina and Pal, Arka and Matthey, Loic and Watters, Nick and
            Desjardins, Guillaume and Lerchner, Alexander},
  title = {Understanding disentangling in {$\\beta$-VAE}},
  journal = {arXiv preprint arXiv:1804.03599},
  year = {2018}
}""",
    "locatello2020": """@article{locatello2020sober,
  author = {Locatello, Francesco and Bauer, Stefan and Lucic, Mario and R{\\"a}tsch, Gunnar and Gelly, Sylvain and
            Sch{\\"o}lkopf, Bernhard and Bachem, Olivier},
  title = {A Sober Look at the Unsupervised Learning of Disentangled Representations and their Evaluation},
  journal = {Journal of Machine Learning Research},
  volume = {21},
  number = {209},
  pages = {1--62},
  year = {2020}
}""",
    "heusel2017": """@inproceedings{heusel2017gans,
  author = {Heusel, Martin and Ramsauer, Hubert and Unterthiner, Thomas and Nessler, Bernhard and
            Hochreiter, Sepp},
  title = {{GANs} Trained by a Two Time-Scale Update Rule Converge to a Local {Nash} Equilibrium},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017}
}""",
    "seitzer2020": INCEPTION_BIBTEX,
    "tan2019": """@inproceedings{tan2019efficientnet,
  author = {Tan, Mingxing and Le, Quoc V.},
  title = {{EfficientNet}: Rethinking Model Scaling for Convolutional Neural Networks},
  booktitle = {International Conference on Machine Learning},
  year = {2019}
}""",
    "rybkin2021": """@inproceedings{rybkin2021simple,
  author = {Rybkin, Oleh and Daniilidis, Kostas and Levine, Sergey},
  title = {Simple and Effective {VAE} Training with Calibrated Decoders},
  booktitle = {International Conference on Machine Learning},
  year = {2021}
}""",
    "loaizaganem2019": """@inproceedings{loaizaganem2019continuous,
  author = {Loaiza-Ganem, Gabriel and Cunningham, John P.},
  title = {The continuous {Bernoulli}: fixing a pervasive error in variational autoencoders},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2019}
}""",
    "chen2018": """@inproceedings{chen2018isolating,
  author = {Chen, Ricky T. Q. and Li, Xuechen and Grosse, Roger and Duvenaud, David},
  title = {Isolating Sources of Disentanglement in Variational Autoencoders},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2018}
}""",
    "kim2018": """@inproceedings{kim2018disentangling,
  author = {Kim, Hyunjik and Mnih, Andriy},
  title = {Disentangling by Factorising},
  booktitle = {International Conference on Machine Learning},
  year = {2018}
}""",
    "kumar2018": """@inproceedings{kumar2018variational,
  author = {Kumar, Abhishek and Sattigeri, Prasanna and Balakrishnan, Avinash},
  title = {Variational Inference of Disentangled Latent Concepts from Unlabeled Observations},
  booktitle = {International Conference on Learning Representations},
  year = {2018}
}""",
    "zhao2019": """@inproceedings{zhao2019infovae,
  author = {Zhao, Shengjia and Song, Jiaming and Ermon, Stefano},
  title = {{InfoVAE}: Balancing Learning and Inference in Variational Autoencoders},
  booktitle = {AAAI Conference on Artificial Intelligence},
  year = {2019}
}""",
    "locatello2020weakly": """@inproceedings{locatello2020weakly,
  author = {Locatello, Francesco and Poole, Ben and R{\\"a}tsch, Gunnar and Sch{\\"o}lkopf, Bernhard
            and Bachem, Olivier and Tschannen, Michael},
  title = {Weakly-Supervised Disentanglement Without Compromises},
  booktitle = {International Conference on Machine Learning},
  year = {2020}
}""",
    "hosoya2019": """@inproceedings{hosoya2019group,
  author = {Hosoya, Haruo},
  title = {Group-based Learning of Disentangled Representations with Generalizability for Novel Contents},
  booktitle = {International Joint Conference on Artificial Intelligence},
  year = {2019}
}""",
    "bouchacourt2018": """@inproceedings{bouchacourt2018multi,
  author = {Bouchacourt, Diane and Tomioka, Ryota and Nowozin, Sebastian},
  title = {Multi-Level Variational Autoencoder: Learning Disentangled Representations from Grouped Observations},
  booktitle = {AAAI Conference on Artificial Intelligence},
  year = {2018}
}""",
    "hyvarinen2000": """@article{hyvarinen2000independent,
  author = {Hyv{\\"a}rinen, Aapo and Oja, Erkki},
  title = {Independent component analysis: algorithms and applications},
  journal = {Neural Networks},
  volume = {13},
  number = {4--5},
  pages = {411--430},
  year = {2000}
}""",
}
"""Works by a short name."""

METHODS = {"conv": ("kingma2014", "higgins2017", "burgess2018"), "mlp": ("kingma2014", "higgins2017"),
           "ica": ("hyvarinen2000",)}  # fmt: skip
MEASURES = {
    "higgins": ("higgins2017",),
    "rotation": ("higgins2017", "locatello2020"),
    "frechet": ("heusel2017",),
    "calibration": ("rybkin2021",),
    "equivalence": ("rybkin2021",),
}
FEATURES = {"inception": ("seitzer2020",), "efficientnet": ("tan2019",)}
"""Works behind a feature network, by the beginning of its name."""


def entries(records: Iterable[dict[str, Any]] = ()) -> list[str]:
    """The BibTeX entries to cite for these records, each once: the paper, then datasets, then models and metrics."""
    data: dict[str, None] = {}
    works: dict[str, None] = {}
    for record in records:
        cell, question = record["cell"] or {}, record["question"] or {}
        if cell.get("dataset") in CARDS:
            data[CARDS[cell["dataset"]].bibtex] = None
        network = str(question.get("knobs", {}).get("features", ""))
        found = [
            *METHODS.get(cell.get("method", ""), ()),
            *_objective(cell),
            *((record.get("reads") or {}).get("cites") or MEASURES.get(question.get("measure", ""), ())),
            *(work for start, each in FEATURES.items() if network.startswith(start) for work in each),
        ]
        works |= dict.fromkeys(WORKS[name] for name in found if name in WORKS)
    return [PAPER, *data, *works]


def _objective(cell: Mapping[str, Any]) -> tuple[str, ...]:
    """Works behind a cell's objective and likelihood."""
    if cell.get("objective") not in OBJECTIVES:
        return ()
    objective = objectives.named(cell["objective"])
    return (*objective.cites, *objectives.likelihood(objective, cell["knobs"]).cites)
