"""A model card as model hubs read it: a head of plain YAML, then what a person must know before using the model."""

from __future__ import annotations

import json
import math
from typing import Any

from betavae.datasets.cards import CARDS
from betavae.export import cite
from betavae.metrics import peers
from betavae.report.evidence import Evidence
from betavae.report.statistics.summary import summarise
from betavae.study.cells import Cell
from betavae.study.monitor import cost
from betavae.study.records import Record

Z95 = 1.959964
"""The two-sided 95 % point of the normal distribution."""
VOTED = ("higgins", "rotation")
"""Measures whose score is the share of right answers among ``test_votes`` votes."""


def wilson(share: float, votes: int) -> tuple[float, float]:
    """The 95 % interval of a share of so many votes (Wilson 1927)."""
    middle, spread = share + Z95**2 / (2 * votes), Z95 * math.sqrt(share * (1 - share) / votes + (Z95 / votes / 2) ** 2)
    return (middle - spread) / (1 + Z95**2 / votes), (middle + spread) / (1 + Z95**2 / votes)


def text(cell: Cell, config: dict[str, Any], evidence: Evidence) -> str:
    """The card of a trained VAE from its configuration and the records of its study."""
    mine = [r for r in evidence.records if r["cell_id"] == cell.id]
    fit = next(r for r in mine if r["kind"] == "fit")
    answers = [r for r in mine if r["kind"] == "answer" and r["status"] == "ok" and r["at"] == 1.0 and r["scores"]]
    kin = [r for r in evidence.records if r["cell"] and {**r["cell"], "seed": 0} == {**cell.plain(), "seed": 0}]
    data = CARDS.get(cell.dataset)
    sections = {
        "What it is": _what(cell, config),
        "Use": _use(config),
        "Not for": "It has seen one small synthetic or benchmark dataset and nothing else. Codes of other images mean "
        "nothing, and no score here says that a code is one factor of the world: see what the metrics cannot see in "
        "the documentation of betavae. It makes no decision about people.",
        "Training data": _data(cell, fit, data),
        "Training": _training(cell, fit),
        "Scores": _scores(answers, kin, cell),
        "Known failures": _failures(cell, fit, kin, data),
        "Cite": "```bibtex\n" + "\n\n".join(cite.entries([r for r in mine if r["kind"] != "run"])) + "\n```",
    }
    body = "\n\n".join(f"## {name}\n\n{content}" for name, content in sections.items())
    return f"---\n{_head(cell, answers, 'onnx_difference' in config)}---\n\n# {cost.label(cell)}\n\n{body}\n"


def _head(cell: Cell, answers: list[Record], with_onnx: bool) -> str:
    """The YAML head; JSON is YAML, so each value is written as JSON."""
    scores = [
        {"type": name, "value": value, "name": _named(record, name)}
        for record in answers
        for name, value in sorted(record["scores"].items())
    ]
    result = {
        "task": {"type": "feature-extraction", "name": "disentangled representation"},
        "dataset": {"type": cell.dataset, "name": cell.dataset},
        "metrics": scores,
    }
    head: dict[str, Any] = {
        "license": "unknown",
        "library_name": "betavae",
        "pipeline_tag": "feature-extraction",
        "tags": ["vae", "beta-vae", "disentanglement", *(["onnx"] if with_onnx else [])],
        "datasets": [cell.dataset],
        "metrics": sorted({record["question"]["measure"] for record in answers}),
    }
    if scores:
        head["model-index"] = [{"name": f"betavae-{cell.id}", "results": [result]}]
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in head.items())


def _named(record: Record, score: str) -> str:
    question = record["question"]
    knobs = ", ".join(f"{k}={v}" for k, v in sorted(question["knobs"].items()) if v is not None)
    return f"{score} of {question['measure']}({knobs}), seed {question['seed']}"


def _what(cell: Cell, config: dict[str, Any]) -> str:
    knobs = ", ".join(f"{k} = {v}" if isinstance(v, str) else f"{k} = {v:g}" for k, v in cell.knobs)
    return (
        f"A {'convolutional' if cell.method == 'conv' else cell.method.upper()} variational autoencoder of "
        f"{config['parameters']:,} parameters for images of {' × '.join(map(str, config['shape']))} (channels, rows, "
        f"columns), with {cell.codes} codes; objective `{cell.objective}`{f' with {knobs}' if knobs else ''}. Made for "
        f"studying disentanglement: its codes are what such metrics score. Cell `{cell.id}` of betavae "
        f"{config['version']}. Whoever trained it decides on the licence of the weights and writes it into the head."
    )


def _use(config: dict[str, Any]) -> str:
    onnx = (
        "`encoder.onnx` maps `images` to `mean` and `logvar`, `decoder.onnx` maps `codes` to `pixels`; both differ "
        f"from PyTorch by at most {max(config['onnx_difference'].values()):.0e} of the largest number.\n\n"
        if "onnx_difference" in config
        else ""
    )
    odd = config["likelihood"] == "continuous_bernoulli"  # its mean is not the sigmoid of the logits
    return onnx + (
        "```python\n"
        "from safetensors.torch import load_file\n"
        "from betavae import models\n"
        f"{'from betavae.objectives.likelihoods import continuous_mean' * odd}{chr(10) * odd}"
        "from betavae.representation import vae\n\n"
        f'model = models.named("{config["architecture"]}", {tuple(config["shape"])}, {config["codes"]})\n'
        f'codec = vae.codec(model, load_file("model.safetensors"){", continuous_mean" if odd else ""})\n'
        "codes = codec.encode(images)  # float32 [n, C, H, W] in [0, 1]\n"
        "pixels = codec.decode(codes)\n"
        "```"
    )


def _data(cell: Cell, fit: Record, data: Any) -> str:
    lines = [f"`{cell.dataset}`, source: {fit['data']['source']}, digest `{fit['data']['digest']}`."]
    if data:
        lines += [data.what, f"Licence: {data.licence}. Source: {data.citation}."]
    return " ".join(lines)


def _training(cell: Cell, fit: Record) -> str:
    recipe, machine = cell.recipe, fit["machine"]
    assert recipe is not None
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items() if number)
    lines = [
        f"- seed {cell.seed}: initialisation, order of images and noise follow from it and from names alone",
        f"- {recipe.optimiser}, learning rate {recipe.learning_rate:g} (times {recipe.drop_to:g} from "
        f"{recipe.drop_at:.0%} on), batches of {recipe.batch}, {fit['images']:,} images in {recipe.steps:,} steps",
        f"- {fit['seconds']:.0f} s on {machine['cpu'] if machine['device'] == 'cpu' else machine['device']}, "
        f"{machine['threads']} thread{'s' if machine['threads'] != 1 else ''}, {machine['precision']}",
        f"- Python {machine['python']}, {versions}",
    ]
    if cell.train_on:
        lines += [f"- trained on the {fit['notes']['trained_on']:,} images where `{cell.train_on}`; scores are of all"]
    lines += [f"- deviates from the protocol on purpose: {', '.join(cell.quirks)}"] if cell.quirks else []
    return "\n".join(lines)


def _scores(answers: list[Record], kin: list[Record], cell: Cell) -> str:
    if not answers:
        return "None was asked for."
    lines = ["| score | this model | 95 % interval over votes | all seeds: median | interval of the median | seeds |",
             "|---|--:|--:|--:|--:|--:|"]  # fmt: skip
    for record in answers:
        question = record["question"]
        for name, value in sorted(record["scores"].items()):
            votes = int(peers.whole(question["measure"], question["knobs"]).get("test_votes") or 1000)
            voted = question["measure"] in VOTED and name == question["measure"] and 0 <= value <= 1
            low, high = wilson(value, votes) if voted else (None, None)
            alike = [r for r in kin if r["question_id"] == record["question_id"] and r["at"] == 1.0]
            same = {r["cell"]["seed"]: r["scores"][name] for r in alike if name in r["scores"]}
            seeds = summarise(list(same.values()))
            assert seeds is not None
            given = seeds.interval
            lines.append(
                f"| {_named(record, name)} | {value:.4g} | {'–' if low is None else f'{low:.4g} to {high:.4g}'} | "
                f"{seeds.median:.4g} | "
                f"{f'{given.low:.4g} to {given.high:.4g} ({given.coverage:.1%})' if given else '–'} | {seeds.n} |"
            )
    return "\n".join(lines) + (
        "\n\nThe interval over votes is Wilson's for the share of right answers; it holds for this model and this "
        "draw of pairs. Training seeds usually spread more: judge a method by that, never by one model."
    )


def _failures(cell: Cell, fit: Record, kin: list[Record], data: Any) -> str:
    fits = {r["cell"]["seed"]: r for r in kin if r["kind"] == "fit"}
    fell = sorted(seed for seed, r in fits.items() if r["status"] == "diverged")
    still = int(cell.codes - fit["scores"].get("active", cell.codes))
    lines = [
        f"- {still} of {cell.codes} codes hardly move (variance of the posterior mean at most .01)"
        if still
        else "- every code moves",
        f"- of {len(fits)} seed{'s' if len(fits) != 1 else ''} trained in this setting "
        + (f"{len(fell)} diverged ({', '.join(map(str, fell))})" if fell else "none diverged"),
        "- the Higgins score is nearly blind to rotation: a code may score well and still mix factors",
    ]
    return "\n".join(lines + [f"- of the data: {defect}" for defect in (data.defects if data else ())])
