"""Records in, pages out; nothing here trains, loads a dataset or imports PyTorch."""

from __future__ import annotations

from betavae.report.checklist import checklist
from betavae.report.pages import write

__all__ = ["checklist", "write"]
