"""Which numbers of a trace depend on the sizes of dynamic axes, found by comparing two runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from airi.onnx.tracing import Dim, Known, Op, Value


class Axis(NamedTuple):
    """A dynamic axis: its name and its sizes in both runs."""

    name: str
    first: int
    second: int


class Symbol(NamedTuple):
    """A constant whose shape depends on dynamic axes: all elements equal to `fill`."""

    shape: tuple[Any, ...]
    fill: np.ndarray


class Progression(NamedTuple):
    """A constant ``start, start + step, ...`` as long as a dynamic axis, as arange makes it."""

    start: np.generic
    step: np.generic
    length: Dim


class Merged(NamedTuple):
    """An op of both runs: attributes and shapes with a Dim where they differ."""

    op: Op
    inputs: tuple[Any, ...]
    attributes: dict[str, Any]
    shapes: tuple[tuple[Any, ...], ...]  # of the results


def merged(first: list[Op], second: list[Op], axes: list[Axis]) -> list[Merged]:
    """The ops of both runs as one list; RuntimeError where they cannot be."""
    if [op.rule for op in first] != [op.rule for op in second]:
        raise RuntimeError(
            "onnx.export: the model computes something else for other values or sizes of its "
            "input (an if or a loop that depends on them); only one way could be exported"
        )
    return [_merged_op(a, b, axes) for a, b in zip(first, second, strict=True)]


def _merged_op(a: Op, b: Op, axes: list[Axis]) -> Merged:
    name = a.rule.__name__
    if len(a.inputs) != len(b.inputs):
        raise RuntimeError(f"onnx.export: {name} has another number of inputs for another input")
    inputs = tuple(merged_input(name, x, y, axes) for x, y in zip(a.inputs, b.inputs, strict=True))
    attributes = {
        key: _merge(name, each, b.attributes[key], axes) for key, each in a.attributes.items()
    }
    shapes = tuple(
        merged_shape(name, x.shape, y.shape, axes) for x, y in zip(a.arrays, b.arrays, strict=True)
    )
    return Merged(a, inputs, attributes, shapes)


def merged_shape(name: str, a: Any, b: Any, axes: list[Axis]) -> tuple[Any, ...]:
    """One shape of two."""
    if len(a) != len(b):
        raise _depends(name, "a shape")
    return tuple(_merge(name, x, y, axes) for x, y in zip(a, b, strict=True))


def merged_input(name: str, a: Any, b: Any, axes: list[Axis]) -> Any:
    """An input of both runs: the same Value, a constant, or a Symbol."""
    if isinstance(a, Value) or isinstance(b, Value):
        if a != b:
            raise _depends(name, "where its input comes from")
        return a
    if isinstance(a, Known):
        if not isinstance(b, Known):
            raise _depends(name, "an input")
        if a.tensor is b.tensor:
            return a
        if a.array.shape == b.array.shape:
            if not np.array_equal(a.array, b.array, equal_nan=a.array.dtype.kind == "f"):
                raise _depends(name, "a constant")
            return a
        progression = _progression(a.array, b.array, axes)
        if progression is not None:
            return progression
        values = np.unique(np.concatenate([a.array.reshape(-1), b.array.reshape(-1)]))
        if len(values) != 1:
            raise _depends(name, "a constant that is as long as a dynamic axis")
        shape = merged_shape(name, a.array.shape, b.array.shape, axes)
        return Symbol(shape, values)
    return _merge(name, a, b, axes)


def _progression(a: np.ndarray, b: np.ndarray, axes: list[Axis]) -> Progression | None:
    """The rule of both arrays where they are the same progression of different lengths."""
    shorter, longer = sorted((a, b), key=len) if a.ndim == b.ndim == 1 else (a, b)
    if a.ndim != 1 or b.ndim != 1 or len(shorter) < 2 or a.dtype.kind not in "iuf":
        return None
    start, step = shorter[0], shorter[1] - shorter[0]
    length = _dim(len(a), len(b), axes)
    is_one = step and np.array_equal(longer, start + step * np.arange(len(longer)))
    same = np.array_equal(shorter, longer[: len(shorter)])
    return Progression(start, step, length) if is_one and same and length is not None else None


def _merge(name: str, a: Any, b: Any, axes: list[Axis]) -> Any:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if not np.array_equal(a, b):
            raise _depends(name, "an argument")
        return a
    if isinstance(a, tuple | list) and isinstance(b, tuple | list) and len(a) == len(b):
        return tuple(_merge(name, x, y, axes) for x, y in zip(a, b, strict=True))
    if type(a) is type(b) and a == b:
        return a
    if isinstance(a, slice) and isinstance(b, slice):
        return slice(
            *(_merge(name, getattr(a, k), getattr(b, k), axes) for k in ("start", "stop", "step"))
        )
    if isinstance(a, int | np.integer) and isinstance(b, int | np.integer):
        found = _dim(int(a), int(b), axes)
        if found is not None:
            return found
    raise _depends(name, f"an argument ({a!r} and {b!r})")


def _dim(a: int, b: int, axes: list[Axis]) -> Dim | None:
    """The number as a multiple of an axis plus a constant; best without the constant."""
    found = []
    for axis in axes:
        times, rest = divmod(b - a, axis.second - axis.first)
        if rest == 0 and times:
            found.append(Dim(axis.name, times, a - times * axis.first))
    return min(found, key=lambda dim: (abs(dim.plus), abs(dim.times)), default=None)


def _depends(name: str, what: str) -> RuntimeError:
    return RuntimeError(
        f"onnx.export: {what} of {name} depends on the values or sizes of the input, by a way that "
        "is not an op: a number taken out of a tensor, a random number (dropout in training), or a "
        "size that dynamic_axes does not name"
    )
