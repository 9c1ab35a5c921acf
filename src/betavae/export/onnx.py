"""A VAE's encoder and decoder as ONNX files, written node by node and checked against PyTorch.

The architectures are a dozen linear, convolution and activation nodes, so the graphs are written here by hand: the file
then says what the paper's Table 4 says, and no tracer or its dependencies are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betavae.disk import write_atomic
from betavae.errors import Fault
from betavae.models.base import whole
from betavae.objectives.base import Likelihood
from betavae.objectives.likelihoods import FLAT, bernoulli

if TYPE_CHECKING:
    from betavae.models.base import Model, Step
    from betavae.types import Array, Params

OPSET, IR = 17, 8
"""Old enough for the runtimes of 2022, new enough for every node used here."""
CLOSE = 1e-5
"""Largest difference from PyTorch that a file may have, as a share of the largest number (or of 1)."""
LOOKED = 8
"""Images and codes that a file is checked on."""


class Graph:
    """A chain of nodes in the making; ``at`` is the name of the newest tensor."""

    def __init__(self, params: Mapping[str, Array], at: str) -> None:
        self.params, self.at = params, at
        self.nodes: list[Any] = []
        self.used: dict[str, Array] = {}

    def node(self, kind: str, *more: str, into: str | None = None, out: str | None = None, **knobs: Any) -> str:
        """Append a node that takes the newest tensor (or ``into``) and gives the newest; the name of what it gives."""
        from onnx import helper

        name = out or f"h{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [into or self.at, *more], [name], **knobs))
        self.at = name
        return name

    def constant(self, value: float) -> str:
        """The name of a number."""
        import numpy as np

        name = f"constant{len(self.used)}"
        self.used[name] = np.array(value, dtype=np.float32)
        return name

    def layer(self, kind: str, name: str, into: str | None = None, out: str | None = None, **knobs: Any) -> None:
        """A node with the weight and the bias of this name."""
        self.used |= {f"{name}.{part}": self.params[f"{name}.{part}"] for part in ("weight", "bias")}
        self.node(kind, f"{name}.weight", f"{name}.bias", into=into, out=out, **knobs)

    def linear(self, name: str, into: str | None = None, out: str | None = None) -> None:
        """x Wᵀ + b."""
        self.layer("Gemm", name, into, out, transB=1)

    def shape(self, *sizes: int) -> None:
        """The same numbers as ``[n, *sizes]``."""
        import numpy as np

        name = f"shape{len(self.nodes)}"
        self.used[name] = np.array([0, *sizes], dtype=np.int64)
        self.node("Reshape", name)


HALVE: dict[str, Any] = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}


OPERATIONS = {"halve": "Conv", "double": "ConvTranspose"}
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "tanh": ("Tanh", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
}


def _body(steps: Sequence[Step], graph: Graph, shape: tuple[int, ...]) -> None:
    """Layers one after another from something of this shape on."""
    for step in steps:
        if step.into != shape:
            graph.shape(*step.into)
        if step.layer.kind == "linear":
            graph.linear(step.layer.name)
        else:
            graph.layer(OPERATIONS[step.layer.kind], step.layer.name, **HALVE)
        if step.layer.then:
            kind, knobs = ACTIVATIONS[step.layer.then]
            graph.node(kind, **knobs)
        shape = step.out


def _sigmoid(graph: Graph) -> None:
    graph.node("Sigmoid", out="pixels")


def _continuous(graph: Graph) -> None:
    """1 / (1 - exp(-η)) - 1/η of the logits η; about nought its series."""
    logits, one = graph.at, graph.constant(1.0)
    near = graph.node("Less", graph.constant(FLAT), into=graph.node("Abs"))
    safe = graph.node("Where", one, logits, into=near)
    rest = graph.node("Sub", graph.node("Exp", into=graph.node("Neg")), into=one)
    far = graph.node("Sub", graph.node("Reciprocal", into=safe), into=graph.node("Reciprocal", into=rest))
    square = graph.node("Mul", logits, into=logits)
    slope = graph.node("Add", graph.constant(1 / 12), into=graph.node("Mul", graph.constant(-1 / 720), into=square))
    flat = graph.node("Add", graph.constant(0.5), into=graph.node("Mul", logits, into=slope))
    graph.node("Where", flat, far, into=near, out="pixels")


MEANS: dict[str, Callable[[Graph], None]] = {"continuous_bernoulli": _continuous}
"""How logits become pixels, by likelihood; the sigmoid for all others."""


def _steps(model: Model) -> tuple[list[Step], list[Step]]:
    if model.layers is None:
        raise Fault(f"architecture {model.name!r} is written as functions; ONNX is written of layers")
    return whole(model.layers, model.shape, model.codes)


def encoder(model: Model, params: Mapping[str, Array]) -> bytes:
    """Images ``[n, C, H, W]`` in [0, 1] to ``mean`` and ``logvar`` ``[n, Z]`` of q(z | x), as an ONNX file."""
    graph = Graph(params, "images")
    *body, mean, _ = _steps(model)[0]
    _body(body, graph, model.shape)
    if (body[-1].out if body else model.shape) != mean.into:
        graph.shape(*mean.into)
    last = graph.at
    graph.linear("mean", last, "mean")
    graph.linear("logvar", last, "logvar")
    codes = (model.codes,)
    return _file("encoder", graph, {"images": model.shape}, {"mean": codes, "logvar": codes})


def decoder(model: Model, params: Mapping[str, Array], likelihood: str = "bernoulli") -> bytes:
    """Codes ``[n, Z]`` to ``pixels`` ``[n, C, H, W]`` in [0, 1], the means of a likelihood, as an ONNX file."""
    graph = Graph(params, "codes")
    body = _steps(model)[1]
    _body(body, graph, (model.codes,))
    if (body[-1].out if body else (model.codes,)) != model.shape:
        graph.shape(*model.shape)
    MEANS.get(likelihood, _sigmoid)(graph)
    return _file("decoder", graph, {"codes": (model.codes,)}, {"pixels": model.shape})


def _file(name: str, graph: Graph, ins: Mapping[str, tuple[int, ...]], outs: Mapping[str, tuple[int, ...]]) -> bytes:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def told(tensors: Mapping[str, tuple[int, ...]]) -> list[Any]:
        return [helper.make_tensor_value_info(key, TensorProto.FLOAT, ["n", *size]) for key, size in tensors.items()]

    weights = [numpy_helper.from_array(value, key) for key, value in graph.used.items()]
    whole = helper.make_graph(graph.nodes, name, told(ins), told(outs), weights)
    opset = [helper.make_opsetid("", OPSET)]
    made = helper.make_model(whole, producer_name="betavae", ir_version=IR, opset_imports=opset)
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString())


def write(model: Model, params: Params, out: Path, likelihood: Likelihood = bernoulli) -> dict[str, float]:
    """Write ``encoder.onnx`` and ``decoder.onnx`` (to the means of this likelihood), each checked against PyTorch on
    random images and codes.

    Returns the largest difference of each output as a share of the largest number; raises Fault above ``CLOSE``.
    """
    import torch

    from betavae.representation import vae

    arrays = {key: value.detach().cpu().numpy() for key, value in params.items()}
    codec = vae.codec(model, params, likelihood.mean)
    random = torch.Generator().manual_seed(0)
    images = torch.rand(LOOKED, *model.shape, generator=random)
    codes = torch.randn(LOOKED, model.codes, generator=random)
    assert codec.posterior is not None
    assert codec.decode is not None
    posterior = codec.posterior(images)
    wanted = {"mean": posterior.mean, "logvar": posterior.logvar, "pixels": codec.decode(codes)}
    found: dict[str, float] = {}
    for name, data, given in (
        ("encoder", encoder(model, arrays), {"images": images.numpy()}),
        ("decoder", decoder(model, arrays, likelihood.name), {"codes": codes.numpy()}),
    ):
        for key, value in run(data, given).items():
            off = float((torch.from_numpy(value) - wanted[key]).abs().max() / max(1.0, float(wanted[key].abs().max())))
            if not off <= CLOSE:
                raise Fault(f"{name}.onnx: {key} differs from PyTorch's by {off:.1e}, wanted at most {CLOSE:g}")
            found[key] = off
        write_atomic(out / f"{name}.onnx", data)
    return found


def run(data: bytes, given: Mapping[str, Array]) -> dict[str, Array]:
    """What an ONNX file makes of these inputs in onnxruntime on one core, by the names of its outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [out.name for out in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(given)), strict=True))
