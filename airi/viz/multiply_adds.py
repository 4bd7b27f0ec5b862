"""How many products an op sums: the multiply-adds of matrix products and convolutions.

One multiply-add is one product that is added to a sum. It is what papers on networks count, and
half of what ``torch.utils.flop_counter`` does: convolutions, matrix products, attention and
recurrent layers, with what falls on padding. Work on each element alone (activations, norms, the
gates of an LSTM), pooling, look-ups in tables and decompositions of matrices count nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Shape = tuple[int, ...]


def _weighted(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    """Every output sums over a filter (C / groups, KH, KW)."""
    return math.prod(out) * math.prod(inputs[1][1:])


def _scattered(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    """Every input is multiplied by a filter and scattered: the transposed convolution."""
    return math.prod(inputs[0]) * math.prod(inputs[1][1:])


def _of_filters(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    return math.prod(inputs[0]) * math.prod(out[1:])


def _rows_by_columns(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    return math.prod(out) * inputs[0][-1]


def _added_rows_by_columns(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    return math.prod(out) * inputs[1][-1]


def _letters(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    """All combinations of the indices."""
    terms = attributes["equation"].split("->")[0].split(",")
    sizes: dict[str, int] = {}
    for letters, shape in zip(terms, inputs, strict=True):
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    return math.prod(sizes.values())


def _attention(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    """Scores and their means of the values; a causal mask spares nothing here."""
    query, key = inputs[:2]
    return math.prod(out[:-1]) * key[-2] * (query[-1] + out[-1])


def _recurrent(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    """The matrices of a step, for every element of every sequence."""
    weights = inputs[3:] if len(inputs) == 8 else inputs[2:]  # an LSTM has a second state
    matrices = [shape for shape in weights if len(shape) == 2]
    return sum(attributes["batch_sizes"]) * sum(map(math.prod, matrices))


def _sparse(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    return inputs[0][0] * math.prod(inputs[1][1:])


def _sampled(inputs: list[Shape], attributes: Any, out: Shape) -> int:
    return math.prod(out) * inputs[0][-1]


# By the name of the rule: inputs' shapes (() for None), attributes, and the first result's shape.
RULES: dict[str, Callable[[list[Shape], Any, Shape], int]] = {
    "Addmm": _added_rows_by_columns,
    "Attention": _attention,
    "Conv2d": _weighted,
    "Conv2dInputGrad": _scattered,
    "Conv2dWeightGrad": _of_filters,
    "Einsum": _letters,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "Linear": _rows_by_columns,
    "MatMul": _rows_by_columns,
    "RNN": _recurrent,
    "SampledProducts": _sampled,
    "SparseMatMul": _sparse,
}


def multiply_adds(rule: Any, inputs: tuple[Any, ...], attributes: Any, result: Any) -> int:
    """Those of one use of `rule`, as an `Observer` is told of it; 0 for rules not in ``RULES``."""
    count = RULES.get(rule.__name__)
    if count is None:
        return 0
    shapes = [tuple(getattr(each, "shape", ())) for each in inputs]
    return int(count(shapes, attributes, tuple(result.shape)))
