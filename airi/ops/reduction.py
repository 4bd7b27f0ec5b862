"""Reductions: sums, products, moments, norms and truth over some or all dimensions.

`dim` is None for all dimensions, an int or a tuple; ``keepdim=True`` leaves them in with size 1.
Extremes are in `extremes.py`, running sums and the like in `cumulative.py`, order statistics in
`sorting.py`.
"""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.autograd.sums import add_up
from airi.ops import elementwise, fused, transcendental
from airi.ops.conversion import cast_if
from airi.ops.cumulative import may_be_divided, product_of_others
from airi.ops.extremes import amax, amin
from airi.ops.names import numpy_names
from airi.ops.over_dims import (
    accumulator,
    count,
    over_dims,
    over_one_dim,
    restored,
    spread,
)
from airi.ops.promotion import require_float
from airi.ops.views import reshape

if TYPE_CHECKING:
    from airi.ops.over_dims import Dim
    from airi.tensor import Tensor

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "norm",
    "prod",
    "std",
    "std_mean",
    "sum",
    "var",
    "var_mean",
]


class Sum(Rule):
    """out = sum of x over dim;  dx = g for every element"""

    complex = True

    @staticmethod
    def forward(x, *, dim, keepdim):
        fast = fused.sum_last(x, dim, keepdim)
        if fast is not None:
            return fast
        if x.dtype.kind != "f":
            return np.add.reduce(x, dim, accumulator(x.dtype), keepdims=keepdim)
        return add_up(x, dim, keepdims=keepdim)

    @staticmethod
    def backward(g, dim, keepdim, x_shape):
        return spread(g, dim, keepdim, x_shape)


@numpy_names
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """out = sum of the elements over `dim`; bool and integers give int64.

    `dtype` converts the input first. Example: ``airi.sum(airi.ones(2, 3), 1)`` is ``[3., 3.]``.
    Source: ``torch.sum``.
    """
    return cast_if(over_dims("sum", Sum, cast_if(input, dtype), dim, keepdim), dtype)


class Nansum(Rule):
    """out = sum over dim of the x that are not NaN;  dx = g for those, 0 for NaN"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        if x.dtype.kind != "f":
            return Sum.forward(x, dim=dim, keepdim=keepdim)
        return np.add.reduce(x, dim, keepdims=keepdim, where=~np.isnan(x))

    @staticmethod
    def backward(g, x, dim, keepdim, x_shape):
        return spread(g, dim, keepdim, x_shape) * _NotNan.apply(x)


class _NotNan(Rule):
    """out = 1 where x is a number, 0 where it is NaN: a constant"""

    @staticmethod
    def forward(x):
        return (~np.isnan(x)).astype(x.dtype)


@numpy_names
def nansum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """out = sum over `dim` with NaN counted as 0. Source: ``torch.nansum``."""
    return cast_if(over_dims("nansum", Nansum, cast_if(input, dtype), dim, keepdim), dtype)


class Mean(Rule):
    """out = sum of x over dim / n;  dx = g / n for every element"""

    complex = True

    @staticmethod
    def forward(x, *, dim, keepdim):
        require_float("mean", x)
        total = fused.sum_last(x, dim, keepdim)
        if total is None:
            total = add_up(x, dim, keepdims=keepdim)
        return np.true_divide(total, count(x.shape, dim))

    @staticmethod
    def backward(g, dim, keepdim, x_shape):
        return spread(elementwise.div(g, count(x_shape, dim)), dim, keepdim, x_shape)


@numpy_names
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """out = mean of the elements over `dim`; NaN where there are none.

    `dtype` converts the input first. Raises RuntimeError for integers.
    Example: ``airi.mean(x, dim=(0, 1))``. Source: ``torch.mean``.
    """
    return over_dims("mean", Mean, cast_if(input, dtype), dim, keepdim)


@numpy_names
def nanmean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """out = mean over `dim` of the elements that are not NaN; NaN where there are none.

    Raises RuntimeError for integers. Source: ``torch.nanmean``.
    """
    require_float("nanmean", input)
    input = cast_if(input, dtype)
    count = sum(_NotNan.apply(input), dim, keepdim)
    return elementwise.div(nansum(input, dim, keepdim), count)


class Prod(Rule):
    """out = product of x along dim;  dx = g * the product of the others, which may be 0"""

    holomorphic = True

    @staticmethod
    def forward(x, *, dim, keepdim):
        return np.multiply.reduce(x, dim, accumulator(x.dtype), keepdims=keepdim)

    @staticmethod
    def backward(g, x, out, dim, keepdim, x_shape):
        if may_be_divided(out):
            return restored(g * out, (dim,), keepdim, x_shape) / x
        return restored(g, (dim,), keepdim, x_shape) * product_of_others(x, dim)


@numpy_names
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """out = product of the elements along `dim`, or of all; bool and integers give int64.

    The gradient is exact where elements are 0. `dtype` converts the input first.
    Example: ``airi.prod(airi.tensor([2, 3]))`` is 6. Source: ``torch.prod``.
    """
    input = cast_if(input, dtype)
    if dim is not None:
        return cast_if(over_one_dim("prod", Prod, input, dim, keepdim=keepdim), dtype)
    out = Prod.apply(reshape(input, (math.prod(input.shape),)), dim=0, keepdim=False)
    out = cast_if(out, dtype)
    return reshape(out, (1,) * input.ndim) if keepdim else out


def _degrees(x_shape: tuple[int, ...], dim: Any, correction: float) -> float:
    """What the sum of squares is divided by: n - correction, not below 0."""
    return builtins.max(count(x_shape, dim) - correction, 0)


class Var(Rule):
    """out = sum of |x - mean|**2 over dim / (n - correction)

    dx = g * 2 * (x - mean) / (n - correction)
    """

    complex = True

    @staticmethod
    def forward(x, *, dim, keepdim, correction):
        require_float("var", x)
        centred = x - Mean.forward(x, dim=dim, keepdim=True)
        centred = np.abs(centred) if x.dtype.kind == "c" else centred
        total = add_up(np.square(centred, out=centred), dim, keepdims=keepdim)
        return np.true_divide(total, _degrees(x.shape, dim, correction))

    @staticmethod
    def backward(g, x, dim, keepdim, correction, x_shape):
        scale = _reciprocal(_degrees(x_shape, dim, correction))
        centred = x - mean(x, dim, keepdim=True)
        return restored(2 * scale * g, dim, keepdim, x_shape) * centred


class Std(Rule):
    """out = sqrt(sum of |x - mean|**2 over dim / (n - correction))

    dx = g * (x - mean) / ((n - correction) * out), 0 where out is 0
    """

    complex = True

    @staticmethod
    def forward(x, *, dim, keepdim, correction):
        require_float("std", x)
        return np.sqrt(Var.forward(x, dim=dim, keepdim=keepdim, correction=correction))

    @staticmethod
    def backward(g, x, out, dim, keepdim, correction, x_shape):
        scale = _reciprocal(_degrees(x_shape, dim, correction))
        centred = x - mean(x, dim, keepdim=True)
        return restored(scale * _over_norm(g, out), dim, keepdim, x_shape) * centred


def _reciprocal(degrees: float) -> float:
    return 1 / degrees if degrees else math.nan


def _over_norm(g: Any, out: Any) -> Any:
    """g / out, and 0 where out is 0: the subgradient of a root at 0 that PyTorch takes."""
    return elementwise.div(g, elementwise.where(out == 0, math.inf, out))


def _correction(
    function: str, dim: Any, unbiased: bool | None, correction: float | None
) -> tuple[Any, float]:
    """The dim and the correction that the several ways of calling `var` mean."""
    if isinstance(dim, bool):  # var(x, False) is var(x, unbiased=False)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{function}: takes correction or unbiased, not both")
    if correction is None:
        correction = 0 if unbiased is False else 1
    return dim, correction


@numpy_names
def var(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """out = sum of (input - mean) ** 2 over `dim` / (n - correction); correction is 1 by default.

    ``unbiased=False`` is the older way to say ``correction=0``. NaN where n <= correction. Raises
    RuntimeError for integers. Example: ``airi.var(x, 0, correction=0)``. Source: ``torch.var``.
    """
    dim, correction = _correction("var", dim, unbiased, correction)
    return over_dims("var", Var, input, dim, keepdim, correction=correction)


@numpy_names
def std(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """out = sqrt(var(input)) with the arguments of `var`; its gradient is 0 where it is 0.

    Raises RuntimeError for integers. Example: ``airi.std(x, 0)``. Source: ``torch.std``.
    """
    dim, correction = _correction("std", dim, unbiased, correction)
    return over_dims("std", Std, input, dim, keepdim, correction=correction)


@numpy_names
def var_mean(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """``(var(input), mean(input))`` with the arguments of `var`. Source: ``torch.var_mean``."""
    dim, correction = _correction("var_mean", dim, unbiased, correction)
    variance = var(input, dim, keepdim=keepdim, correction=correction)
    return variance, mean(input, dim, keepdim)


@numpy_names
def std_mean(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """``(std(input), mean(input))`` with the arguments of `var`. Source: ``torch.std_mean``."""
    dim, correction = _correction("std_mean", dim, unbiased, correction)
    deviation = std(input, dim, keepdim=keepdim, correction=correction)
    return deviation, mean(input, dim, keepdim)


class Norm(Rule):
    """out = (sum of |x|**p over dim)**(1/p) for a finite p

    dx = g * sgn(x) * (|x| / out)**(p-1), 0 where x or out is 0; for p = 2 that is g * x / out
    """

    complex = True

    @staticmethod
    def forward(x, *, p, dim, keepdim):
        require_float("norm", x)
        magnitude = np.abs(x) if p != 2 or x.dtype.kind == "c" else x
        if p == 2:
            return _euclidean(magnitude, dim, keepdim)
        if p == 0:
            return np.add.reduce(magnitude != 0, dim, magnitude.dtype, keepdims=keepdim)
        if p == 1:
            return np.add.reduce(magnitude, dim, keepdims=keepdim)
        wide = magnitude.astype(np.float32) if magnitude.dtype == np.float16 else magnitude
        return (np.add.reduce(wide**p, dim, keepdims=keepdim) ** (1 / p)).astype(magnitude.dtype)

    @staticmethod
    def backward(g, x, out, p, dim, keepdim, x_shape):
        if p == 0:
            return elementwise.Zeros.apply(x)
        if p == 1:
            return restored(g, dim, keepdim, x_shape) * elementwise.sgn(x)
        if p == 2:
            return restored(_over_norm(g, out), dim, keepdim, x_shape) * x
        norm_of_each = restored(elementwise.where(out == 0, 1.0, out), dim, keepdim, x_shape)
        is_zero = x == 0
        ratio = elementwise.where(is_zero, 1.0, elementwise.div(elementwise.abs(x), norm_of_each))
        slope = elementwise.sgn(x) * transcendental.pow(ratio, p - 1)
        return restored(g, dim, keepdim, x_shape) * slope


def _euclidean(x: np.ndarray, dim: Any, keepdim: Any) -> Any:
    if dim is None:  # one pass without a temporary
        flat = x.ravel("K")
        out = np.sqrt(np.dot(flat, flat))
        return out.reshape((1,) * x.ndim) if keepdim else out
    return np.sqrt(add_up(np.square(x), dim, keepdims=keepdim))


@numpy_names
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """out = (sum of |input| ** p over `dim`) ** (1 / p), the elements seen as one vector.

    `p` is a number, "fro" (2), inf (largest magnitude), -inf (smallest) or 0 (how many are not 0);
    "nuc" is the sum of the singular values of a matrix or of the matrices in the dimensions `dim`.
    The gradient is 0 where the norm is. `dtype` converts the input first. Raises RuntimeError for
    integers. Example: ``airi.norm(weight, dim=1)``. Source: ``torch.norm``.
    """
    input = cast_if(input, dtype)
    require_float("norm", input)
    p = 2 if p is None or p == "fro" else p
    if p == "nuc":
        from airi.ops.linalg_norm import nuclear_norm  # which is made of reductions

        return nuclear_norm(input, dim, keepdim)
    if isinstance(p, str):
        raise ValueError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}")
    if p == math.inf:
        return amax(elementwise.abs(input), dim, keepdim)
    if p == -math.inf:
        return amin(elementwise.abs(input), dim, keepdim)
    return over_dims("norm", Norm, input, dim, keepdim, p=p)


class Logsumexp(Rule):
    """out = log(sum of e**x over dim);  dx = g * e**(x - out), 0 where out is -inf"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        if x.dtype.kind != "f":
            x = x.astype(dtypes.default_numpy())
        largest = np.maximum.reduce(x, dim, keepdims=True, initial=-np.inf)
        largest = np.where(np.isfinite(largest), largest, 0)
        powers = x - largest
        total = add_up(np.exp(powers, out=powers), dim, keepdims=True)
        out = np.log(total, out=total)
        out += largest
        return out if keepdim else out.squeeze(dim)

    @staticmethod
    def backward(g, x, out, dim, keepdim, x_shape):
        finite = elementwise.where(out == -math.inf, 0.0, out)
        share = transcendental.exp(x - restored(finite, dim, keepdim, x_shape))
        return restored(g, dim, keepdim, x_shape) * share


@numpy_names
def logsumexp(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """out = log(sum of exp(input) over `dim`), computed without overflow.

    Integers give the default float dtype; -inf where there are no elements.
    Example: ``airi.logsumexp(logits, 1)``. Source: ``torch.logsumexp``.
    """
    return over_dims("logsumexp", Logsumexp, input, dim, keepdim)


class AllTrue(Rule):
    """out = whether every x over dim is true (not 0; NaN is true)"""

    complex = True

    @staticmethod
    def forward(x, *, dim, keepdim):
        return np.logical_and.reduce(x, dim, keepdims=keepdim).astype(_truth(x))


class AnyTrue(Rule):
    """out = whether any x over dim is true (not 0; NaN is true)"""

    complex = True

    @staticmethod
    def forward(x, *, dim, keepdim):
        return np.logical_or.reduce(x, dim, keepdims=keepdim).astype(_truth(x))


def _truth(x: np.ndarray) -> np.dtype:
    return x.dtype if x.dtype == np.uint8 else np.dtype(np.bool_)  # uint8 was PyTorch's first bool


@numpy_names
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """out = whether all elements over `dim` are true; True where there are none.

    bool, except that uint8 stays uint8. Example: ``airi.all(x > 0, 1)``. Source: ``torch.all``.
    """
    return over_dims("all", AllTrue, input, dim, keepdim)


@numpy_names
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """out = whether any element over `dim` is true; False where there are none.

    bool, except that uint8 stays uint8. Example: ``airi.any(x > 0, 1)``. Source: ``torch.any``.
    """
    return over_dims("any", AnyTrue, input, dim, keepdim)


class CountNonzero(Rule):
    """out = how many x over dim are not 0"""

    complex = True

    @staticmethod
    def forward(x, *, dim, keepdim):
        return np.count_nonzero(x, dim, keepdims=keepdim)


@numpy_names
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """out = how many elements over `dim` are not 0, as int64. Source: ``torch.count_nonzero``."""
    return over_dims("count_nonzero", CountNonzero, input, dim, False)
