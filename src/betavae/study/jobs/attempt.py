"""An attempt at jobs, as every worker makes it: what goes wrong outside one question is in the records of all."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch

from betavae.disk import Unwritable
from betavae.study import machine
from betavae.study.cells import Job
from betavae.study.jobs.context import Context, Paused, failed, reason
from betavae.study.jobs.messages import Note
from betavae.study.jobs.perform import perform


class DeviceLost(Exception):
    """A CUDA context is lost: every call fails until this process ends. What it was doing goes on from a checkpoint."""


def attempt(jobs: Sequence[Job], context: Context, trains: bool = True, cautious: bool = False) -> str:
    """Perform jobs together: "done", "paused" where the sitting is over, or why they could not go on. Raises
    Unwritable, and DeviceLost with no record left: another process goes on.
    """
    try:
        perform(jobs, context, trains, cautious)
    except Unwritable:
        raise
    except Paused:
        return "paused"
    except Exception as error:
        said = reason(error)
        if machine.lost(context.settings.device):
            context.say(Note(f"CUDA context lost on {context.settings.device} ({said}); its worker begins again"))
            raise DeviceLost from error
        for job in jobs:
            failed(job, context, said)
        return said
    return "done"


def prepare_process(threads: int) -> None:
    """Make this process one that works: its threads, and memory that it keeps."""
    torch.set_num_threads(threads)
    machine.hold_memory()


def leave() -> None:
    """End a process whose CUDA context is lost."""
    os._exit(machine.LOST)
