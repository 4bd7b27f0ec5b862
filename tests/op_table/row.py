"""What a row of the op table holds, and what its samples are made with.

A row says how to call an op. The laws in ``tests/test_op_laws.py`` hold for every row: values
against NumPy, first and second derivatives against finite differences, broadcasting, empty and
non-contiguous inputs, dtypes, the in-place guard, and PyTorch's results where it is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Rng = np.random.Generator


@dataclass(frozen=True)
class Call:
    """One call of an op. float64 arrays (also inside lists) become Tensors that require grad, other
    arrays constant Tensors; everything else is passed on as it is."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


def call(*args: Any, **kwargs: Any) -> Call:
    return Call(args, kwargs)


@dataclass(frozen=True)
class Row:
    """An op under the laws.

    name: under ``airi``, dotted where it is deeper (``nn.functional.relu``); a name that begins
        with a dot is a Tensor method only (``.expand``).
    samples: the calls to try, from a seeded generator: every argument at least once.
    numpy: the same call on plain arrays; None only where NumPy has nothing like it and PyTorch
        is the reference (say so in a comment).
    torch: the name under ``torch`` where it differs; None where PyTorch lacks it.
    method: whether it is a Tensor method too (checked to be the same function).
    in_place: whether there is a ``name_`` method that must agree.
    broadcast: whether the first two arguments are broadcast together.
    grad: False for ops that no gradient passes (comparisons, indices).
    second: False where the second derivative is zero or undefined by nature.
    integers: whether integer tensors are accepted; then their values and dtypes must be PyTorch's.
    empty: calls with tensors that have no elements.
    complex: whether complex numbers are accepted; then values are PyTorch's and the derivatives are
        checked in complex128 too. Without it complex input must be refused.
    layout: False where the memory's layout matters by nature (view, as_strided).
    atol: tolerance of the value in float64; rtol of float32 is fixed by the law.
    tried: makes of the op, airi's, PyTorch's or NumPy's, the function that is tried in its place:
        one of a symmetrised input for ops that read one triangle, or one of what is determined
        where signs are not.
    """

    name: str
    samples: Callable[[Rng], Iterable[Call]]
    numpy: Callable[..., Any] | None = None
    torch: str | None = ""
    method: bool = True
    in_place: bool = False
    broadcast: bool = False
    grad: bool = True
    second: bool = True
    integers: bool = False
    complex: bool = False
    empty: Callable[[], Iterable[Call]] | None = None
    layout: bool = True
    atol: float = 1e-10
    tried: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None

    def __str__(self) -> str:
        return self.name


def real(rng: Rng, *shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Numbers between low and high, at least 0.1 from every integer: away from kinks."""
    values = rng.uniform(low, high, shape)
    fraction = values - np.floor(values)
    return np.asarray(np.floor(values) + 0.1 + 0.8 * fraction)


def distinct(rng: Rng, *shape: int) -> np.ndarray:
    """Shuffled numbers that differ by 0.25 at least: for max, sort and other choices."""
    count = int(np.prod(shape))
    return (rng.permutation(count) * 0.25 - count / 8 + 0.1).reshape(shape)


def positive(rng: Rng, *shape: int) -> np.ndarray:
    """Numbers between 0.2 and 2.2."""
    return rng.uniform(0.2, 2.2, shape)


def integers(rng: Rng, *shape: int, low: int = -4, high: int = 5) -> np.ndarray:
    return rng.integers(low, high, shape)


def booleans(rng: Rng, *shape: int) -> np.ndarray:
    return rng.random(shape) < 0.5


def unary(
    name: str, function: Callable[..., Any], make: Callable[..., np.ndarray] = real, **fields: Any
) -> Row:
    """The row of an elementwise op of one tensor."""

    def samples(rng: Rng) -> list[Call]:
        return [call(make(rng, 3, 4)), call(make(rng)), call(make(rng, 2, 1, 3))]

    def empty() -> list[Call]:
        return [call(np.zeros((0,))), call(np.zeros((2, 0, 3)))]

    return Row(name, samples, function, empty=empty, **fields)


def binary(
    name: str, function: Callable[..., Any], make: Callable[..., np.ndarray] = real, **fields: Any
) -> Row:
    """The row of an elementwise op of two tensors, broadcast, either of which may be a number."""

    def samples(rng: Rng) -> list[Call]:
        return [
            call(make(rng, 3, 4), make(rng, 3, 4)),
            call(make(rng, 3, 1), make(rng, 4)),
            call(make(rng, 2, 1, 4), make(rng, 3, 1)),
            call(make(rng, 3), make(rng)),
            call(make(rng, 3), 1.3),
        ]

    def empty() -> list[Call]:
        return [call(np.zeros((0,)), np.ones((1,))), call(np.zeros((2, 0)), np.ones((2, 1)))]

    return Row(name, samples, function, broadcast=True, empty=empty, **fields)
