"""The page itself: template, style and scripts of this folder around the models, in one file that fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from importlib import resources

from betavae.errors import Misuse, shown
from betavae.explorer import decoder
from betavae.explorer.scene import FEW, IMAGES, scene
from betavae.explorer.shown import Explored, plain
from betavae.types import Json

SCRIPTS = ("decoder.js", "charts.js", "panel.js", "explorer.js")
LARGEST = 32_000_000
"""Characters of weights in one page: more than that a browser opens slowly, and a mail refuses."""
_ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def page(models: Sequence[Explored], *, title: str = "", small: bool = False, served: bool = False) -> str:
    """One self-contained HTML page of these models; opened from disk, it asks nothing of any network.

    ``small`` is for a place inside another page: one model's sliders and traversals alone. One that is ``served`` holds
    no weights and asks images of where it is from (see ``serve``). Raises Misuse where there is no model, where one has
    no decoder (that a page can run, unless it is served), or where the weights are too many.
    """
    if not models:
        raise Misuse("no model to explore; wanted at least one trained conv or mlp")
    if not served:
        weigh(models)
    names = {m.dataset.digest: m.dataset.name for m in models}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise Misuse(f"two datasets of other digests are named {shown(twice[0])} here; show the models of one alone")
    scenes = {m.dataset.name: scene(m.dataset, FEW if small else IMAGES) for m in models}
    data: dict[str, Json] = {
        "small": small,
        "scenes": {name: each.plain(swept=not small) for name, each in scenes.items()},
        "models": [dict(plain(m, scenes[m.dataset.name], small, served)) for m in models],
    }
    return rendered(title or (models[0].name if len(models) == 1 else f"{len(models)} models"), data, small, served)


def rendered(title: str, data: Json, small: bool, served: bool = False) -> str:
    """The template filled in. The names inside are anybody's: text is escaped, data is no script, and no script but
    the page's own is run.
    """
    import jinja2

    here = resources.files("betavae.explorer")
    style, script = (
        (here / "style.css").read_text("utf-8"),
        "\n".join((here / name).read_text("utf-8") for name in SCRIPTS),
    )
    room = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    safe = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).translate(_ESCAPED)
    return room.from_string((here / "template.html").read_text("utf-8")).render(
        title=title, small=small, served=served, style=_raw(style), script=_raw(script), data=_raw(safe),
        style_digest=_digest(style), script_digest=_digest(script),
    )  # fmt: skip


def weigh(models: Sequence[Explored]) -> int:
    """Characters of weights that a page of these models holds. Raises Misuse where they are too many."""
    sizes = [decoder.size(m.codec, m.name) for m in models]
    if sum(sizes) > LARGEST:
        raise Misuse(
            f"the weights of these {len(models)} models are {sum(sizes) / 1e6:.0f} MB of page, at most "
            f"{LARGEST / 1e6:.0f} are readable; name fewer (a conv is 0.65 MB, an mlp 15.6), or "
            "explore --serve them"
        )
    return sum(sizes)


def _raw(text: str) -> object:
    import markupsafe

    return markupsafe.Markup(text)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
