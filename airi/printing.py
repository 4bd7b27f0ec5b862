"""Tensors as text, in PyTorch's form, and the options for it.

All elements of a tensor are formatted alike. Floats are written as ``1.`` where all are integral,
in scientific form where they are very large, very small or more than a thousandfold apart, else
with `precision` digits. Above `threshold` elements only the corners are shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi import dtypes

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["set_printoptions"]


class _Options(NamedTuple):
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}
_options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How tensors are printed; what is not given stays as it is.

    `precision` digits after the point (4); corners of `edgeitems` (3) above `threshold` (1000)
    elements; lines of `linewidth` (80); `profile` "default", "short" or "full" first sets all four;
    `sci_mode` True or False forces scientific form or its absence, None decides by the values.
    Raises ValueError for an unknown profile. Source: ``torch.set_printoptions``.
    """
    global _options
    options = _options
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(
                f"set_printoptions: profile must be one of {list(_PROFILES)}, got {profile!r}"
            )
        options = _PROFILES[profile]
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    changes: dict[str, Any] = {name: each for name, each in given.items() if each is not None}
    _options = options._replace(**changes, sci_mode=sci_mode)


def tensor_text(tensor: Tensor) -> str:
    """The repr of a tensor: its values, then what is not as usual (size, dtype, graph)."""
    array, options = tensor._array, _options
    start = "tensor("
    notes = []
    if array.size == 0:
        values = "[]"
        if array.ndim != 1:
            notes.append(f"size={tuple(array.shape)}")
    else:
        values = _values_text(array, len(start), options)
    usual = [dtypes.get_default_dtype(), dtypes.of(dtypes.default_complex())]
    if array.size:
        usual += [dtypes.int64, dtypes.bool]
    if tensor.dtype not in usual:
        notes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return _with_notes(start + values, notes, len(start), options.linewidth)


def _with_notes(text: str, notes: list[str], indent: int, linewidth: int) -> str:
    """The text with the notes behind it, on a new line where they would make it too long."""
    length = len(text) - text.rfind("\n") + 1
    for note in notes:
        if length + len(note) + 2 > linewidth:
            text += ",\n" + " " * indent + note
            length = indent + len(note)
        else:
            text += ", " + note
            length += len(note) + 2
    return text + ")"


def _values_text(array: np.ndarray, indent: int, options: _Options) -> str:
    elided = [False] * array.ndim
    if array.size > options.threshold:
        elided = [n > 2 * options.edgeitems for n in array.shape]
        array = _corners(array, elided, options.edgeitems)
    element, width = _formatter(array, options)
    if array.ndim == 0:
        return element(array.item())
    per_line = max(1, (options.linewidth - indent - array.ndim + 1) // (width + 2))
    return _block(array, elided, indent, element, per_line, options.edgeitems)


def _corners(array: np.ndarray, elided: list[bool], edge: int) -> np.ndarray:
    """The first and last `edge` places of the dimensions that are too long to be shown whole."""
    places = [
        np.r_[:edge, n - edge : n] if too_long else np.arange(n)
        for n, too_long in zip(array.shape, elided, strict=True)
    ]
    return array[np.ix_(*places)]


def _block(
    array: np.ndarray,
    elided: list[bool],
    indent: int,
    element: Callable[[Any], str],
    per_line: int,
    edge: int,
) -> str:
    """The text of an array of one dimension or more, its lines indented by `indent`."""
    inner = "\n" + " " * (indent + 1)
    if array.ndim == 1:
        cells = [element(each) for each in array.tolist()]
        if elided[0]:
            cells.insert(edge, " ...")
        lines = [", ".join(cells[at : at + per_line]) for at in range(0, len(cells), per_line)]
        return "[" + ("," + inner).join(lines) + "]"
    blocks = [_block(each, elided[1:], indent + 1, element, per_line, edge) for each in array]
    if elided[0]:
        blocks.insert(edge, "...")
    blank_lines = "\n" * (array.ndim - 2)
    return "[" + ("," + blank_lines + inner).join(blocks) + "]"


def _formatter(array: np.ndarray, options: _Options) -> tuple[Callable[[Any], str], int]:
    """How every element is written, and in which width."""
    if array.dtype.kind == "c":
        return _complex_formatter(array, options)
    if array.dtype.kind not in dtypes.FLOATING:
        width = max(len(str(each)) for each in (array.min().item(), array.max().item()))
        return (lambda value: str(value).rjust(width)), width
    values = array.astype(np.float64)
    values = values[np.isfinite(values) & (values != 0)]
    write = _float_writer(values, options)
    extremes = [values.min(), values.max()] if values.size else []
    width = max([1, *(len(write(each)) for each in extremes)])
    return (lambda value: write(value).rjust(width)), width


def _complex_formatter(array: np.ndarray, options: _Options) -> tuple[Callable[[Any], str], int]:
    real, real_width = _formatter(array.real, options)
    imaginary, imaginary_width = _formatter(array.imag, options)

    def write(value: complex) -> str:
        second = imaginary(value.imag).lstrip()
        return real(value.real) + (second if second.startswith("-") else f"+{second}") + "j"

    return write, real_width + imaginary_width + 2


def _float_writer(values: np.ndarray, options: _Options) -> Callable[[float], str]:
    """How floats are written, judged by those that are finite and not 0."""
    integral = bool((values == np.ceil(values)).all())
    scientific = False
    if values.size and options.sci_mode is not None:
        scientific = options.sci_mode
    elif values.size:
        small, large = np.abs(values).min(), np.abs(values).max()
        scientific = large / small > 1000 or large > 1e8 or (not integral and small < 1e-4)
    if scientific:
        return lambda value: f"{value:.{options.precision}e}"
    if integral:
        return lambda value: f"{value:.0f}" + ("." if math.isfinite(value) else "")
    return lambda value: f"{value:.{options.precision}f}"
