"""BibTeX of the works that models, objectives and metrics rest on."""

from __future__ import annotations

from betavae.datasets.files.catalogue import INCEPTION_BIBTEX

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
    "li2020": """@inproceedings{li2020progressive,
  author = {Li, Zhiyuan and Murkute, Jaideep Vitthal and Gyawali, Prashnna Kumar and Wang, Linwei},
  title = {Progressive Learning and Disentanglement of Hierarchical Representations},
  booktitle = {International Conference on Learning Representations},
  year = {2020}
}""",
    "do2020": """@inproceedings{do2020theory,
  author = {Do, Kien and Tran, Truyen},
  title = {Theory and Evaluation Metrics for Learning Disentangled Representations},
  booktitle = {International Conference on Learning Representations},
  year = {2020}
}""",
    "sepliarskaia2019": """@article{sepliarskaia2019evaluating,
  author = {Sepliarskaia, Anna and Kiseleva, Julia and de Rijke, Maarten},
  title = {Evaluating Disentangled Representations},
  journal = {arXiv preprint arXiv:1910.05587},
  year = {2019}
}""",
    "ridgeway2018": """@inproceedings{ridgeway2018learning,
  author = {Ridgeway, Karl and Mozer, Michael C.},
  title = {Learning Deep Disentangled Embeddings With the {F}-Statistic Loss},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {31},
  year = {2018}
}""",
    "eastwood2018": """@inproceedings{eastwood2018framework,
  author = {Eastwood, Cian and Williams, Christopher K. I.},
  title = {A Framework for the Quantitative Evaluation of Disentangled Representations},
  booktitle = {International Conference on Learning Representations},
  year = {2018}
}""",
    "eastwood2023": """@inproceedings{eastwood2023dcies,
  author = {Eastwood, Cian and Nicolicioiu, Andrei Liviu and von K{\\"u}gelgen, Julius and Keki{\\'c}, Armin and
            Tr{\\"a}uble, Frederik and Dittadi, Andrea and Sch{\\"o}lkopf, Bernhard},
  title = {{DCI-ES}: An Extended Disentanglement Framework with Connections to Identifiability},
  booktitle = {International Conference on Learning Representations},
  year = {2023}
}""",
    "suter2019": """@inproceedings{suter2019robustly,
  author = {Suter, Raphael and Miladinovi{\\'c}, {\\DJ}or{\\dj}e and Sch{\\"o}lkopf, Bernhard and Bauer, Stefan},
  title = {Robustly Disentangled Causal Mechanisms: Validating Deep Representations for Interventional Robustness},
  booktitle = {International Conference on Machine Learning},
  year = {2019}
}""",
    "hsu2023": """@inproceedings{hsu2023disentanglement,
  author = {Hsu, Kyle and Dorrell, Will and Whittington, James C. R. and Wu, Jiajun and Finn, Chelsea},
  title = {Disentanglement via Latent Quantization},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {36},
  year = {2023}
}""",
    "ross2014": """@article{ross2014mutual,
  author = {Ross, Brian C.},
  title = {Mutual Information between Discrete and Continuous Data Sets},
  journal = {PLoS ONE},
  volume = {9},
  number = {2},
  pages = {e87357},
  year = {2014}
}""",
    "cao2022": """@inproceedings{cao2022empirical,
  author = {Cao, Jinkun and Nai, Ruiqian and Yang, Qing and Huang, Jialei and Gao, Yang},
  title = {An Empirical Study on Disentanglement of Negative-free Contrastive Learning},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {35},
  year = {2022}
}""",
    "duan2020": """@inproceedings{duan2020unsupervised,
  author = {Duan, Sunny and Matthey, Loic and Saraiva, Andre and Watters, Nick and Burgess, Chris and
            Lerchner, Alexander and Higgins, Irina},
  title = {Unsupervised Model Selection for Variational Disentangled Representation Learning},
  booktitle = {International Conference on Learning Representations},
  year = {2020}
}""",
}
"""Works by a short name."""
