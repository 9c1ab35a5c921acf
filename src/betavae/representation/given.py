"""What an encoder gave for a batch of images, as codes: tensors, arrays, tuples, dictionaries and distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from betavae.errors import Fault, Misuse, choose

if TYPE_CHECKING:
    from betavae.types import Array

MEANS = ("mean", "mu", "loc", "z_mean", "mu_z", "z_mu", "latent_mean", "embedding_mean")
"""What the field calls the mean of a posterior where it names it."""
CODES = ("codes", "code", "z", "latent", "latents", "embedding", "embeddings", "representation", "representations")
POSTERIORS = ("latent_dist", "posterior", "q_z", "qz", "q", "dist", "distribution")
LARGEST = float(np.finfo(np.float32).max)


def chosen(given: Any, count: int, output: str | None = None) -> tuple[Any, str]:
    """The part of what an encoder gave that is its codes, and how it was found: empty where there was no choice.

    Of a distribution its mean; of several parts the one named ``output``, else the one that is named as a mean is, the
    only one ``[count, Z]``, or the first of the only two of one shape, which are a mean and a log variance. Raises
    Misuse where that leaves more than one.
    """
    if isinstance(given, Distribution):
        return given.mean, f"a distribution ({type(given).__name__}): its mean is taken"
    parts = _parts(given)
    if parts is None:
        return given, ""
    if output is not None:
        return chosen(choose(parts, output, "output"), count)[0], ""
    means = [name for name in MEANS if _is_codes(parts.get(name), count)]
    codes = [name for name, part in parts.items() if _is_codes(part, count)]
    shapes = [tuple(parts[name].shape) for name in codes]
    twins = [name for name, shape in zip(codes, shapes, strict=True) if shapes.count(shape) == 2]
    telling = [name for name in CODES if name in codes]
    held = [name for name in POSTERIORS if parts.get(name) is not None]
    how = _described(parts)
    if len(parts) == 1 and codes:
        return parts[codes[0]], ""
    if means:
        return parts[means[0]], f"{how}: {means[0]!r} is taken"
    if len(codes) == 1:
        return parts[codes[0]], f"{how}: {codes[0]!r} is taken, the only one [n, Z]"
    if len(twins) == 2 and isinstance(given, tuple | list):
        return parts[twins[0]], f"{how}: {twins[0]!r} is taken as a mean, {twins[1]!r} as its log variance"
    if telling:
        return parts[telling[0]], f"{how}: {telling[0]!r} is taken"
    if not codes and held:
        return chosen(parts[held[0]], count)[0], f"{how}: the mean of {held[0]!r} is taken"
    which = f"{len(codes)} of them may be codes" if codes else f"none is of shape [{count}, Z]"
    raise Misuse(f"the encoder gave {how}, and {which}; give the codes alone, or name one (--output, output=)")


def _parts(given: Any) -> dict[str, Any] | None:
    """The named parts of a structure; None of what is an array itself."""
    if isinstance(given, Mapping):
        return {str(name): part for name, part in given.items()}
    if isinstance(given, tuple) or (isinstance(given, list) and given and all(map(_is_array, given))):
        names = getattr(given, "_fields", None) or range(len(given))
        if isinstance(given, list) and any(part.ndim < 2 for part in given):
            return None  # a row for each image
        return {str(name): part for name, part in zip(names, given, strict=True)}
    if _is_array(given) or isinstance(given, list | str | bytes | int | float) or given is None:
        return None
    parts = {name: part for name, part in getattr(given, "__dict__", {}).items() if not name.startswith("_")}
    return parts if any(name in parts for name in (*MEANS, *CODES, *POSTERIORS)) else None


def _is_array(given: Any) -> bool:
    return isinstance(given, Tensor | np.ndarray)


def _is_codes(part: Any, count: int) -> bool:
    return _is_array(part) and part.ndim == 2 and len(part) == count


def _described(parts: Mapping[str, Any]) -> str:
    said = [f"{name} {list(p.shape) if _is_array(p) else type(p).__name__}" for name, p in list(parts.items())[:6]]
    return ", ".join(said) + (f" and {len(parts) - 6} more" if len(parts) > 6 else "") if parts else "nothing"


def checked(given: Any, count: int) -> Tensor:
    """What an encoder gave for ``count`` images as float32 ``[count, Z]`` on the CPU.

    Raises Misuse where it is not of that shape or not real, Fault where a code is not finite, or beyond float32.
    """
    return single(real(given, count), f"{count} images")


def real(given: Any, count: int) -> Tensor | Array:
    """What an encoder gave for ``count`` images as it came, if it is real and ``[count, Z]``; else Misuse."""
    wanted = f"wanted real codes of shape [{count}, Z]"
    try:
        if isinstance(given, Tensor):
            plain = given.detach()
            plain = plain if plain.layout is torch.strided else plain.to_dense()
            codes: Any = plain.cpu()
        else:
            codes = np.asarray(given.toarray() if hasattr(given, "toarray") else given)
            if codes.dtype.kind not in "biufc":
                raise TypeError
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        kind = getattr(given, "dtype", type(given).__name__)
        raise Misuse(f"the encoder gave {kind}; {wanted}") from None
    kind = codes.dtype if isinstance(codes, Tensor) else f"torch.{codes.dtype.newbyteorder('=').name}"
    complex_ = codes.is_complex() if isinstance(codes, Tensor) else codes.dtype.kind == "c"
    if codes.ndim != 2 or len(codes) != count or complex_ or "bool" in str(kind):
        hint = ""
        if codes.ndim > 2 and len(codes) == count and 1 in codes.shape[2:]:
            hint = "; flatten(1) makes one row of each"
        raise Misuse(f"the encoder gave {kind} of shape {tuple(codes.shape)} for {count} images; {wanted}{hint}")
    if codes.shape[1] == 0:
        raise Misuse(f"the encoder gave no code for {count} images, shape {tuple(codes.shape)}; {wanted}, Z above 0")
    return codes  # type: ignore[no-any-return]


def single(codes: Tensor | Array, whose: str = "", first: int = 0) -> Tensor:
    """Real codes ``[n, Z]`` of any kind as float32. Raises Fault where one is not finite, or beyond float32.

    The message counts those of ``whose`` codes, or where that is empty names the row of a table, ``first`` the first;
    and it says which code it is.
    """
    if isinstance(codes, Tensor):
        small = codes.to(torch.float32)
    else:
        with np.errstate(over="ignore"):
            small = torch.from_numpy(np.array(codes, dtype=np.float32))
    sound = torch.isfinite(small).all(1)
    if bool(sound.all()):
        return small
    row = int((~sound).int().argmax())
    values = np.asarray(codes[row].double() if isinstance(codes, Tensor) else codes[row], dtype=np.float64)
    wrong = ~np.isfinite(small[row].numpy())
    bad, code = values[wrong], int(wrong.argmax())
    overflow = bool(np.isfinite(bad).all())
    if not whose:
        what = f"beyond float32, which ends at {LARGEST:.2g}; scale them" if overflow else "not finite"
        raise Fault(f"row {first + row:,} holds {bad[0]:g} as code {code}, {what}; nothing can be scored")
    what = f"beyond float32 ({bad[0]:g}; it ends at {LARGEST:.2g}, scale them)" if overflow else "that are not finite"
    of = f"{int((~sound).sum())} of {whose}, first in row {row} as code {code}"
    raise Fault(f"the encoder gave codes {what} for {of}; nothing can be scored")
