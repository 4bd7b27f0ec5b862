"""Integrals and derivatives of sampled functions: trapezoids and finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from airi.ops import cumulative, elementwise, reduction
from airi.ops.joining import cat
from airi.ops.names import normal_dim, normal_dims, numpy_names
from airi.ops.views import array_of, narrow, reshape, shape_of

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.ops.over_dims import Dim
    from airi.tensor import Tensor

    Spacing: TypeAlias = Number | Tensor | Sequence[Number] | Sequence[Tensor]

__all__ = ["cumulative_trapezoid", "gradient", "trapezoid", "trapz"]


def _areas(function: str, y: Any, x: Any, dx: Any, dim: int) -> tuple[Any, int]:
    """Twice the area of each trapezoid, and the dimension they lie along."""
    at = normal_dim(function, dim, y.ndim)
    if array_of(y).dtype.kind == "b" or (x is not None and array_of(x).dtype.kind == "b"):
        raise RuntimeError(f"{function}: bool tensors are not integrated")
    if x is not None and dx is not None:
        raise TypeError(f"{function}: takes x or dx, not both")
    width: Any = 1 if dx is None else dx
    if x is not None:
        width, at = _widths(function, x, y, at)
    size = y.shape[at]
    if size < 2:
        return elementwise.mul(narrow(y, at, 0, 0), 1.0 if size else 0.0), at
    sums = elementwise.add(narrow(y, at, 0, size - 1), narrow(y, at, 1, size - 1))
    return elementwise.mul(sums, width), at


def _widths(function: str, x: Any, y: Any, dim: int) -> tuple[Any, int]:
    """The distances of neighbouring points, in a shape that is broadcast with y's trapezoids."""
    if x.ndim == 0:
        raise RuntimeError(f"{function}: x must have at least 1 dimension")
    if x.ndim == 1 and x.shape[0] != y.shape[dim]:
        raise RuntimeError(
            f"{function}: there must be one x for each y along dim {dim}: got "
            f"{x.shape[0]} and {y.shape[dim]}"
        )
    if x.ndim < y.ndim:
        if x.ndim == 1:
            x = reshape(x, [x.shape[0] if i == dim else 1 for i in range(y.ndim)])
        else:
            x = reshape(x, [1] * (y.ndim - x.ndim) + list(shape_of(x)))
    return cumulative.diff(x, dim=dim + x.ndim - y.ndim), dim


@numpy_names
def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1
) -> Tensor:
    """The integral along `dim` of a function given at points, by the trapezoidal rule.

    The points are `x`, of one dimension or broadcast with y, or `dx` (1 by default) apart.
    Example: ``airi.trapezoid(airi.tensor([1.0, 5.0, 10.0]))`` is 10.5. Source: ``torch.trapezoid``.
    """
    areas, at = _areas("trapezoid", y, x, dx, dim)
    return elementwise.div(reduction.sum(areas, at), 2)


@numpy_names
def trapz(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """The older name of `trapezoid`. Source: ``torch.trapz``."""
    return trapezoid(y, x, dx=dx, dim=dim)


@numpy_names
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1
) -> Tensor:
    """The running integral along `dim`, see `trapezoid`: one element less than y.

    Source: ``torch.cumulative_trapezoid``.
    """
    areas, at = _areas("cumulative_trapezoid", y, x, dx, dim)
    return elementwise.div(cumulative.cumsum(areas, at), 2)


@numpy_names
def gradient(
    input: Tensor, *, spacing: Spacing | None = None, dim: Dim = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The derivative of sampled values along each dimension in `dim` (all of them), a tuple.

    Central differences, of second order also between points that are not equally far apart; at the
    ends one-sided ones of order `edge_order`, 1 or 2. `spacing` is one number, one for each
    dimension, or the points of each as a tensor. Raises RuntimeError where a dimension has no more
    than edge_order elements. Source: ``torch.gradient``.
    """
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    dims = normal_dims("gradient", dim, input.ndim)
    steps = _spacings(spacing, len(dims))
    results = []
    for at, step in zip(dims, steps, strict=True):
        size = input.shape[at]
        if size <= edge_order:
            raise RuntimeError(
                f"gradient: dimension {at} of size {size} needs more than edge_order={edge_order} "
                "elements"
            )
        results.append(_slope(input, step, at, edge_order))
    return tuple(results)


def _spacings(spacing: Any, count: int) -> list[Any]:
    spacing = 1 if spacing is None else spacing
    if not isinstance(spacing, (tuple, list)):
        if getattr(spacing, "ndim", 0):
            raise RuntimeError(
                "gradient: points must be given as a list of one tensor for each dimension"
            )
        return [spacing] * count
    if len(spacing) != count:
        raise RuntimeError(f"gradient: expected spacing for {count} dimensions, got {len(spacing)}")
    return list(spacing)


def _slope(f: Any, spacing: Any, dim: int, edge_order: int) -> Any:
    size = f.shape[dim]
    if not getattr(spacing, "ndim", 0):
        before = after = spacing
        first = last = spacing, spacing
    else:
        if spacing.ndim != 1 or spacing.shape[0] != size:
            raise RuntimeError(
                f"gradient: expected {size} points for dimension {dim}, got shape "
                f"{shape_of(spacing)}"
            )
        h = cumulative.diff(spacing)
        h = reshape(h, [size - 1 if i == dim else 1 for i in range(f.ndim)])
        before, after = narrow(h, dim, 0, size - 2), narrow(h, dim, 1, size - 2)
        first = narrow(h, dim, 0, 1), narrow(h, dim, min(1, size - 2), 1)
        last = narrow(h, dim, size - 2, 1), narrow(h, dim, max(size - 3, 0), 1)
    parts = [_edge(f, [0, 1, 2][: edge_order + 1], first, dim)]
    if size > 2:
        left, middle, right = [narrow(f, dim, start, size - 2) for start in range(3)]
        to_right = (right - middle) / after
        to_left = (middle - left) / before
        parts.append((to_right * before + to_left * after) / (before + after))
    ends = [size - 1, size - 2, size - 3][: edge_order + 1]
    parts.append(elementwise.mul(_edge(f, ends, last, dim), -1))
    return cat(parts, dim)


def _edge(f: Any, places: list[int], steps: tuple[Any, Any], dim: int) -> Any:
    """The one-sided derivative at places[0], towards places[1], that far away."""
    values = [narrow(f, dim, place, 1) for place in places]
    near = (values[1] - values[0]) / steps[0]
    if len(values) == 2:
        return near
    far = (values[2] - values[1]) / steps[1]
    return near - (far - near) * steps[0] / (steps[0] + steps[1])
