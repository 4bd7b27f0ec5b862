"""Padding: more elements (or fewer) at the ends of dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import Rule
from airi.ops.views import along, narrow, shape_of, sizes

if TYPE_CHECKING:
    from airi.tensor import Tensor


class PadConstant(Rule):
    """out = x with `value` around it, cut off where a number is negative;  dx = that part of g"""

    complex = True

    @staticmethod
    def forward(x, *, pads, value):
        out = np.full([n + sum(pad) for n, pad in zip(x.shape, pads)], value, x.dtype)
        inside, kept = [], []
        for n, (before, after) in zip(x.shape, pads):
            inside.append(
                slice(max(before, 0), max(before, 0) + n + min(before, 0) + min(after, 0))
            )
            kept.append(slice(max(-before, 0), n - max(-after, 0)))
        out[tuple(inside)] = x[tuple(kept)]
        return out

    @staticmethod
    def backward(g, pads):
        opposite = tuple([(-before, -after) for before, after in pads])
        return PadConstant.apply(g, pads=opposite, value=0)


def _reflected(places: np.ndarray, size: int) -> np.ndarray:
    places = np.abs(places)
    return np.where(places >= size, 2 * (size - 1) - places, places)


def _places(mode: str, size: int, before: int, after: int) -> np.ndarray:
    """Which element of a dimension each one of the padded dimension shows."""
    places = np.arange(-before, size + after)
    if mode == "reflect":
        return _reflected(places, size)
    if mode == "replicate":
        return np.clip(places, 0, size - 1)
    return places % size


def _only(dim: int, ndim: int, before: int, after: int) -> tuple[tuple[int, int], ...]:
    """The padding of that dimension and of no other."""
    return tuple([(before, after) if i == dim else (0, 0) for i in range(ndim)])


def _around(size: int, before: int, after: int) -> list[int]:
    """The places of a padded dimension outside the original: few, so that one may loop."""
    return [*range(max(before, 0)), *range(size - max(after, 0), size)]


class PadFrom(Rule):
    """out = x continued along dim by its own elements;  dx = g, with the padding's part added"""

    complex = True

    @staticmethod
    def forward(x, *, dim, mode, before, after):
        out = PadConstant.forward(x, pads=_only(dim, x.ndim, before, after), value=0)
        places = _places(mode, x.shape[dim], before, after)
        for i in _around(len(places), before, after):
            out[along(dim, i)] = x[along(dim, int(places[i]))]
        return out

    @staticmethod
    def backward(g, dim, mode, before, after, x_shape):
        return UnpadFrom.apply(g, dim=dim, mode=mode, before=before, after=after, size=x_shape[dim])


class UnpadFrom(Rule):
    """out = the inside of x along dim, with what is around added where it came from

    dx = g continued as in `PadFrom`
    """

    complex = True

    @staticmethod
    def forward(x, *, dim, mode, before, after, size):
        out = PadConstant.forward(x, pads=_only(dim, x.ndim, -before, -after), value=0)
        places = _places(mode, size, before, after)
        for i in _around(len(places), before, after):
            out[along(dim, int(places[i]))] += x[along(dim, i)]
        return out

    @staticmethod
    def backward(g, dim, mode, before, after):
        return PadFrom.apply(g, dim=dim, mode=mode, before=before, after=after)


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Elements put before and after the last dimensions: ``pad`` is (before, after) of the last,
    then of the one before it, and so on; a negative number cuts off.

    Modes: "constant" (`value`, 0 if None), "reflect" (mirrored at the first and last element),
    "replicate" (these two repeated), "circular" (from the other end). Raises RuntimeError where a
    padding does not fit. Example: ``pad(images, (1, 1, 1, 1))``.
    Source: ``torch.nn.functional.pad``.
    """
    amounts = sizes("pad", (pad,))
    if len(amounts) % 2 or len(amounts) > 2 * input.ndim:
        raise RuntimeError(
            f"pad: expected pairs (before, after) for at most {input.ndim} dimensions, got {pad}"
        )
    have = shape_of(input)
    pairs = list(zip(amounts[::2], amounts[1::2]))
    pads = ((0, 0),) * (len(have) - len(pairs)) + tuple(pairs[::-1])
    if any(n + sum(each) < 0 for n, each in zip(have, pads)):
        raise RuntimeError(f"pad: {pad} cuts off more than shape {have} has")
    if mode == "constant":
        return PadConstant.apply(input, pads=pads, value=_representable(input, value or 0))
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(
            f"pad: mode must be constant, reflect, replicate or circular, got {mode!r}"
        )
    if value is not None:
        raise RuntimeError(f"pad: mode {mode!r} takes no value")
    for dim, each in enumerate(pads):
        if each != (0, 0):
            input = _continued(input, dim, mode, *each)
    return input


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """`pad` with a constant. Source: ``torch.constant_pad_nd``."""
    return _pad(input, pad, "constant", value)


_pad = pad  # the function, where an argument has its name


def _representable(input: Tensor, value: float) -> float:
    dtype = input._array.dtype
    if dtype.kind in "iu" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        raise RuntimeError(f"pad: value {value} is out of the range of {input.dtype}")
    return value


def _continued(input: Tensor, dim: int, mode: str, before: int, after: int) -> Tensor:
    size = input.shape[dim]
    if mode == "circular" and min(before, after) < 0:  # what is cut off does not come round again
        start, end = max(-before, 0), size - max(-after, 0)
        input = narrow(input, dim, start, max(end - start, 0))
        size, before, after = input.shape[dim], max(before, 0), max(after, 0)
    limit = {"reflect": size - 1, "replicate": max(before, after), "circular": size}[mode]
    if size == 0 or max(before, after) > limit:
        raise RuntimeError(
            f"pad: {mode} padding ({before}, {after}) of dimension {dim} does not fit its size "
            f"{size}: at most {limit}"
        )
    return PadFrom.apply(input, dim=dim, mode=mode, before=before, after=after)
