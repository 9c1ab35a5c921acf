"""The files of others that this package can use: where each lies, how it is known, on what terms, and whom to cite.

Nothing here is fetched unless a person asks for it. ``published`` holds the digests that others have made public; where
that is no sha256, the sha256 of the first verified arrival is pinned beside the file (see ``files``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One file: ``mirrors`` in the order they are tried, ``size`` in bytes where known, ``published`` digests by kind.

    ``vouchable`` files are those whose published digest is of an older upload: another digest is accepted if a person
    gives its sha256. ``stand_in`` names the dataset to use without the file, ``ready`` the folder of the array made
    from it where that is not ``name``, ``kind`` what the file is where it is not an official dataset. ``holds`` is the
    shape of the array of uint8 images in an .npz that a person may vouch for: a digest alone says nothing of what is in
    it.
    """

    name: str
    file: str
    mirrors: tuple[str, ...]
    size: int | None
    published: Mapping[str, str]
    licence: str
    citation: str
    bibtex: str
    note: str = ""
    vouchable: bool = False
    stand_in: str = ""
    ready: str = ""
    kind: str = "official"
    holds: tuple[int, ...] = ()


DSPRITES_CITATION = "Matthey, Higgins, Hassabis & Lerchner 2017, dSprites: Disentanglement testing Sprites dataset"
DSPRITES_BIBTEX = """@misc{dsprites17,
  author = {Matthey, Loic and Higgins, Irina and Hassabis, Demis and Lerchner, Alexander},
  title = {{dSprites}: Disentanglement testing Sprites dataset},
  howpublished = {https://github.com/google-deepmind/dsprites-dataset},
  year = {2017}
}"""
SHAPES3D_CITATION = "Burgess & Kim 2018, 3D Shapes Dataset"
SHAPES3D_BIBTEX = """@misc{3dshapes18,
  author = {Burgess, Chris and Kim, Hyunjik},
  title = {{3D} Shapes Dataset},
  howpublished = {https://github.com/google-deepmind/3d-shapes},
  year = {2018}
}"""
MPI3D_CITATION = (
    "Gondal et al. 2019, On the Transfer of Inductive Bias from Simulation to the Real World: "
    "a New Disentanglement Dataset, NeurIPS"
)
MPI3D_BIBTEX = """@inproceedings{gondal2019transfer,
  author = {Gondal, Muhammad Waleed and W{\\"u}thrich, Manuel and Miladinovi{\\'c}, {\\DJ}or{\\dj}e and Locatello,
            Francesco and Breidt, Martin and Volchkov, Valentin and Akpo, Joel and Bachem, Olivier and
            Sch{\\"o}lkopf, Bernhard and Bauer, Stefan},
  title = {On the Transfer of Inductive Bias from Simulation to the Real World: a New Disentanglement Dataset},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {32},
  year = {2019}
}"""
CIFAR_CITATION = "Krizhevsky 2009, Learning multiple layers of features from tiny images"
CIFAR_BIBTEX = """@techreport{krizhevsky2009learning,
  author = {Krizhevsky, Alex},
  title = {Learning multiple layers of features from tiny images},
  institution = {University of Toronto},
  year = {2009}
}"""
INCEPTION_CITATION = (
    "Szegedy et al. 2016 (network), Heusel et al. 2017 (FID), Seitzer 2020 (pytorch-fid, the weights in this form)"
)
INCEPTION_BIBTEX = """@misc{seitzer2020fid,
  author = {Seitzer, Maximilian},
  title = {{pytorch-fid: FID Score for PyTorch}},
  howpublished = {https://github.com/mseitzer/pytorch-fid},
  year = {2020}
}"""
CIFAR_TERMS = "none stated by its maker; cite the report"

_DSPRITES_NPZ = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
_DSPRITES_H5 = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.hdf5"
_GITHUB = tuple(f"https://github.com/{owner}/dsprites-dataset/raw/master/" for owner in ("google-deepmind", "deepmind"))
_MPI3D_HUB = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/"
_MPI3D_BUCKET = "https://storage.googleapis.com/mpi3d_disentanglement_dataset/data/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"


def _mpi3d(kind: str, in_bucket: str, md5: str, stand_in: str = "") -> Entry:
    file = f"mpi3d_{kind}.npz"
    return Entry(
        name=f"mpi3d-{kind}",
        file=file,
        mirrors=(_MPI3D_HUB + file, _MPI3D_BUCKET + in_bucket),
        size=None,
        published={"md5": md5},
        licence="CC BY 4.0",
        citation=MPI3D_CITATION,
        bibtex=MPI3D_BIBTEX,
        note="the md5 is that of the file of 2019; whether today's addresses serve the same bytes is not known",
        vouchable=True,
        stand_in=stand_in,
        holds=(1_036_800, 64, 64, 3),
    )


_ENTRIES = (
    Entry(
        "dsprites",
        _DSPRITES_NPZ,
        tuple(base + _DSPRITES_NPZ for base in _GITHUB),
        None,
        {"git-blob-sha1": "d98996d3f8ee1550e06b9d4ed78d0beb478910d5"},
        "Apache-2.0",
        DSPRITES_CITATION,
        DSPRITES_BIBTEX,
        stand_in='dsprites with source="drawn"',
        ready="dsprites-official",
    ),
    Entry(
        "dsprites-hdf5",
        _DSPRITES_H5,
        tuple(base + _DSPRITES_H5 for base in _GITHUB),
        28_024_106,
        {"sha256": "729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb"},
        "Apache-2.0",
        DSPRITES_CITATION,
        DSPRITES_BIBTEX,
        stand_in='dsprites with source="drawn"',
        ready="dsprites-official",
    ),
    Entry(
        "shapes3d",
        "3dshapes.h5",
        ("https://storage.googleapis.com/3d-shapes/3dshapes.h5",),
        267_573_662,
        {"sha256": "0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785"},
        "Apache-2.0",
        SHAPES3D_CITATION,
        SHAPES3D_BIBTEX,
        stand_in="shapes3d-drawn",
    ),
    _mpi3d("toy", "mpi3d_toy.npz", "55889cb7c7dfc655d6e0277beee88868", "mpi3d-drawn"),
    _mpi3d("realistic", "mpi3d_realistic.npz", "59a6225b88b635365f70c91b3e52f70f", "mpi3d-drawn"),
    _mpi3d("real", "real.npz", "0f33f609918fb5c97996692f91129802"),
    Entry(
        "cifar10",
        "cifar-10-binary.tar.gz",
        (_TORONTO + "cifar-10-binary.tar.gz",),
        170_052_171,
        {"sha256": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
        CIFAR_TERMS,
        CIFAR_CITATION,
        CIFAR_BIBTEX,
        stand_in="cifar10-jpeg, if you have its file,",
    ),
    Entry(
        "cifar100",
        "cifar-100-binary.tar.gz",
        (_TORONTO + "cifar-100-binary.tar.gz",),
        168_513_733,
        {"sha256": "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"},
        CIFAR_TERMS,
        CIFAR_CITATION,
        CIFAR_BIBTEX,
    ),
    Entry(
        "cifar10-jpeg",
        "cifar10_jpeg.npz",
        (),
        18_421_567,
        {"sha256": "a2d21fd6988ba509fa72cbb71e16e0d3ec100a5cae68c98b7161136b538928ab"},
        CIFAR_TERMS,
        CIFAR_CITATION,
        CIFAR_BIBTEX,
        note="JPEG copies of the CIFAR-10 images, not the official pixels",
        kind="jpeg copies",
    ),
    Entry(
        "inception",
        "pt_inception-2015-12-05-6726825d.pth",
        ("https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",),
        95_628_359,
        {"sha256": "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"},
        "Apache-2.0",
        INCEPTION_CITATION,
        INCEPTION_BIBTEX,
        note="weights of the FID network, not a dataset",
        kind="weights",
    ),
)

PICKLED = {"cifar-10-python.tar.gz": 170_498_071, "cifar-100-python.tar.gz": 169_001_437}
"""The Python version of CIFAR, which other libraries fetch: names and sizes."""

CATALOGUE: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
