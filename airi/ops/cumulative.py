"""Running sums, products and extremes along one dimension, and differences of neighbours.

Where the input holds zeros, gradients of running products use a linear recurrence,
``s[k] = b[k] + a[k] * s[k-1]``: they are right there too, to any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.ops import elementwise, transcendental, views
from airi.ops.along import SpreadAlong, ValuesIndices
from airi.ops.conversion import cast_if, clone
from airi.ops.names import normal_dim, numpy_names
from airi.ops.over_dims import accumulator, over_one_dim
from airi.ops.views import array_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "diff",
    "logcumsumexp",
]


class Shift(Rule):
    """out[k] = x[k - by] along dim for by = 1 or -1, `fill` at the end;  dx = g shifted back"""

    complex = True

    @staticmethod
    def forward(x, *, dim, by, fill):
        out = np.empty_like(x)
        source, target = np.moveaxis(x, dim, 0), np.moveaxis(out, dim, 0)
        if by > 0:
            target[1:], target[:1] = source[:-1], fill
        else:
            target[:-1], target[-1:] = source[1:], fill
        return out

    @staticmethod
    def backward(g, dim, by):
        return Shift.apply(g, dim=dim, by=-by, fill=0)


class LinearRecurrence(Rule):
    """out[k] = b[k] + a[k] * out[k-1] along dim, from the end where `reverse`

    db = t with t[k] = g[k] + a[k+1] * t[k+1], the same the other way round;  da = t[k] * out[k-1]
    """

    holomorphic = True

    @staticmethod
    def forward(b, a, *, dim, reverse):
        out = b.copy()
        line, factor = np.moveaxis(out, dim, 0), np.moveaxis(a.copy(), dim, 0)
        if reverse:
            line, factor = line[::-1], factor[::-1]
        # Doubling: after each round a line holds its last `step` terms, so log2(n) rounds do.
        step = 1
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            while step < len(line):
                line[step:] += factor[step:] * line[:-step]
                factor[step:] *= factor[:-step]
                step *= 2
        return out

    @staticmethod
    def backward(g, a, out, dim, reverse, needs):
        towards = -1 if reverse else 1
        ahead = Shift.apply(a, dim=dim, by=-towards, fill=0)
        db = LinearRecurrence.apply(g, ahead, dim=dim, reverse=not reverse)
        da = db * Shift.apply(out, dim=dim, by=towards, fill=0) if needs[1] else None
        return db, da


def _accumulated(ufunc: np.ufunc, x: np.ndarray, dim: int, reverse: bool) -> np.ndarray:
    """float32 in double precision: each step would round the whole sum, as in PyTorch."""
    dtype = accumulator(x.dtype)
    wide = np.float64 if dtype == np.float32 else dtype
    if not reverse:
        return ufunc.accumulate(x, dim, wide).astype(dtype, copy=False)
    out = np.empty(x.shape, wide)
    ufunc.accumulate(np.flip(x, dim), dim, wide, np.flip(out, dim))
    return out.astype(dtype, copy=False)


class Cumsum(Rule):
    """out[k] = x[0] + ... + x[k] along dim (from the end if reverse);  dx = the reverse cumsum"""

    complex = True

    @staticmethod
    def forward(x, *, dim, reverse=False):
        return _accumulated(np.add, x, dim, reverse)

    @staticmethod
    def backward(g, dim, reverse):
        return Cumsum.apply(g, dim=dim, reverse=not reverse)


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """out[k] = input[0] + ... + input[k] along `dim`; bool and integers give int64.

    `dtype` converts the input first. Raises IndexError where there is no such dimension.
    Example: ``airi.cumsum(airi.tensor([1, 2, 3]), 0)`` is ``[1, 3, 6]``. Source: ``torch.cumsum``.
    """
    return cast_if(over_one_dim("cumsum", Cumsum, cast_if(input, dtype), dim), dtype)


class Cumprod(Rule):
    """out[k] = x[0] * ... * x[k] along dim, from the end if reverse

    dx = (the reverse cumsum of g * out) / x, or where an element is 0, dx[k] = out[k-1] * s[k] with
    s[k] = g[k] + x[k+1] * s[k+1]
    """

    holomorphic = True

    @staticmethod
    def forward(x, *, dim, reverse=False):
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return _accumulated(np.multiply, x, dim, reverse)

    @staticmethod
    def backward(g, x, out, dim, reverse):
        if may_be_divided(out):
            return Cumsum.apply(g * out, dim=dim, reverse=not reverse) / x
        towards = -1 if reverse else 1
        before = Shift.apply(out, dim=dim, by=towards, fill=1)
        ahead = Shift.apply(x, dim=dim, by=-towards, fill=0)
        return before * LinearRecurrence.apply(g, ahead, dim=dim, reverse=not reverse)


def may_be_divided(product: Any) -> bool:
    """Whether no factor is 0 and nothing overflowed, so that dividing takes a factor away."""
    array = array_of(product)
    return bool(np.all(array)) and bool(np.all(np.isfinite(array)))


def product_of_others(x: Any, dim: int) -> Any:
    """out[k] = the product of all elements along dim but x[k], differentiable where some are 0."""
    before = Cumprod.apply(Shift.apply(x, dim=dim, by=1, fill=1), dim=dim, reverse=False)
    behind = Cumprod.apply(Shift.apply(x, dim=dim, by=-1, fill=1), dim=dim, reverse=True)
    return before * behind


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """out[k] = input[0] * ... * input[k] along `dim`; bool and integers give int64.

    The gradient is exact where the input holds zeros. `dtype` converts the input first.
    Example: ``airi.cumprod(airi.tensor([1, 2, 3]), 0)`` is ``[1, 2, 6]``.
    Source: ``torch.cumprod``.
    """
    return cast_if(over_one_dim("cumprod", Cumprod, cast_if(input, dtype), dim), dtype)


def _running_extreme(ufunc: np.ufunc, x: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """The extreme so far and its place, the last of equal ones; a NaN stays from there on."""
    values = ufunc.accumulate(x, dim)
    is_extreme = x == values
    if x.dtype.kind == "f":
        is_extreme |= np.isnan(x)
    along_dim = np.arange(x.shape[dim]).reshape((-1,) + (1,) * (x.ndim - dim - 1))
    places = np.where(is_extreme, along_dim, 0)
    return values, np.maximum.accumulate(places, dim)


class Cummax(Rule):
    """values[k] = max(x[0], ..., x[k]) along dim, at indices[k];  dx = g added at the indices"""

    outputs = ("values", "indices")

    @staticmethod
    def forward(x, *, dim):
        return _running_extreme(np.maximum, x, dim)

    @staticmethod
    def backward(g, indices, dim, x_shape):
        return SpreadAlong.apply(g[0], indices, dim=dim, size=x_shape[dim], distinct=False)


class Cummin(Cummax):
    """values[k] = min(x[0], ..., x[k]) along dim, at indices[k];  dx = g added at the indices"""

    @staticmethod
    def forward(x, *, dim):
        return _running_extreme(np.minimum, x, dim)


@numpy_names
def cummax(input: Tensor, dim: int) -> ValuesIndices:
    """The largest element so far along `dim` and its index, as ``(values, indices)``.

    Of equal ones the last counts; after a NaN all are NaN. Source: ``torch.cummax``.
    """
    return ValuesIndices(*over_one_dim("cummax", Cummax, input, dim))


@numpy_names
def cummin(input: Tensor, dim: int) -> ValuesIndices:
    """The smallest element so far along `dim` and its index, as ``(values, indices)``.

    Of equal ones the last counts; after a NaN all are NaN. Source: ``torch.cummin``.
    """
    return ValuesIndices(*over_one_dim("cummin", Cummin, input, dim))


class Logcumsumexp(Rule):
    """out[k] = log(e**x[0] + ... + e**x[k]) along dim

    dx[k] = e**(x[k] - out[k]) * s[k] with s[k] = g[k] + e**(out[k] - out[k+1]) * s[k+1]: no
    exponent is above 0, so nothing overflows
    """

    @staticmethod
    def forward(x, *, dim):
        if x.dtype.kind != "f":
            x = x.astype(dtypes.default_numpy())
        return np.logaddexp.accumulate(x, dim)

    @staticmethod
    def backward(g, x, out, dim):
        finite = elementwise.where(out == -np.inf, 0.0, out)
        decay = transcendental.exp(finite - Shift.apply(finite, dim=dim, by=-1, fill=np.inf))
        s = LinearRecurrence.apply(g, decay, dim=dim, reverse=True)
        return transcendental.exp(x - finite) * s


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """out[k] = log(exp(input[0]) + ... + exp(input[k])) along `dim`, without overflow.

    Integers give the default float dtype. Example: ``airi.logcumsumexp(x, 0)``.
    Source: ``torch.logcumsumexp``.
    """
    return over_one_dim("logcumsumexp", Logcumsumexp, input, dim)


@numpy_names
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """out[k] = input[k+1] - input[k] along `dim`, done `n` times; for bool, whether they differ.

    `prepend` and `append` are joined to the input before, if `n` is not 0. Raises RuntimeError for
    0-dimensional input and negative n. Example: ``airi.diff(airi.tensor([1, 4, 9]))`` is
    ``[3, 5]``. Source: ``torch.diff``.
    """
    if input.ndim == 0:
        raise RuntimeError("diff: expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"diff: n must not be negative, got {n}")
    at = normal_dim("diff", dim, input.ndim)
    if n == 0:
        return clone(input)
    parts = [each for each in (prepend, input, append) if each is not None]
    if len(parts) > 1:
        from airi.ops.joining import cat

        input = cat(parts, at)
    for _ in range(min(n, input.shape[at])):
        size = max(input.shape[at] - 1, 0)
        later = views.narrow(input, at, min(1, input.shape[at]), size)
        input = _difference(input)(later, views.narrow(input, at, 0, size))
    return input


def _difference(input: Any) -> Callable[[Any, Any], Any]:
    return Differs.apply if array_of(input).dtype.kind == "b" else elementwise.sub


class Differs(Rule):
    """out = whether x and y differ: the difference of truth values"""

    @staticmethod
    def forward(x, y):
        return np.not_equal(x, y)
