"""Cells of the paper's study done on a device and on the CPU: that every question can be put there, and agrees.

Each objective and architecture that the study trains is among them, and each kind of question that it puts to a
trained VAE, at the smoke scale on drawn images.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from betavae.paper.study import paper
from betavae.study.cells import Job
from betavae.study.jobs.context import StoreContext
from betavae.study.jobs.perform import perform
from betavae.study.settings import Settings
from betavae.study.store import Store

FEATURES = "efficientnet_lite0_96"
"""The feature network that comes as a package."""


def jobs(most: int) -> list[Job]:
    """The first ``most`` of: the σ-VAE, then every VAE of β = 1 and 4, those with Fréchet distances before others."""
    vaes = [job for job in paper("smoke", features=FEATURES).jobs if job.cell.recipe and not job.cell.quirks]
    learnt = [job for job in vaes if job.cell.objective == "sigma_vae"]
    plain = [job for job in vaes if job.cell.objective == "beta_vae" and job.cell.beta in (1.0, 4.0)]
    plain.sort(key=lambda job: "frechet" not in {q.measure for q in job.questions})
    return [*learnt, *plain][:most]


def records(asked: list[Job], device: str) -> dict[tuple[str, str | None, float], dict[str, Any]]:
    """What is recorded of them, each done alone, by cell, question and time."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        context = StoreContext(store, {"name": "gpu-check"}, Settings(device=device), lambda message: None)
        for job in asked:
            print(
                f"  {device}: {job.cell.dataset} {job.cell.method} {job.cell.objective} β={job.cell.beta}", flush=True
            )
            perform([job], context)
        return {(r["cell_id"], r["question_id"], r["at"]): r for r in store.records()}


def agreement(device: str, most: int) -> dict[str, float | str]:
    """How many records there are, which went wrong, and by measure the largest difference of a score from the CPU's."""
    asked = jobs(most)
    here, there = records(asked, "cpu"), records(asked, device)
    wrong = {r["message"] for r in there.values() if r["status"] != "ok"}
    found: dict[str, float | str] = {
        "records": float(len(there)),
        "records on the CPU": float(len(here)),
        "records that went wrong": float(sum(r["status"] != "ok" for r in there.values())),
        **{f"went wrong, {k}": message[:160] for k, message in enumerate(sorted(wrong))},
    }
    for key, record in here.items():
        measure = record["question"]["measure"] if record["question"] else "fit"
        for score, value in record["scores"].items():
            name = f"{measure}, {score}: largest difference from the CPU"
            other = there[key]["scores"].get(score) if key in there else None
            if other is not None:
                found[name] = max(float(found.get(name, 0.0)), abs(other - value))
    return found
