"""detect_anomaly: where the first NaN was made, forward or backward."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable
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
    if array.dtype.kind not in "fiuV" or array.size == 0:
        return text
    finite = array[np.isfinite(array)]
    if array.size == 1:
        return f"{text} = {array.item():.6g}"
    if finite.size:
        text += f" in [{finite.min():.6g}, {finite.max():.6g}]"
    for count, what in (
        (array.size - np.count_nonzero(array), "zeros"),
        (np.isnan(array).sum(), "NaN"),
        (np.isinf(array).sum(), "Inf"),
    ):
        text += f", {count} {what}" if count else ""
    return text


def described_inputs(rule: Any, inputs: tuple[Any, ...]) -> list[str]:
    """A line for each input of an op, named as its forward names it."""
    names = list(getattr(rule, "inputs", ()))
    return [
        f"  {names[min(i, len(names) - 1)] if names else f'input {i}'}: {summary(each)}"
        for i, each in enumerate(inputs)
    ]


class _Anomaly(Observer):
    """Remembers the first NaN and Inf of forward; raises at the first NaN of backward."""

    def __init__(self) -> None:
        self.forward: dict[str, str] = {}  # "NaN" or "Inf" -> the op that made the first
        self.backward_inf = ""

    def computed(
        self,
        rule: Any,
        node: Node | None,
        inputs: tuple[Any, ...],
        results: tuple[Any, ...],
        seconds: float,
    ) -> None:
        made = broken_kinds(results)
        made -= broken_kinds(inputs) if made else made  # a NaN out of infinities is made here too
        if not made:
            return
        where = node.describe() if node is not None else f"{rule.__name__} (at {user_line()})"
        lines = [where.replace("Backward", "", 1), *described_inputs(rule, inputs)]
        for kind in made:
            self.forward.setdefault(kind, "\n".join(lines))
        if "NaN" in made:
            warnings.warn(f"detect_anomaly: NaN made by {chr(10).join(lines)}", stacklevel=2)

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
        for kind, op in self.forward.items():
            lines.append(f"the first {kind} of the forward pass was made by {op}")
        if self.backward_inf:
            lines.append(f"the first Inf of the backward pass was made by {self.backward_inf}")
        return "\n".join(lines)


class detect_anomaly(contextlib.ContextDecorator):
    """Name the op, its module and its source line when a value or a gradient becomes NaN.

    Inside, forward ops remember the user's file and line, the first that makes a NaN out of finite
    inputs is told in a warning, and ``backward()`` raises RuntimeError at the first rule that
    returns a NaN: with the values that it used and the op that made the first NaN or infinity
    before. Without `check_nan` only the lines are remembered. Slower: for finding a fault.
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
