"""What a file of ``torch.save`` holds, told without running its pickle: the commonest file that is no encoder."""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".tar")
MOST = 1 << 20
"""Bytes of a pickle that are looked at."""
OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of PyTorch before 1.6 begin."""
PICKLES = 4
"""Pickles that such an old file holds after its first, before the numbers."""
PLAIN = ("torch", "collections", "numpy", "builtins", "__builtin__", "_codecs")
NAMES = 4
"""Names of tensors that are shown."""


def told(path: Path) -> str:
    """What is wrong with a file of ``torch.save`` as an encoder, and what to do; empty where it is no such file."""
    content = _pickle(path)
    if content is None:
        return ""
    classes, words = _read(content)
    foreign = [name for name in classes if name.partition(".")[0] not in PLAIN]
    if foreign:
        return (
            f"{path} holds a whole pickled object ({foreign[0]}), and opening it would run whatever it says; nothing "
            "was run: save its state_dict, or a TorchScript archive with torch.jit.save"
        )
    lightning = "pytorch-lightning_version" in words
    tensors = [word for word in words if word.endswith((".weight", ".bias")) or word in ("weight", "bias")]
    shown = ", ".join(tensors[:NAMES]) + (f" and {len(tensors) - NAMES} more" if len(tensors) > NAMES else "")
    inner = '["state_dict"]' if "state_dict" in words else ""
    what = "a checkpoint of Lightning" if lightning else "a state_dict"
    return (
        f"{path} holds {what}{f' ({shown})' if tensors else ''} and no model. "
        "Four lines in a file mine.py make an encoder of it:\n"
        "    import torch, yours                  # yours: the file that has the model's class\n"
        "    model = yours.Model().eval()         # made as it was for training\n"
        f"    model.load_state_dict(torch.load({str(path)!r}, weights_only=True){inner})\n"
        "    encode = lambda images: model.encode(images)  # [n, C, H, W] to codes [n, Z]\n"
        "Then: --encoder mine.py:encode"
    )


def _pickle(path: Path) -> bytes | None:
    """The first bytes of the pickle in a file of ``torch.save``; None where it is none, or is TorchScript."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                found = [name for name in names if name.rpartition("/")[2] == "data.pkl"]
                if len(found) != 1 or any(name.rpartition("/")[2] == "constants.pkl" for name in names):
                    return None
                with archive.open(found[0]) as file:
                    return file.read(MOST)
        with path.open("rb") as file:
            return file.read(MOST) if file.read(len(OLD)) == OLD else None
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError):
        return None


def _read(content: bytes) -> tuple[list[str], list[str]]:
    """The names of the classes that a pickle would import, and the words in it, in order."""
    classes: list[str] = []
    words: list[str] = []
    rest = content
    for _ in range(PICKLES):
        try:
            for op, argument, place in pickletools.genops(rest):
                if op.name == "GLOBAL":
                    classes.append(str(argument).replace(" ", "."))
                elif op.name == "STACK_GLOBAL" and len(words) > 1:
                    classes.append(".".join(words[-2:]))
                elif isinstance(argument, str):
                    words.append(argument)
                end = (place or 0) + 1
        except Exception:  # cut off, at its end, or no pickle from here on
            break
        rest = rest[end:]
    return classes, words
