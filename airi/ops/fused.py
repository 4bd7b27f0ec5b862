"""One pass where NumPy needs many: when the compiled kernels of `fused_ext` do an op's work.

Rules ask here first, and compute in NumPy what they get None for: that is the specification, does
every dtype and layout, and is what second derivatives pass through. The kernels (explained in
``fused_kernels.h``) take contiguous float32 arrays that are large enough to be worth the call.
A rule of one array only names its kernels (`kernel`), and the graph asks them before the rule.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from airi import memory
from airi.autograd.copies import contiguous_copy
from airi.autograd.engine import sum_to
from airi.ops import kernels

Shape = tuple[int, ...]

LEAST_ELEMENTS = 2048
# Softmax, its kin and norms take NumPy many passes, each of which takes about a microsecond.
LEAST_IN_ROWS = 512
LEAST_COLUMNS = 4
# NumPy adds as fast as one thread can; several are worth it from here.
LEAST_SUMMANDS = 1 << 16
# A row of this many numbers is worth the few that are computed for it in Python.
LEAST_POSITIONS = 32
# Long sums are cut into rows of this many elements, for threads to share.
SUM_ROW = 1 << 14
# Threads add up gradients of weights apart; more parts would cost more memory than they help.
MOST_PARTS = 32

# What several passes find in the cache.
MOST_IN_GROUP = 1 << 17

_FLOAT32 = np.dtype(np.float32)


@functools.cache
def _compiled() -> Any:
    """The extension, or None where it was not built."""
    try:
        with kernels.threads_that_sleep():
            import airi.ops.fused_ext as module
    except ImportError:
        return None
    return module


def _suits(x: Any, least: int | None = None) -> bool:
    return (
        type(x) is np.ndarray
        and x.size >= (LEAST_ELEMENTS if least is None else least)
        and x.dtype == _FLOAT32
        and x.flags.c_contiguous
    )


def _gradient(g: Any, x: np.ndarray) -> np.ndarray | None:
    """The gradient as a contiguous array, None where it is a Tensor or of another dtype."""
    if type(g) is not np.ndarray or g.dtype != _FLOAT32 or g.shape != x.shape:
        return None
    return g if g.flags.c_contiguous else contiguous_copy(g)


def _new(x: np.ndarray) -> np.ndarray:
    memory.install()
    return np.empty(x.shape, _FLOAT32)


def each(name: str, x: Any, a: float = 0.0, b: float = 0.0, c: float = 0.0) -> np.ndarray | None:
    """A function of every element, by its name in ``wide_kernels.h``; a, b and c are its numbers"""
    compiled = _compiled()
    return None if compiled is None else compiled.each(name, x, None, a, b, c)


def each_grad(
    name: str, g: Any, x: Any, a: float = 0.0, b: float = 0.0, c: float = 0.0
) -> np.ndarray | None:
    """g times the derivative; x is the input or the output, as ``wide_kernels.h`` says"""
    compiled = _compiled()
    return None if compiled is None or g is None else compiled.each(name, x, g, a, b, c)


def of_two(name: str, x: Any, y: Any, a: float = 0.0, b: float = 0.0) -> np.ndarray | None:
    """A function of every element of two arrays of one shape"""
    compiled = _compiled()
    return None if compiled is None or y is None else compiled.each(name, x, y, a, b)


def kernel(function: str | None, gradient: str | None, *names: str, smaller: Any = None) -> Any:
    """``small`` of a rule of one array by kernels of ``wide_kernels.h``; None: not compiled

    `names` are the attributes that are the kernels' numbers; `smaller` is the kernel of arrays of
    fewer than LEAST_ELEMENTS.
    """
    compiled = _compiled()
    if compiled is None:
        return smaller
    return compiled.Each(function, gradient, *names, smaller=smaller)


def bounds(function: str, gradient: str) -> Any:
    """``small`` of a rule of an array and two bounds"""
    compiled = _compiled()
    return None if compiled is None else compiled.Bounds(function, gradient)


def each_in_place(rule: Any, x: np.ndarray, attributes: dict[str, Any]) -> bool:
    """x = f(x) by the kernel that the rule names, if there is one and x is made for it"""
    small, compiled = rule.facts.small, _compiled()
    if compiled is None or not isinstance(small, compiled.Each):
        return False
    return small.in_place(x, attributes)


def add(x: Any, y: Any) -> np.ndarray | None:
    """x + y, both of one shape, or y one row for all rows of x"""
    if not (_suits(x) and x.size >= LEAST_SUMMANDS and _suits_row(y)):
        return None
    compiled = _compiled()
    if compiled is None:
        return None
    if y.shape == x.shape:
        return compiled.each("add", x, y)
    if x.ndim < 2 or y.shape != x.shape[-1:] or y.size < LEAST_POSITIONS:
        return None
    out = _new(x)
    compiled.rows("add_to_rows", x.size // y.size, y.size, x, None, out, weight=y)
    return out


def _suits_row(x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype == _FLOAT32 and x.flags.c_contiguous


def _columns(x: Any, dim: int) -> int:
    """The length of rows along `dim`, 0 where no kernel does them."""
    if (
        not _suits(x, LEAST_IN_ROWS)
        or dim != x.ndim - 1
        or x.shape[-1] < LEAST_COLUMNS
        or _compiled() is None
    ):
        return 0
    return x.shape[-1]


def softmax(name: str, x: Any, dim: int) -> np.ndarray | None:
    """ "softmax" or "log_softmax" along the last dimension"""
    columns = _columns(x, dim)
    if not columns:
        return None
    out = _new(x)
    _compiled().rows(name, x.size // columns, columns, x, None, out)
    return out


def softmax_grad(name: str, g: Any, out: Any, dim: int) -> np.ndarray | None:
    """The gradient of "softmax" or "log_softmax" from that of its output"""
    columns = _columns(out, dim)
    if not columns:
        return None
    g = _gradient(g, out)
    if g is None:
        return None
    dx = _new(out)
    _compiled().rows(name + "_grad", out.size // columns, columns, out, g, dx)
    return dx


def glu(x: Any, halves: Shape) -> np.ndarray | None:
    """What `Glu.forward` returns; see there for `halves`"""
    if not _suits(x, LEAST_IN_ROWS) or halves[2] < LEAST_COLUMNS or _compiled() is None:
        return None
    out = np.empty(x.size // 2, _FLOAT32)
    _compiled().rows("glu", halves[0], halves[2], x, None, out)
    return out


def glu_grad(g: Any, x: Any, halves: Shape) -> np.ndarray | None:
    """The gradient of what `glu` was given, in its shape"""
    if not _suits(x, LEAST_IN_ROWS) or halves[2] < LEAST_COLUMNS or _compiled() is None:
        return None
    if type(g) is not np.ndarray or g.dtype != _FLOAT32:
        return None
    dx = _new(x)
    _compiled().rows("glu_grad", halves[0], halves[2], x, np.ascontiguousarray(g), dx)
    return dx


def sum_of_differences(name: str, x: Any, y: Any, bound: float = 0.0) -> float | None:
    """The sum over x - y of its "squares", its "distances" from 0, or of "huber", in double"""
    if (
        not (_suits(x, LEAST_IN_ROWS) and _suits_row(y) and x.shape == y.shape)
        or _compiled() is None
    ):
        return None
    sums = np.empty(x.size // SUM_ROW)
    if len(sums):
        _compiled().rows(name, len(sums), SUM_ROW, x, y, sums=sums, bound=bound)
    rest = x.size - len(sums) * SUM_ROW
    if not rest:
        return float(np.add.reduce(sums))
    last = np.empty(1)
    x, y = x.reshape(-1)[-rest:], y.reshape(-1)[-rest:]
    _compiled().rows(name, 1, rest, x, y, sums=last, bound=bound)
    return float(np.add.reduce(sums) + last[0])


def _planes(x: Any, numbers: Any) -> tuple[int, int, int] | None:
    """Rows of x that have one of the `numbers` each, by broadcasting

    How many, how long, and after how many rows the numbers repeat.
    """
    if not (_suits(x) and _suits_row(numbers) and numbers.ndim <= x.ndim) or _compiled() is None:
        return None
    size, shape = numbers.size, numbers.shape
    if size == 1:
        columns = math.gcd(x.size, SUM_ROW)
    else:
        first = numbers.ndim  # of the dimensions in which there is one number
        while shape[first - 1] == 1:
            first -= 1
        start = 0
        while shape[start] == 1:
            start += 1
        before = x.ndim - numbers.ndim
        if shape[start:first] != x.shape[before + start : before + first]:
            return None
        columns = math.prod(x.shape[before + first :])
    if columns < LEAST_POSITIONS:
        return None
    return x.size // columns, columns, size


def times_planes(x: Any, factors: Any) -> np.ndarray | None:
    """x * factors, where whole rows of x have one factor"""
    planes = _planes(x, factors)
    if planes is None:
        return None
    rows, columns, repeat = planes
    out = _new(x)
    _compiled().rows("scale_rows", rows, columns, x, None, out, scale=factors, repeat_after=repeat)
    return out


def scale_and_shift(x: Any, scale: Any, shift: Any) -> np.ndarray | None:
    """x * scale + shift, where whole rows of x have one scale and one shift"""
    planes = _planes(x, scale)
    if planes is None or not _suits_row(shift) or shift.shape != scale.shape:
        return None
    rows, columns, repeat = planes
    out = _new(x)
    _compiled().rows(
        "scale_and_shift", rows, columns, x, None, out, scale=scale, slope=shift,
        repeat_after=repeat,
    )  # fmt: skip
    return out


def scale_and_shift_grad(
    g: Any, x: Any, scale: Any, needs: tuple[bool, ...]
) -> tuple[Any, Any, Any] | None:
    """The gradients of `scale_and_shift`, where that of the scale is asked for"""
    planes = _planes(x, scale) if needs[0] and needs[1] else None
    g = None if planes is None else _gradient(g, x)
    if planes is None or g is None:
        return None
    rows, columns, repeat = planes
    dx, sums, products = _new(x), np.empty(rows), np.empty(rows)
    _compiled().rows("dots", rows, columns, x, g, sums=sums, products=products, mean=None)
    _compiled().rows("scale_rows", rows, columns, g, None, dx, scale=scale, repeat_after=repeat)
    dshift, dscale = [
        np.add.reduce(each.reshape(-1, repeat), 0).astype(_FLOAT32).reshape(scale.shape)
        for each in (sums, products)
    ]
    return dx, dscale, dshift


def prelu(x: Any, w: Any) -> np.ndarray | None:
    """What `Prelu.forward` returns"""
    planes = _planes(x, w)
    if planes is None:
        return None
    rows, columns, repeat = planes
    out = _new(x)
    _compiled().rows("prelu", rows, columns, x, None, out, scale=w, repeat_after=repeat)
    return out


def prelu_grad(g: Any, x: Any, w: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """What `Prelu.backward` returns"""
    planes = _planes(x, w)
    g = None if planes is None else _gradient(g, x)
    if planes is None or g is None:
        return None
    rows, columns, repeat = planes
    dx, sums = _new(x), np.empty(rows)
    _compiled().rows("prelu_grad", rows, columns, x, g, dx, scale=w, sums=sums, repeat_after=repeat)
    dw = np.add.reduce(sums.reshape(-1, repeat), 0).astype(_FLOAT32)
    return dx, dw.reshape(w.shape)


def log_sum_exp(x: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """The largest number of each row of a matrix, and log(sum of e**(x - largest)); (rows, 1)"""
    if x.ndim != 2 or not _columns(x, 1):
        return None
    largest, log_sum = np.empty((len(x), 1), _FLOAT32), np.empty((len(x), 1), _FLOAT32)
    _compiled().rows("log_sum_exp", *x.shape, x, None, log_sum, mean=largest)
    return largest, log_sum


def cross_entropy_grad(
    x: Any, largest: Any, log_sum: Any, scale: Any, places: Any, at_place: Any
) -> Any:
    """e**(x - largest - log_sum) * scale, less `at_place` in column `places` of a matrix's rows"""
    if type(scale) is not np.ndarray or x.ndim != 2 or not _columns(x, 1):
        return None
    dx = _new(x)
    _compiled().rows(
        "cross_entropy_grad", *x.shape, x, None, dx, mean=largest, level=log_sum, place=places,
        scale=np.ascontiguousarray(scale, _FLOAT32), slope=np.ascontiguousarray(at_place, _FLOAT32),
    )  # fmt: skip
    return dx


def sum_last(x: Any, dim: Any, keepdim: bool) -> Any:
    """The sum over all dimensions (`dim` None) or over the last ones"""
    if not _suits(x):
        return None
    first = 0 if dim is None else min(dim)
    if dim is not None and len(dim) != x.ndim - first:
        return None
    columns = x.size if first == 0 else math.prod(x.shape[first:])
    if columns < LEAST_POSITIONS or _compiled() is None:
        return None
    shape = x.shape[:first] + ((1,) * (x.ndim - first) if keepdim else ())
    if first:
        return _row_sums(x, columns).astype(_FLOAT32).reshape(shape)
    flat = x.reshape(-1)
    whole = x.size // SUM_ROW * SUM_ROW
    total = np.add.reduce(flat[whole:], dtype=np.float64)
    if whole:
        total += np.add.reduce(_row_sums(flat[:whole], SUM_ROW))
    return np.full(shape, total, _FLOAT32)


def sum_to_channels(x: Any, shape: Shape) -> np.ndarray | None:
    """The sum over images and pixels, x (N, C, H, W) to shape (C, 1, 1); any number of pixels"""
    if not _suits(x) or x.ndim < 3 or shape != (x.shape[1],) + (1,) * (x.ndim - 2):
        return None
    positions = math.prod(x.shape[2:])
    if positions < LEAST_POSITIONS or _compiled() is None:
        return None
    sums = _row_sums(x, positions).reshape(x.shape[:2])
    return np.add.reduce(sums, 0).astype(_FLOAT32).reshape(shape)


def _row_sums(x: np.ndarray, columns: int) -> np.ndarray:
    sums = np.empty(x.size // columns)
    _compiled().rows("row_sums", len(sums), columns, x, sums=sums)
    return sums


# ---- normalisation: the arguments are those of `norm.Normalize` ---------------------------------


def normalize(
    x: Any, w: Any, bias: Any, view: Shape, dims: Shape, affine: Shape, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """What `Normalize.forward` returns"""
    if not _suits_norm(x, view, dims):
        return None
    if dims == (1,):
        return _normalize_rows(x, w, bias, view, eps)
    if _fits_cache(view, dims):
        return _normalize_groups(x, w, bias, view, dims, eps)
    return _normalize_planes(x, w, bias, view, dims, affine, eps)


def normalize_grad(
    g: Any, x: Any, w: Any, mean: Any, var: Any, view: Shape, dims: Shape, affine: Shape,
    eps: float, needs: tuple[bool, ...],
) -> tuple[Any, Any, Any] | None:  # fmt: skip
    """What `Normalize.backward` returns"""
    if not _suits_norm(x, view, dims):
        return None
    of_out, of_mean, of_var = g
    of_out = _gradient(of_out, x)
    if of_out is None:
        return None
    grads = (of_out, of_mean, of_var)
    if dims == (1,):
        return _normalize_rows_grad(*grads, x, w, mean, var, view, eps, needs)
    if _fits_cache(view, dims):
        return _normalize_groups_grad(*grads, x, w, mean, var, view, dims, eps, needs)
    return _normalize_planes_grad(*grads, x, w, mean, var, view, dims, affine, eps, needs)


def _suits_norm(x: Any, view: Shape, dims: Shape) -> bool:
    if not _suits(x, LEAST_IN_ROWS) or _compiled() is None:
        return False
    # Either rows with a weight for each column, or rows (planes) with a single weight.
    least = LEAST_COLUMNS if dims == (1,) or _fits_cache(view, dims) else LEAST_POSITIONS
    return view[-1] >= least or (dims == (0, 2) and view[-1] == 1)


def _fits_cache(view: Shape, dims: Shape) -> bool:
    """Whether groups are small enough for a kernel that reads them several times."""
    return dims != (1,) and math.prod([view[dim] for dim in dims]) <= MOST_IN_GROUP


def _contiguous(parameter: Any) -> np.ndarray | None:
    return None if parameter is None else np.ascontiguousarray(parameter)


def _normalize_rows(
    x: np.ndarray, w: Any, bias: Any, view: Shape, eps: float, centred: bool = True
) -> Any:
    out = _new(x)
    mean = np.empty((view[0], 1), _FLOAT32)
    var = np.empty((view[0], 1), _FLOAT32)
    _compiled().rows(
        "norm", *view, x, None, out, weight=_contiguous(w), bias=_contiguous(bias), mean=mean,
        var=var, eps=eps, centred=centred,
    )  # fmt: skip
    return out, mean, var


def _normalize_rows_grad(
    g: np.ndarray, g_mean: Any, g_var: Any, x: np.ndarray, w: Any, mean: Any, var: Any,
    view: Shape, eps: float, needs: Any, centred: bool = True,
) -> tuple[Any, Any, Any]:  # fmt: skip
    rows, columns = view
    compiled = _compiled()
    each_task = compiled.task_rows(rows, columns, MOST_PARTS)
    parts = (-(-rows // each_task), columns)
    products = np.zeros(parts, _FLOAT32) if needs[1] else None
    sums = np.zeros(parts, _FLOAT32) if needs[2] else None
    dx = _new(x) if needs[0] else None
    compiled.rows(
        "norm_grad", rows, columns, x, g, dx, weight=_contiguous(w), mean=mean, var=var,
        level=_contiguous(g_mean), slope=_contiguous(g_var), column_sums=sums,
        column_products=products, eps=eps, centred=centred, rows_per_task=each_task,
    )  # fmt: skip
    return dx, _added(products), _added(sums)


def _added(parts: np.ndarray | None) -> np.ndarray | None:
    return None if parts is None else np.add.reduce(parts, 0, np.float64).astype(_FLOAT32)


def rms_norm(x: Any, w: Any, view: Shape, eps: float) -> tuple[np.ndarray, np.ndarray] | None:
    """What `RMSNorm.forward` returns"""
    if not _suits_norm(x, view, (1,)):
        return None
    out, _, ms = _normalize_rows(x, w, None, view, eps, centred=False)
    return out, ms


def rms_norm_grad(
    g: Any, x: Any, w: Any, ms: Any, view: Shape, eps: float, needs: tuple[bool, ...]
) -> tuple[Any, Any] | None:
    """What `RMSNorm.backward` returns"""
    if not _suits_norm(x, view, (1,)):
        return None
    out_grad = _gradient(g[0], x)
    if out_grad is None:
        return None
    dx, dw, _ = _normalize_rows_grad(
        out_grad, None, g[1], x, w, None, ms, view, eps, (*needs, False), centred=False
    )
    return dx, dw


def _groups(view: Shape, dims: Shape) -> tuple[tuple[int, int, int], dict[str, int]]:
    """Their number, the planes of each, their positions; and the steps of ``group_kernels.h``"""
    positions = view[-1]
    if dims == (0, 2):  # batch norm
        batch, channels = view[:2]
        steps = {"group_step": positions, "plane_step": channels * positions}
        return (channels, batch, positions), {**steps, "weight_groups": channels}
    planes = view[2] if len(view) == 4 else 1
    steps = {"group_step": planes * positions, "plane_step": positions}
    weights = {"weight_groups": view[1], "weights_each": planes}
    return (view[0] * view[1], planes, positions), {**steps, **weights}


def _statistics(view: Shape, dims: Shape) -> tuple[np.ndarray, np.ndarray]:
    shape = tuple([1 if dim in dims else n for dim, n in enumerate(view)])
    return np.empty(shape, _FLOAT32), np.empty(shape, _FLOAT32)


def _normalize_groups(
    x: np.ndarray, w: Any, bias: Any, view: Shape, dims: Shape, eps: float
) -> Any:
    out = _new(x)
    mean, var = _statistics(view, dims)
    given = {"weight": _contiguous(w), "bias": _contiguous(bias), "mean": mean, "var": var}
    if view[-1] == 1 and dims == (0, 2):
        rows, columns, _ = view
        _compiled().groups("column_norm", columns, rows, columns, x, None, out, **given, eps=eps)
    else:
        sizes, steps = _groups(view, dims)
        _compiled().groups("group_norm", *sizes, x, None, out, **steps, **given, eps=eps)
    return out, mean, var


def _normalize_groups_grad(
    g: np.ndarray, g_mean: Any, g_var: Any, x: np.ndarray, w: Any, mean: Any, var: Any,
    view: Shape, dims: Shape, eps: float, needs: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    dx = _new(x) if needs[0] else None
    given = {"weight": _contiguous(w), "mean": mean, "var": var, "eps": eps}
    given |= {"level": _contiguous(g_mean), "slope": _contiguous(g_var)}
    if view[-1] == 1 and dims == (0, 2):
        rows, columns, _ = view
        dbias, dw = np.empty(columns, _FLOAT32), np.empty(columns, _FLOAT32)
        _compiled().groups(
            "column_norm_grad", columns, rows, columns, x, g, dx, **given, column_sums=dbias,
            column_products=dw,
        )  # fmt: skip
        return dx, dw if needs[1] else None, dbias if needs[2] else None
    sizes, steps = _groups(view, dims)
    shape = (
        sizes[0] // steps["weight_groups"],
        steps["weight_groups"] * steps.get("weights_each", 1),
    )
    sums, products = np.empty(shape), np.empty(shape)
    _compiled().groups(
        "group_norm_grad", *sizes, x, g, dx, **steps, **given, sums=sums, products=products
    )
    of_w, of_bias = [
        np.add.reduce(each, 0).astype(_FLOAT32) if needed else None
        for each, needed in zip((products, sums), needs[1:], strict=True)
    ]
    return dx, of_w, of_bias


def _normalize_planes(
    x: np.ndarray, w: Any, bias: Any, view: Shape, dims: Shape, affine: Shape, eps: float
) -> Any:
    """By planes, rows of positions that have one mean and one weight.

    The sum of squares around the common mean is that around each plane's own, and the distance of
    the means (T. F. Chan et al., "Updating formulae ... for computing sample variances", 1979).
    """
    planes, positions = view[:-1], view[-1]
    count = math.prod(planes)
    means = np.empty(planes, _FLOAT32)
    squares = np.empty(planes)
    compiled = _compiled()
    compiled.rows("moments", count, positions, x, mean=means, sums=squares)
    over = dims[:-1]
    mean: Any = np.mean(means, over, np.float64, keepdims=True)
    squares += positions * np.square(means - mean)
    var: Any = np.mean(squares, over, keepdims=True) / positions
    scale = 1 / np.sqrt(var + eps)
    if w is not None:
        scale = scale * w.reshape(affine[:-1])
    out = _new(x)
    compiled.rows(
        "scale_and_shift", count, positions, x, None, out,
        level=_for_planes(mean, planes), scale=_for_planes(scale, planes),
        slope=_for_planes(0.0 if bias is None else bias.reshape(affine[:-1]), planes),
    )  # fmt: skip
    return out, mean[..., None].astype(_FLOAT32), var[..., None].astype(_FLOAT32)


def _normalize_planes_grad(
    g: np.ndarray, g_mean: Any, g_var: Any, x: np.ndarray, w: Any, mean: Any, var: Any,
    view: Shape, dims: Shape, affine: Shape, eps: float, needs: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    planes, positions = view[:-1], view[-1]
    rows = math.prod(planes)
    sums, products = np.empty(planes), np.empty(planes)
    means = _for_planes(mean[..., 0], planes)
    compiled = _compiled()
    compiled.rows("dots", rows, positions, x, g, mean=means, sums=sums, products=products)
    r = 1 / np.sqrt(var[..., 0].astype(np.float64) + eps)
    dx = dw = dbias = None
    if needs[1]:
        dw = sum_to(products * r, affine[:-1]).reshape(-1).astype(_FLOAT32)
    if needs[2]:
        dbias = sum_to(sums, affine[:-1]).reshape(-1).astype(_FLOAT32)
    if needs[0]:
        count = math.prod([view[dim] for dim in dims])
        scale = r
        if w is not None:
            w = w.reshape(affine[:-1])
            scale, sums, products = w * r, sums * w, products * w
        s, t = sum_to(sums, mean.shape[:-1]), sum_to(products, mean.shape[:-1])
        slope = (2 * g_var[..., 0] - r**3 * t) / count
        level = (g_mean[..., 0] - r * s) / count
        dx = _new(x)
        compiled.rows(
            "combine", rows, positions, x, g, dx, mean=means, scale=_for_planes(scale, planes),
            slope=_for_planes(slope, planes), level=_for_planes(level, planes),
        )  # fmt: skip
    return dx, dw, dbias


def _for_planes(values: Any, planes: Shape) -> np.ndarray:
    return np.ascontiguousarray(np.broadcast_to(values, planes), _FLOAT32)
