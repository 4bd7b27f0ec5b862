"""Gradients that are constant where they are computed still belong to the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from airi.autograd.graph import Node, Rule, Saved, metadata_of, new_node, wrap
from airi.dtypes import DIFFERENTIABLE


class Constant(Rule):
    """out = x, which moves with no anchor;  dx = g, 0 for each anchor"""

    @staticmethod
    def forward(x: Any, *anchors: Any) -> Any:
        return x

    @staticmethod
    def backward(g: Any, anchors_shape: Any) -> Any:
        return g, *[_Nothing.apply(g, shape=shape) for shape in anchors_shape]


class _Nothing(Rule):
    """out = 0"""

    @staticmethod
    def forward(x: Any, *, shape: tuple[int, ...]) -> Any:
        return np.zeros(shape, x.dtype)


def joined(gradient: Any, node: Node) -> Any:
    """A recorded gradient as a function of what its rule saved, even where it is constant in it.

    The gradient of relu, say, is a mask that no gradient passes: a backward through it then gives
    zeros to what was saved, and no error, as in PyTorch.
    """
    edges = [each.edge_in(node) for each in node.saved or () if isinstance(each, Saved)]
    known = [(edge, *metadata_of(edge)) for edge in edges if edge is not None]
    anchors = [(edge, shape) for edge, shape, dtype in known if dtype.kind in DIFFERENTIABLE]
    if not anchors:
        return gradient
    shapes = tuple([shape for _, shape in anchors])
    metadata = (gradient._array.shape, gradient._array.dtype)
    result = wrap(gradient._array)
    node = new_node(Node, Constant, (None, *[edge for edge, _ in anchors]), {}, (metadata,))
    node.saved = (shapes,)
    result._edge = node, 0
    return result
