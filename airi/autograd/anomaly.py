"""detect_anomaly: where the first NaN was made: forward, backward, or by an optimizer."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from airi.autograd import graph
from airi.autograd.graph import Node, Saved
from airi.autograd.observer import Observer, observed_by
from airi.autograd.scope import user_line

_FLOATING = "fVc"  # the kinds of dtypes that have NaN; "V" is bfloat16's


def array_of(value: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return value._array if isinstance(value, graph.Tensor) else value


def broken_kinds(values: Iterable[Any]) -> frozenset[str]:
    """Which of "NaN" and "Inf" are among the elements of arrays, Tensors and numbers."""
    found: set[str] = set()
    for value in map(array_of, values):
        if isinstance(value, (list, tuple)):
            found |= broken_kinds(value)
            continue
        array = np.asarray(value) if isinstance(value, (np.ndarray, float)) else None
        if array is None or array.dtype.kind not in _FLOATING or np.isfinite(array).all():
            continue
        found |= {"NaN"} if np.isnan(array).any() else set()
        found |= {"Inf"} if np.isinf(array).any() else set()
    return frozenset(found)


def summary(value: Any) -> str:
    """``float32 (2, 3) in [-1, 4]``: one input of an op in a message."""
    array = array_of(value)
    if not isinstance(array, np.ndarray):
        text = repr(array)
        return text if len(text) <= 60 else text[:57] + "..."
    text = f"{array.dtype} {tuple(array.shape)}"
    if array.dtype.kind not in "fiuVc" or array.size == 0:
        return text
    finite = array[np.isfinite(array)]
    if array.size == 1:
        return f"{text} = {array.item():.6g}"
    if finite.size and array.dtype.kind != "c":
        text += f" in [{finite.min():.6g}, {finite.max():.6g}]"
    for count, what in (
        (array.size - np.count_nonzero(array), "zeros"),
        (np.isnan(array).sum(), "NaN"),
        (np.isinf(array).sum(), "Inf"),
    ):
        text += f", {count} {what}" if count else ""
    return text


def input_names(rule: Any, count: int) -> tuple[str, ...]:
    """Names for the inputs of an op, those of its forward; numbered where it takes any number."""
    names = tuple(getattr(rule, "inputs", ())) or _names_of_function(rule)
    if len(names) == 0 or (len(names) != count and not hasattr(rule, "inputs")):
        return tuple(f"x{i}" for i in range(count))
    if getattr(rule, "variadic", False):
        *first, rest = names
        return (*first, *(f"{rest}[{i}]" for i in range(count - len(first))))
    return names[:count]


def _names_of_function(function: Any) -> tuple[str, ...]:
    """The arguments of a user's Function, without ctx."""
    code = getattr(getattr(function, "forward", None), "__code__", None)
    if code is None:
        return ()
    names = code.co_varnames[: code.co_argcount]
    return names if getattr(function, "setup_context", None) is not None else names[1:]


def described_inputs(rule: Any, inputs: tuple[Any, ...]) -> list[str]:
    """A line for each input of an op."""
    pairs = zip(input_names(rule, len(inputs)), inputs, strict=True)
    return [f"  {name}: {summary(each)}" for name, each in pairs]


class Update:
    """A step of an optimizer that is watched: what becomes of the parameters that were finite."""

    def __init__(self, optimizer: Any) -> None:
        self.name = f"{type(optimizer).__name__}.step"
        groups = optimizer.param_groups
        self._before = [
            (name, parameter, parameter._array.copy(), group.get("lr"))
            for name, parameter, group in _named_parameters(groups)
            if parameter._grad is not None and not broken_kinds([parameter])
        ]

    def broken(self) -> tuple[frozenset[str], list[tuple[str, Any]]] | None:
        """Afterwards: what it made of the first such parameter that is not finite any more, and
        by name the values that it had.
        """
        for name, parameter, before, lr in self._before:
            kinds = broken_kinds([parameter])
            if kinds:
                return kinds, [(name, before), (f"{name}.grad", parameter._grad), ("lr", lr)]
        return None


def _named_parameters(groups: list[dict[str, Any]]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each parameter with the name that the optimizer knows, else its number."""
    number = 0
    for group in groups:
        names = group.get("param_names")
        for i, parameter in enumerate(group["params"]):
            yield names[i] if names else f"params[{number}]", parameter, group
            number += 1


class _Anomaly(Observer):
    """Remembers the first NaN and Inf of forward; raises at the first NaN of backward."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}  # "NaN" or "Inf" -> where the first of forward came from
        self.backward_inf = ""
        self._update: Update | None = None
        self._arrived: list[Any] = []

    def computed(
        self,
        rule: Any,
        node: Node | None,
        inputs: tuple[Any, ...],
        results: tuple[Any, ...],
        seconds: float,
    ) -> None:
        kinds = broken_kinds(results)
        if not kinds:
            return
        given = broken_kinds(inputs)
        where = node.describe() if node is not None else f"{rule.__name__} (at {user_line()})"
        lines = [where.replace("Backward", "", 1), *described_inputs(rule, inputs)]
        for kind in kinds & given:
            self.first.setdefault(kind, "came in from outside, used first by " + "\n".join(lines))
        if kinds - given:  # a NaN out of infinities is made here too
            self._made(kinds - given, lines)

    def _made(self, kinds: frozenset[str], lines: list[str]) -> None:
        said = "\n".join(lines)
        if "NaN" in kinds:
            origin = f"\nthe first Inf {self.first['Inf']}" if "Inf" in self.first else ""
            warnings.warn(f"detect_anomaly: NaN made by {said}{origin}", stacklevel=2)
        for kind in kinds:
            self.first.setdefault(kind, f"of the forward pass was made by {said}")

    def steps(self, optimizer: Any) -> None:
        self._update = Update(optimizer)

    def stepped(self, optimizer: Any) -> None:
        update, self._update = self._update, None
        broken = update.broken() if update is not None else None
        if update is not None and broken is not None:
            kinds, values = broken
            lines = [f"  {name}: {summary(value)}" for name, value in values]
            self._made(kinds, [f"{update.name} (at {user_line()})", *lines])

    def visits(self, node: Node, grads: list[Any]) -> None:
        self._arrived = grads

    def returned(self, node: Node, results: tuple[Any, ...], seconds: float) -> None:
        for position, each in enumerate(results):
            kinds = broken_kinds([each])
            if "NaN" in kinds:
                raise RuntimeError(self._explain(node, position))
            if kinds and not self.backward_inf:
                self.backward_inf = node.describe()

    def _explain(self, node: Node, position: int) -> str:
        lines = [f"{node.describe()} returned NaN in the gradient of its input {position}"]
        wanted = node.rule._wanted() if issubclass(node.rule, graph.Rule) else []
        for name, saved in zip(wanted, node.saved or (), strict=False):
            if type(saved) is Saved:
                lines.append(f"  {name}: {summary(saved.array)}")
        outputs = getattr(node.rule, "outputs", graph.ONE_OUTPUT)
        for name, arrived in zip(outputs, self._arrived, strict=False):
            if arrived is not None:
                lines.append(f"  gradient of {name}: {summary(arrived)}")
        lines += [f"the first {kind} {origin}" for kind, origin in self.first.items()]
        if self.backward_inf:
            lines.append(f"the first Inf of the backward pass was made by {self.backward_inf}")
        return "\n".join(lines)


class detect_anomaly(contextlib.ContextDecorator):
    """Name the op, its module and its source line when a value or a gradient becomes NaN.

    Inside, forward ops remember the user's file and line, an op or an optimizer's step that makes a
    NaN out of other numbers is told in a warning, and ``backward()`` raises RuntimeError at the
    first rule that returns a NaN: with the values that it used and what made the first NaN or
    infinity before. Without `check_nan` only the lines are remembered. Slower: for finding a fault.
    Source: ``torch.autograd.detect_anomaly``.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def _recreate_cm(self) -> detect_anomaly:
        return type(self)(self.check_nan)  # each call of a decorated function has its own

    def __enter__(self) -> None:
        self._observed = observed_by(_Anomaly() if self.check_nan else Observer())
        self._observed.__enter__()

    def __exit__(self, *exc: Any) -> None:
        self._observed.__exit__(*exc)
