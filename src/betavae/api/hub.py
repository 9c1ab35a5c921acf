"""Models on a hub: ``push``, and the folder that ``open("hub://…")`` reads. The extra ``hub`` brings the library."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betavae.errors import Fault, Misuse

if TYPE_CHECKING:
    from betavae.api.model import Model

SCHEME = "hub://"
FILES = ("config.json", "model.safetensors", "curve.safetensors")
"""What is taken from a hub; whatever else lies there, as a pickle, is never asked for."""


def push(model: Model, repository: str, private: bool | None = None) -> str:
    """Put a model on a hub as ``"user/name"``, and give the address of that very revision, for ``betavae.open``.

    Raises Misuse for a name that is none, a stranger's model, or where the library is absent; Fault where the hub
    refuses.
    """
    name, revision = _parts(f"{SCHEME}{repository}")
    if revision:
        raise Misuse(f"{repository!r} names a revision; what is pushed makes one of its own")
    hub = _hub()
    with tempfile.TemporaryDirectory(prefix="betavae-") as folder:
        model.save(folder)
        Path(folder, "README.md").write_text(card(model, name), encoding="utf-8")
        try:
            hub.create_repo(name, private=private, exist_ok=True)
            done = hub.upload_folder(repo_id=name, folder_path=folder, commit_message=f"betavae: {model.name}")
        except Exception as error:
            raise _refused(f"{SCHEME}{name}", error) from None
    return f"{SCHEME}{name}@{done.oid}"


def fetched(address: str) -> Path:
    """The folder of a model on a hub, in the library's own cache: ``hub://user/name``, or ``…@revision``.

    With ``HF_HUB_OFFLINE=1`` only what was fetched before is found. Raises Misuse for an address that is none, Fault
    where it cannot be had.
    """
    name, revision = _parts(address)
    try:
        return Path(_hub().snapshot_download(name, revision=revision or None, allow_patterns=list(FILES)))
    except Misuse:
        raise
    except Exception as error:
        raise _refused(address, error) from None


def card(model: Model, name: str) -> str:
    """The model card that a hub shows: what it is, and the line that opens it."""
    cell = model.cell
    dataset = cell.dataset if cell else "data of their own"
    return (
        "---\nlibrary_name: betavae\ntags: [disentanglement, vae]\n---\n\n"
        f"# {name.partition('/')[2]}\n\n{model.name}: a variational autoencoder of {dataset}, trained by betavae as "
        f"cell `{model.id or 'unfinished'}`.\n\n```python\nimport betavae\n\n"
        f'model = betavae.open("{SCHEME}{name}")\n```\n\n'
        "Weights are safetensors; `config.json` has all that was set, and the sha256 of the weights. It knows one "
        "small dataset and nothing else.\n"
    )


def _parts(address: str) -> tuple[str, str]:
    name, _, revision = address.removeprefix(SCHEME).partition("@")
    word = r"[A-Za-z0-9][\w.-]{0,95}"
    if not re.fullmatch(f"{word}/{word}", name, re.ASCII) or not re.fullmatch(r"[\w./-]{0,100}", revision, re.ASCII):
        raise Misuse(f"{address!r} is no model on a hub; wanted {SCHEME}user/name, or {SCHEME}user/name@revision")
    return name, revision


def _hub() -> Any:
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise Misuse("a hub needs its library; pip install 'betavae[hub]'") from None
    return HfApi(library_name="betavae")


def _refused(address: str, error: Exception) -> Fault:
    said = " ".join(str(error).split())[:240]
    return Fault(f"{address} cannot be had: {type(error).__name__}: {said}")
