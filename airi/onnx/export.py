"""export: a model's computation for an example, written as an ONNX file."""

from __future__ import annotations

import enum
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from airi.autograd.graph import wrap
from airi.autograd.mode import no_grad
from airi.nn.module import Module
from airi.onnx import elementwise, layers, recurrent, shapes  # noqa: F401  # they register rules
from airi.onnx.graph import Graph, onnx_dtype
from airi.onnx.graph import Tensor as GraphTensor
from airi.onnx.sizes import Axis, merged, merged_input
from airi.onnx.tracing import Dim, Op, Trace, Value, trace
from airi.tensor import Tensor
from airi.utils.files import replacing

OLDEST, DEFAULT = 18, 18  # opsets


class TrainingMode(enum.Enum):
    """In which mode a model is exported. Source: ``torch.onnx.TrainingMode``."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


def export(
    model: Callable[..., Any],
    args: Any,
    f: str | os.PathLike[str] | IO[bytes] | None = None,
    export_params: bool = True,
    verbose: bool | None = None,
    training: TrainingMode = TrainingMode.EVAL,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    do_constant_folding: bool = True,
    dynamic_axes: Mapping[str, Any] | None = None,
    **others: Any,
) -> Any:
    """Write what `model` computes for the example `args` (a Tensor or a tuple) as an ONNX model.

    Parameters and buffers become initializers under their names in the state dict. Modules run in
    evaluation mode unless `training` says otherwise. `dynamic_axes` names axes whose size may
    change: ``{"input": {0: "batch"}}`` or ``{"input": [0]}``; all other sizes are those of the
    example. `f` is a path (written atomically), an open file, or None; the onnx.ModelProto is
    returned. `export_params`, `do_constant_folding` and further arguments have no effect.

    The model runs twice, on inputs of other values and sizes: what depends on the input without
    being an op raises RuntimeError, and so does an op that has no translation, by name.
    Example: ``airi.onnx.export(model, airi.randn(1, 3, 32, 32), "model.onnx")``.
    Source: ``torch.onnx.export`` (with ``dynamo=False``).
    """
    onnx = _library()
    opset = DEFAULT if opset_version is None else opset_version
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST <= opset <= newest:
        raise ValueError(f"onnx.export: opset_version must be {OLDEST} to {newest}, got {opset}")
    inputs = _inputs(args)
    names = _input_names(inputs, input_names)
    axes, places = _axes(inputs, names, dynamic_axes, output_names)
    with _mode(model, training):
        first, outputs = trace(model, inputs)
        second, other_outputs = _second_run(model, inputs, axes, places)
    graph = Graph(_state_names(model), _sources(axes, places, names), opset)
    shapes_of_inputs = [_symbolic(i, each, places) for i, each in enumerate(inputs)]
    for i, (name, each) in enumerate(zip(names, inputs, strict=True)):
        graph.set_value(Value(i), GraphTensor(name, shapes_of_inputs[i], each._array.dtype))
    ops = merged(_needed(first, outputs), _needed(second, other_outputs), axes)
    if len(outputs) != len(other_outputs):
        raise RuntimeError("onnx.export: the model returns more for one input than for another")
    for op in ops:
        graph.add(op)
    returned = [
        merged_input("the model", a, b, axes) for a, b in zip(outputs, other_outputs, strict=True)
    ]
    results = _outputs(graph, returned, output_names)
    proto = _model(onnx, graph, names, inputs, shapes_of_inputs, results, opset)
    if verbose:
        print(onnx.helper.printable_graph(proto.graph))
    _write(proto, f)
    return proto


def _library() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError("onnx.export needs the package onnx: pip install 'airi[onnx]'") from error
    return onnx


# The example


def _inputs(args: Any) -> list[Tensor]:
    listed = list(args) if isinstance(args, tuple | list) else [args]
    if not listed or not all(isinstance(each, Tensor) for each in listed):
        kinds = ", ".join(type(each).__name__ for each in listed)
        raise TypeError(f"onnx.export: args must be a Tensor or a tuple of Tensors, got ({kinds})")
    return [wrap(each._array) for each in listed]


def _input_names(inputs: list[Tensor], names: Sequence[str] | None) -> list[str]:
    given = list(names or [])
    if len(given) > len(inputs):
        raise ValueError(
            f"onnx.export: input_names has {len(given)} names for {len(inputs)} inputs"
        )
    return given + [f"input_{i}" for i in range(len(given), len(inputs))]


Places = dict[tuple[int, int], str]  # (input, dimension) -> the name of its axis


def _axes(
    inputs: list[Tensor],
    names: list[str],
    dynamic: Mapping[str, Any] | None,
    output_names: Sequence[str] | None,
) -> tuple[list[Axis], Places]:
    """The dynamic axes, with the size that each has in the second run, and where they are."""
    places: Places = {}
    sizes: dict[str, int] = {}
    for name, listed in (dynamic or {}).items():
        if name not in names:
            if output_names and name in output_names:
                continue  # sizes of outputs are found out
            raise ValueError(f"onnx.export: dynamic_axes names {name!r}, which is no input")
        i = names.index(name)
        labels = listed if isinstance(listed, Mapping) else dict.fromkeys(listed)
        for dim, label in labels.items():
            if not -inputs[i].ndim <= dim < inputs[i].ndim:
                raise ValueError(f"onnx.export: {name!r} has no dimension {dim}")
            dim %= inputs[i].ndim
            label = label or f"{name}_dynamic_{dim}"
            size = inputs[i].shape[dim]
            if sizes.setdefault(label, size) != size:
                raise ValueError(
                    f"onnx.export: the axis {label!r} has sizes {sizes[label]}, {size}"
                )
            places[i, dim] = label
    # Differences that tell the axes apart.
    steps = (1, 3, 5, 7, 11, 13, 17, 19)
    axes = [Axis(label, n, n + steps[k % len(steps)]) for k, (label, n) in enumerate(sizes.items())]
    return axes, places


def _second_run(
    model: Callable[..., Any], inputs: list[Tensor], axes: list[Axis], places: Places
) -> tuple[Trace, list[Any]]:
    """A run on other values, and on axes that are longer; shorter where the model refuses that."""
    try:
        return trace(model, _varied(inputs, axes, places))
    except (RuntimeError, ValueError, IndexError, AssertionError):
        shorter = [axis._replace(second=2 * axis.first - axis.second) for axis in axes]
        if not axes or any(axis.second < 1 for axis in shorter):
            raise
        axes[:] = shorter
        return trace(model, _varied(inputs, axes, places))


def _varied(inputs: list[Tensor], axes: list[Axis], places: Places) -> list[Tensor]:
    sizes = {axis.name: axis.second for axis in axes}
    varied = []
    for i, each in enumerate(inputs):
        array = each._array
        for dim in range(array.ndim):
            if (i, dim) in places:
                wanted = np.arange(sizes[places[i, dim]]) % array.shape[dim]
                array = np.take(array, wanted, axis=dim)
        if array.dtype.kind == "f":
            array = array * array.dtype.type(0.75) + array.dtype.type(0.125)
        else:  # other values, but none that was not there: an index stays in its range
            array = np.roll(array.reshape(-1), 1).reshape(array.shape)
        varied.append(wrap(np.ascontiguousarray(array)))
    return varied


def _symbolic(i: int, tensor: Tensor, places: Places) -> tuple[Any, ...]:
    return tuple(
        Dim(places[i, dim], 1, 0) if (i, dim) in places else n for dim, n in enumerate(tensor.shape)
    )


def _sources(axes: list[Axis], places: Places, names: list[str]) -> dict[str, tuple[str, int]]:
    """Where the size of each axis is read."""
    return {label: (names[i], dim) for (i, dim), label in places.items()}


# The model


def _state_names(model: Any) -> dict[int, str]:
    if not isinstance(model, Module):
        return {}
    named = [*model.named_parameters(), *model.named_buffers()]
    return {id(each): name for name, each in named}


@contextmanager
def _mode(model: Any, training: TrainingMode) -> Iterator[None]:
    """The model in the mode of the export, and afterwards as it was, running averages too."""
    if not isinstance(model, Module):
        yield
        return
    modes = [(each, each.training) for each in model.modules()]
    buffers = [(each, each._array.copy()) for each in model.buffers()]
    if training is not TrainingMode.PRESERVE:
        model.train(training is TrainingMode.TRAINING)
    try:
        yield
    finally:
        for each, mode in modes:
            each.training = mode
        with no_grad():
            for buffer, values in buffers:
                buffer._array[...] = values


def _needed(trace: Trace, outputs: list[Any]) -> list[Op]:
    """The ops that lead to the outputs, in order."""
    wanted = {each for each in outputs if isinstance(each, Value)}
    needed = []
    for op in reversed(trace.ops):
        if wanted.intersection(op.results):
            needed.append(op)
            wanted.update(value for value in op.inputs if isinstance(value, Value))
    return needed[::-1]


def _outputs(graph: Graph, outputs: list[Any], names: Sequence[str] | None) -> list[GraphTensor]:
    """The outputs under their names."""
    given = list(names or [])
    if len(given) > len(outputs):
        raise ValueError(
            f"onnx.export: output_names has {len(given)} names for {len(outputs)} outputs"
        )
    given += [f"output_{i}" for i in range(len(given), len(outputs))]
    results = []
    for name, each in zip(given, outputs, strict=True):
        found = graph.tensor_of(each)
        graph.rename(graph.node("Identity", found), name)
        results.append(GraphTensor(name, found.shape, found.dtype))
    return results


def _model(
    onnx: Any,
    graph: Graph,
    names: list[str],
    inputs: list[Tensor],
    shapes_of_inputs: list[Any],
    results: list[GraphTensor],
    opset: int,
) -> Any:
    from airi._version import __version__

    helper = onnx.helper

    def info(name: str, dtype: np.dtype, shape: Sequence[Any]) -> Any:
        sizes = [_label(each) for each in shape]
        return helper.make_tensor_value_info(name, onnx_dtype(dtype), sizes)

    proto = helper.make_graph(
        graph.nodes,
        "airi",
        [
            info(name, each._array.dtype, shape)
            for name, each, shape in zip(names, inputs, shapes_of_inputs, strict=True)
        ],
        [info(each.name, each.dtype, each.shape) for each in results],
        [onnx.numpy_helper.from_array(each, name) for name, each in graph.initializers.items()],
    )
    model = helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="airi",
        producer_version=__version__,
    )
    model.ir_version = min(model.ir_version, 10)  # what runtimes of the last years read
    onnx.checker.check_model(model, full_check=True)
    return model


def _label(size: Any) -> Any:
    if not isinstance(size, Dim):
        return int(size)
    if size.times == 1 and size.plus == 0:
        return size.axis
    times = f"{size.times}*{size.axis}" if size.times != 1 else size.axis
    return f"{times}{size.plus:+d}" if size.plus else times


def _write(model: Any, f: Any) -> None:
    if f is None:
        return
    content = model.SerializeToString()
    if isinstance(f, str | os.PathLike):
        with replacing(f) as file:
            file.write(content)
    elif isinstance(f, io.IOBase) or hasattr(f, "write"):
        f.write(content)
    else:
        raise TypeError(f"onnx.export: f must be a path or an open file, got {type(f).__name__}")
