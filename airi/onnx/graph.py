"""The ONNX graph being built: its nodes, its constants, and how rules become nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from airi.onnx.sizes import Merged, Progression, Symbol
from airi.onnx.tracing import Dim, Known, Value

Translator = Callable[["Graph", "Use"], Any]
TRANSLATORS: dict[str, Translator] = {}  # by the name of the rule


def translates(*rules: str) -> Callable[[Translator], Translator]:
    """Decorator: the function adds the nodes of these rules and returns the names of results."""

    def register(function: Translator) -> Translator:
        for each in rules:
            TRANSLATORS[each] = function
        return function

    return register


class Tensor:
    """A tensor of the graph: its name, shape (ints and Dims) and dtype."""

    __slots__ = ("name", "shape", "dtype")

    def __init__(self, name: str, shape: Sequence[Any], dtype: np.dtype) -> None:
        self.name = name
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)


class Use:
    """One op for its translator: inputs as Tensors, numbers or None, and the attributes."""

    def __init__(self, graph: Graph, merged: Merged) -> None:
        self.rule = merged.op.rule.__name__
        self.inputs = tuple(graph.tensor_of(each) for each in merged.inputs)
        self.attributes = merged.attributes
        self.shapes = merged.shapes
        self.dtypes = tuple(each.dtype for each in merged.op.arrays)
        self.common = merged.op.common

    @property
    def shape(self) -> tuple[Any, ...]:
        return self.shapes[0]

    @property
    def dtype(self) -> np.dtype:
        return self.dtypes[0]

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes[attribute]


class Graph:
    """Nodes in order, initializers by name."""

    def __init__(self, names: dict[int, str], axes: dict[str, tuple[str, int]], opset: int) -> None:
        self.opset = opset
        self.nodes: list[Any] = []
        self.initializers: dict[str, np.ndarray] = {}
        self._names = names  # of parameters and buffers, by id of the Tensor
        self._axes = axes  # where the size of a dynamic axis is to be read: input and position
        self._values: dict[int, Tensor | None] = {}
        self._constants: dict[Any, str] = {}
        self._sizes: dict[Any, str] = {}
        self._count = 0
        self._rule = "x"

    # -- values ---------------------------------------------------------------------------------

    def set_value(self, value: Value, tensor: Tensor | None) -> None:
        """What a Value of the trace is in the graph; None for a result that ONNX has not."""
        self._values[value.number] = tensor

    def tensor_of(self, each: Any) -> Any:
        """The Tensor of an input of an op; numbers and None stay what they are."""
        if isinstance(each, Value):
            tensor = self._values[each.number]
            if tensor is None:
                raise RuntimeError(
                    "onnx.export: the model uses a result that ONNX does not give, such as the "
                    "indices of a pooling or the statistics of a normalization"
                )
            return tensor
        if isinstance(each, Known):
            return self._initializer(each)
        if isinstance(each, Symbol):
            fill = self.constant(each.fill.reshape(()))
            name = self.node("Expand", fill, self.shape_tensor(each.shape))
            return Tensor(name, each.shape, each.fill.dtype)
        if isinstance(each, Progression):
            return self._progression(each)
        return each

    def _progression(self, each: Progression) -> Tensor:
        dtype = each.start.dtype
        length = self.node("Squeeze", self.size(each.length), self.ints([0]))
        zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
        positions = self.node("Range", zero, length, one)
        name = self.node("Cast", positions, to=onnx_dtype(dtype))
        name = self.node("Mul", name, self.constant(each.step, dtype))
        name = self.node("Add", name, self.constant(each.start, dtype))
        return Tensor(name, (each.length,), dtype)

    def _initializer(self, known: Known) -> Tensor:
        name = self._names.get(id(known.tensor))
        if name is None:
            return self.constant(known.array)
        self.initializers.setdefault(name, known.array)
        return Tensor(name, known.array.shape, known.array.dtype)

    def constant(self, value: Any, dtype: Any = None) -> Tensor:
        """A constant of the graph; equal small ones are one."""
        array = np.asarray(value, dtype)
        key = (array.tobytes(), array.shape, array.dtype.str) if array.size < 100 else object()
        name = self._constants.get(key)
        if name is None:
            name = self._constants[key] = f"constant_{len(self._constants)}"
            self.initializers[name] = array
        return Tensor(name, array.shape, array.dtype)

    def ints(self, values: Sequence[int]) -> Tensor:
        """A constant of int64 in one dimension."""
        return self.constant(np.asarray(list(values), np.int64))

    def shape_tensor(self, sizes: Sequence[Any]) -> Tensor:
        """Sizes as a tensor of int64, computed where they depend on dynamic axes."""
        if not any(isinstance(each, Dim) for each in sizes):
            return self.ints(sizes)
        parts = [self.size(n) if isinstance(n, Dim) else self.ints([n]) for n in sizes]
        name = self.node("Concat", *parts, axis=0)
        return Tensor(name, (len(sizes),), np.dtype(np.int64))

    def size(self, dim: Dim) -> Tensor:
        """A number that depends on a dynamic axis, in one dimension."""
        if dim not in self._sizes:
            source, position = self._axes[dim.axis]
            shape = self.node("Shape", source)
            name = self.node("Gather", shape, self.ints([position]), axis=0)
            if dim.times != 1:
                name = self.node("Mul", name, self.ints([dim.times]))
            if dim.plus:
                name = self.node("Add", name, self.ints([dim.plus]))
            self._sizes[dim] = name
        return Tensor(self._sizes[dim], (1,), np.dtype(np.int64))

    # -- nodes ----------------------------------------------------------------------------------

    def node(self, op_type: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; returns the name of its output, or a list of them. Inputs may be None."""
        from onnx import helper

        names = [_name_of(each) for each in inputs]
        while names and not names[-1]:
            names.pop()
        results = []
        for _ in range(outputs):
            self._count += 1
            results.append(f"{self._rule}_{self._count}")
        label = f"{op_type}_{self._count}"
        self.nodes.append(helper.make_node(op_type, names, results, name=label, **attributes))
        return results if outputs > 1 else results[0]

    def rename(self, result: str, name: str) -> None:
        """Give the result of the newest node another name."""
        assert list(self.nodes[-1].output) == [result]
        self.nodes[-1].output[0] = name

    def cast(self, each: Any, dtype: Any) -> Tensor:
        """A Tensor of that dtype: of a number, or of a Tensor by a Cast where it is of another."""
        dtype = np.dtype(dtype)
        if not isinstance(each, Tensor):
            return self.constant(each, dtype)
        if each.dtype == dtype:
            return each
        name = self.node("Cast", each, to=onnx_dtype(dtype))
        return Tensor(name, each.shape, dtype)

    def add(self, merged: Merged) -> None:
        """Translate one op."""
        rule = merged.op.rule.__name__
        translator = TRANSLATORS.get(rule)
        if translator is None:
            raise RuntimeError(
                f"onnx.export: there is no translation of the op {rule} to ONNX; the model uses it "
                f"for a result of shape {tuple(merged.op.arrays[0].shape)}"
            )
        self._rule = rule.lower()
        use = Use(self, merged)
        results = translator(self, use)
        if not isinstance(results, tuple | list):
            results = [results]
        for at, value in enumerate(merged.op.results):
            name = results[at] if at < len(results) else None
            tensor = (
                None if name is None else Tensor(_name_of(name), use.shapes[at], use.dtypes[at])
            )
            self.set_value(value, tensor)


def _name_of(each: Any) -> str:
    if each is None:
        return ""
    return each.name if isinstance(each, Tensor) else each


def onnx_dtype(dtype: np.dtype) -> int:
    """ONNX's number of a dtype; TypeError where it has none."""
    from onnx import helper

    try:
        return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    except (KeyError, ValueError):
        raise TypeError(f"onnx.export: ONNX has no dtype {dtype}") from None
