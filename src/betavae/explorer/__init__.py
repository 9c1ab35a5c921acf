"""A page one can move: trained models in one HTML file that decodes in the browser, with no server and no network."""

from __future__ import annotations

from betavae.explorer.document import page
from betavae.explorer.shown import Explored, Score

__all__ = ["Explored", "Score", "page"]
