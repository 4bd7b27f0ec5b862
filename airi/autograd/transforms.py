"""What `autograd.functional`, `autograd.forward_ad` and `airi.func` are built of.

A function is differentiated by giving it `alias`es of its arguments, each a variable of its own, so
that derivatives nest to any depth: an inner derivative is taken by the inner alias, and only what
leads through that alias counts for it.

Forward mode needs no rules of its own. The pullback v -> J^T v of a recorded computation is linear
in v, and it is itself recorded under ``create_graph``; its own pullback by v is t -> J t, the
derivative of the outputs along t. Since every op can be differentiated twice, every op can do that.
(J. Townsend, "A new trick for calculating Jacobian vector products", 2017.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from airi.autograd import engine, graph
from airi.autograd.graph import Node, Rule, new_node
from airi.autograd.mode import current
from airi.dtypes import DIFFERENTIABLE


class Alias(Rule):
    """out = x;  dx = g: where a derivative is taken by x, apart from other uses of x"""

    @staticmethod
    def forward(x: Any, *, open: list[bool]) -> Any:
        return x

    @staticmethod
    def backward(g: Any) -> Any:
        return g


class Variables:
    """The variables of one derivative being computed.

    While it is open, what depends on them counts as depending on something; afterwards they are
    constants, unless what they stand for is itself part of a graph.
    """

    def __init__(self) -> None:
        self._open = [True]

    def alias(self, tensor: Any) -> Any:
        """The same values as a variable; its gradients go on to the tensor where it wants them."""
        if tensor._array.dtype.kind not in DIFFERENTIABLE:
            raise RuntimeError(
                f"only tensors of floating-point or complex dtype can be differentiated by, got "
                f"{tensor.dtype}"
            )
        result = graph.wrap(tensor._array)
        result._counter = tensor._counter or result._counter
        metadata = (tensor._array.shape, tensor._array.dtype)
        attributes = {"open": self._open}
        node = new_node(Node, Alias, (graph.edge_of(tensor),), attributes, (metadata,))
        result._edge = (node, 0)
        return result

    def close(self) -> None:
        self._open[0] = False

    def reopen(self) -> None:
        self._open[0] = True


def depends(tensors: Iterable[Any]) -> bool:
    """Whether any of the tensors depends on a leaf, or on a variable of a derivative still open."""
    edges = [graph.edge_of(each) for each in tensors if isinstance(each, graph.Tensor)]
    if any(isinstance(edge, graph.Tensor) for edge in edges):
        return True
    for node in engine.reachable(edges):
        if node.rule is Alias and node.attributes["open"][0]:
            return True
        if any(isinstance(edge, graph.Tensor) for edge in node.edges):
            return True
    return False


def wants_graph(tensors: Iterable[Any]) -> bool:
    """Whether derivatives made from these tensors are to be recorded in their turn."""
    return current().grad and depends(tensors)


def settled(tensor: Any) -> Any:
    """A result without a graph where that holds nothing but variables of finished derivatives."""
    if isinstance(tensor, graph.Tensor) and tensor.requires_grad and not wants_graph([tensor]):
        return tensor.detach()
    return tensor


def zeros_like(tensor: Any) -> Any:
    return graph.wrap(np.zeros_like(tensor._array))


def pullback(
    outputs: Sequence[Any], variables: Sequence[Any], cotangents: Sequence[Any], record: bool
) -> list[Any]:
    """J^T v: for each variable its gradient, None where no output depends on it."""
    pairs = [
        (output, v)
        for output, v in zip(outputs, cotangents, strict=True)
        if v is not None and output.requires_grad
    ]
    if not pairs:
        return [None] * len(variables)
    given, seeds = zip(*pairs, strict=True)
    return list(
        engine.grad(
            given, variables, seeds, retain_graph=True, create_graph=record, allow_unused=True
        )
    )


class Pushforward:
    """t -> J t, the derivative of the outputs along tangents of the variables, at one point."""

    def __init__(self, outputs: Sequence[Any], variables: Sequence[Any]) -> None:
        ours = Variables()
        self._v = [ours.alias(zeros_like(each)) for each in outputs]
        self._pulled_back = pullback(outputs, variables, self._v, record=True)

    def __call__(self, tangents: Sequence[Any], record: bool) -> list[Any]:
        """For each output its derivative, None where it depends on no variable with a tangent."""
        pairs = [
            (gradient, t)
            for gradient, t in zip(self._pulled_back, tangents, strict=True)
            if gradient is not None and t is not None
        ]
        gradients, along = [each for each, _ in pairs], [each for _, each in pairs]
        return pullback(gradients, self._v, along, record)


def one_hot(tensor: Any) -> Iterable[Any]:
    """For each element a tensor of that shape and dtype that is 1 there, else 0."""
    for number in range(tensor._array.size):
        array = np.zeros(tensor._array.size, tensor._array.dtype)
        array[number] = 1
        yield graph.wrap(array.reshape(tensor._array.shape))
