"""Recurrent layers in ONNX: one node per layer and direction."""

from __future__ import annotations

from typing import Any

from airi.onnx.graph import Graph, Tensor, Use, translates
from airi.onnx.shapes import reshaped

# Where ONNX has the gates that airi and PyTorch have in the order i f g o and r z n.
_ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}


@translates("LSTM", "GRU", "RNN")
def recurrent(graph: Graph, use: Use) -> Any:
    has_cell = use.rule == "LSTM"
    x, *states = use.inputs[: 3 if has_cell else 2]
    w_ih, w_hh, b_ih, b_hh, *projection = use.inputs[len(states) + 1 :]
    sizes = use["batch_sizes"]
    if any(each != sizes[0] for each in sizes):
        raise RuntimeError(f"onnx.export: {use.rule} of packed sequences has no translation")
    if any(each is not None for each in projection):
        raise RuntimeError("onnx.export: an LSTM with proj_size has no translation")
    steps, batch, hidden = len(sizes), sizes[0], w_hh.shape[1]
    sequence = reshaped(graph, x, (steps, batch, x.shape[-1]))
    weights = [_gates(graph, use.rule, each) for each in (w_ih, w_hh)]
    bias = None
    if b_ih is not None or b_hh is not None:
        zeros = graph.constant([0.0] * w_ih.shape[0], x.dtype)
        halves = [_gates(graph, use.rule, zeros if b is None else b) for b in (b_ih, b_hh)]
        bias = graph.node("Concat", *halves, axis=1)
    initial = [reshaped(graph, each, (1, batch, hidden)) for each in states]
    options: dict[str, Any] = {"GRU": {"linear_before_reset": 1}}.get(use.rule, {})
    if use.rule == "RNN":
        options["activations"] = [use["nonlinearity"].capitalize()]
    out, *final = graph.node(
        use.rule,
        sequence,
        *weights,
        bias,
        None,  # lengths of sequences: all are equal
        *initial,
        outputs=1 + len(states),
        hidden_size=int(hidden),
        direction="reverse" if use["reverse"] else "forward",
        **options,
    )
    results = [reshaped(graph, out, use.shapes[0])]
    results += [reshaped(graph, each, use.shapes[1]) for each in final]
    return results


def _gates(graph: Graph, kind: str, weight: Tensor) -> Any:
    """The rows of a weight in ONNX's order of gates, with a first dimension for the direction."""
    order = _ORDER[kind]
    if len(order) > 1:
        parts = graph.node("Split", weight, outputs=len(order), axis=0, num_outputs=len(order))
        weight = graph.node("Concat", *(parts[each] for each in order), axis=0)
    return graph.node("Unsqueeze", weight, graph.ints([0]))
