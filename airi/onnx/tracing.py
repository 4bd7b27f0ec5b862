"""What a model computes for an example, as a list of ops: the input of the export.

The model runs twice, on inputs of other values and, along dynamic axes, of other sizes. What
differs between both runs depends on the input; what differs without an op that led to it (a value
that was taken out of a tensor, a random number) cannot be exported and is refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from airi.autograd.graph import Rule, wrap
from airi.autograd.mode import no_grad
from airi.autograd.observer import Observer, observed_by
from airi.tensor import Tensor


class Dim(NamedTuple):
    """A number that depends on the size of a dynamic axis: ``times * axis + plus``."""

    axis: str
    times: int
    plus: int


Int = int | Dim


class Value(NamedTuple):
    """A tensor of the trace by number; 0 ... are the model's inputs."""

    number: int


class Known(NamedTuple):
    """A tensor that no op of the trace made: a parameter, a buffer or a constant."""

    tensor: Tensor
    array: np.ndarray  # as it was when it was first met


class Op(NamedTuple):
    """One use of a rule."""

    rule: type[Rule]
    inputs: tuple[Any, ...]  # Value, Known, or a number, None, ...
    attributes: dict[str, Any]
    results: tuple[Value, ...]
    arrays: tuple[np.ndarray, ...]  # of the results: shapes and dtypes
    common: np.dtype | None  # what elementwise ops compute in


class Trace(Observer):
    """The ops of one run."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        self.ops: list[Op] = []
        self._numbers: dict[int, Value] = {}  # by id of the Tensor
        self._known: dict[int, Known] = {}
        self._kept: list[Tensor] = []  # so that no id is given twice
        self._stale: set[int] = set()
        self._next = 0
        for each in inputs:
            self._new(each)

    def _new(self, tensor: Tensor) -> Value:
        self._numbers[id(tensor)] = value = Value(self._next)
        self._kept.append(tensor)
        self._next += 1
        return value

    def value(self, each: Any) -> Any:
        """What stands for an input of an op: a Value, Known, or the thing itself."""
        if isinstance(each, np.ndarray):
            each = wrap(each)
        if not isinstance(each, Tensor):
            return each
        if id(each) in self._stale:
            raise RuntimeError(
                "onnx.export: a tensor is used after the memory that it shares was written in "
                "place through another one; use out-of-place ops there"
            )
        if id(each) in self._numbers:
            return self._numbers[id(each)]
        if id(each) not in self._known:
            self._known[id(each)] = Known(each, each._array.copy())
            self._kept.append(each)
        return self._known[id(each)]

    def applied(self, rule: Any, inputs: Any, attributes: Any, results: Any) -> None:
        values = [self.value(each) for each in inputs]
        for each in results:
            if id(each) in self._numbers or id(each) in self._known:
                self._written(each, values)
        numbers = tuple(self._new(each) for each in results)
        arrays = tuple(each._array for each in results)
        common = _common_dtype(rule, inputs)
        self.ops.append(Op(rule, tuple(values), dict(attributes), numbers, arrays, common))

    def _written(self, target: Tensor, values: list[Any]) -> None:
        """An op wrote in place: its first input is what `target` was before."""
        if target._base is not None:
            raise RuntimeError(
                "onnx.export: the model writes in place into part of a tensor (a view); compute "
                "the whole tensor instead, for example with where() or cat()"
            )
        values[0] = self.value(target)
        self._known.pop(id(target), None)
        for each in self._kept:
            shares = np.may_share_memory(each._array, target._array)
            if each is not target and shares and each._array.size:
                self._stale.add(id(each))


def _common_dtype(rule: Any, inputs: Any) -> np.dtype | None:
    """The dtype that the inputs of an elementwise op are brought to."""
    arrays = [each._array if isinstance(each, Tensor) else each for each in inputs]
    prepared = [each for each in rule.prepare(list(arrays)) if isinstance(each, np.ndarray)]
    return np.result_type(*prepared) if prepared else None


def trace(call: Callable[..., Any], inputs: Sequence[Tensor]) -> tuple[Trace, list[Any]]:
    """Run the model; the trace, and the Values of its outputs."""
    traced = Trace(inputs)
    with no_grad(), observed_by(traced):
        outputs = call(*inputs)
    return traced, [traced.value(each) for each in flat(outputs)]


def flat(outputs: Any) -> list[Tensor]:
    """The tensors of nested tuples, lists and dicts, in order."""
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if isinstance(outputs, tuple | list):
        return [tensor for each in outputs for tensor in flat(each)]
    raise TypeError(f"onnx.export: the model returns a {type(outputs).__name__}, not a Tensor")
