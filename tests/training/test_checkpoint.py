"""Checkpoints: whole or not believed, the one before where the newest is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from betavae.training import checkpoint


def tensors(step: int) -> dict[str, torch.Tensor]:
    return {"a": torch.full((5,), float(step)), "b": torch.arange(3) + step}


def saved(folder: Path, *steps: int, keep: int = 10) -> list[Path]:
    return [checkpoint.save(folder, s, tensors(s), {"note": s}, keep) for s in steps]


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path / "none") is None
    saved(tmp_path, 9, 10, 100)
    found = checkpoint.latest(tmp_path)
    assert found is not None
    assert (found.step, found.meta) == (100, {"note": 100})
    assert checkpoint.newest(tmp_path) == 100
    assert checkpoint.newest(tmp_path / "none") is None
    assert all(torch.equal(found.tensors[k], v) for k, v in tensors(100).items())
    before = checkpoint.latest(tmp_path, until=99)
    assert before is not None
    assert before.step == 10


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_so_many_are_kept_and_later_ones_left_alone(keep: int, tmp_path: Path) -> None:
    saved(tmp_path, 50)  # a finished training, trained again for an earlier time
    half = tmp_path / ".step-000000000003.safetensors.123.part"
    half.write_bytes(b"killed")
    saved(tmp_path, *range(1, 8), keep=keep)
    steps = sorted(int(p.name[5:17]) for p in tmp_path.iterdir())
    assert steps == [*range(8 - keep, 8), 50]
    assert not half.exists()
    checkpoint.tidy(tmp_path, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["step-000000000050.safetensors"]


def test_a_broken_newest_falls_back_and_says_so(tmp_path: Path) -> None:
    """Cut at any length, or one bit turned anywhere: the one before is taken, and the file is named."""
    older, newest = saved(tmp_path, 1, 2)
    whole = newest.read_bytes()
    broken: list[bytes] = [whole[:cut] for cut in range(0, len(whole), 7)]
    broken += [whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :] for k in range(0, len(whole), 5)]
    broken += [whole + b"\0", older.read_bytes(), bytes(len(whole))]
    for data in broken:
        newest.write_bytes(data)
        said: list[str] = []
        found = checkpoint.latest(tmp_path, said.append)
        assert found is not None
        assert found.step == 1
        assert len(said) == 1
        assert said[0].startswith(f"{newest} cannot be believed (")
        assert said[0].endswith("; going back to the one before")
    older.unlink()
    assert checkpoint.latest(tmp_path) is None
