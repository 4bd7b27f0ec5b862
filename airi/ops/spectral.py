"""Spectra over time, `stft` and its inverse, and the windows that cut the pieces out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.ops.complex import view_as_real
from airi.ops.creation import float_dtype, made
from airi.ops.elementwise import div, mul
from airi.ops.fft import FromHalf, RealTransform, Transform
from airi.ops.padding import PadConstant, pad
from airi.ops.views import FoldWindows, Unfold, array_of, narrow, reshape, shape_of, transpose

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "bartlett_window",
    "blackman_window",
    "hamming_window",
    "hann_window",
    "istft",
    "kaiser_window",
    "stft",
]


# -- windows --------------------------------------------------------------------------------------


def _window(
    function: str,
    length: int,
    periodic: bool,
    shape_at: Any,
    dtype: Any,
    device: Any,
    requires_grad: bool,
    hints: dict[str, Any],
) -> Tensor:
    """``shape_at(t)`` for t from 0 to 1 in `length` steps; periodic: 1 is the next one's 0."""
    if length < 0:
        raise RuntimeError(f"{function}: window_length must not be negative, got {length}")
    wanted = float_dtype(dtype)
    if wanted.kind not in dtypes.FLOATING:
        raise RuntimeError(f"{function}: expected a floating-point dtype, got {wanted}")
    if length <= 1:
        values = np.ones(length)
    else:
        values = shape_at(np.arange(length) / (length if periodic else length - 1))
    return made(function, values.astype(wanted), device, requires_grad, hints)


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """out[k] = (1 - cos(2 pi k / n)) / 2, n being window_length, less 1 if not `periodic`.

    Source: ``torch.hann_window``.
    """

    def shape_at(t: np.ndarray) -> np.ndarray:
        return 0.5 - 0.5 * np.cos(2 * np.pi * t)

    options = (dtype, device, requires_grad, hints)
    return _window("hann_window", window_length, periodic, shape_at, *options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """out[k] = alpha - beta * cos(2 pi k / n), see `hann_window`.

    Source: ``torch.hamming_window``.
    """

    def shape_at(t: np.ndarray) -> np.ndarray:
        return alpha - beta * np.cos(2 * np.pi * t)

    options = (dtype, device, requires_grad, hints)
    return _window("hamming_window", window_length, periodic, shape_at, *options)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """out[k] = 0.42 - 0.5 * cos(2 pi k / n) + 0.08 * cos(4 pi k / n), see `hann_window`.

    Source: ``torch.blackman_window``.
    """

    def shape_at(t: np.ndarray) -> np.ndarray:
        return 0.42 - 0.5 * np.cos(2 * np.pi * t) + 0.08 * np.cos(4 * np.pi * t)

    options = (dtype, device, requires_grad, hints)
    return _window("blackman_window", window_length, periodic, shape_at, *options)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """out[k] = 1 - |2 k / n - 1|: a triangle, see `hann_window`.

    Source: ``torch.bartlett_window``.
    """

    def shape_at(t: np.ndarray) -> np.ndarray:
        return 1 - np.abs(2 * t - 1)

    options = (dtype, device, requires_grad, hints)
    return _window("bartlett_window", window_length, periodic, shape_at, *options)


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """out[k] = I0(beta * sqrt(1 - (2 k / n - 1)**2)) / I0(beta), I0 being Bessel's function.

    See `hann_window`. Source: ``torch.kaiser_window``.
    """

    def shape_at(t: np.ndarray) -> np.ndarray:
        return np.i0(beta * np.sqrt(np.maximum(1 - (2 * t - 1) ** 2, 0))) / np.i0(beta)

    options = (dtype, device, requires_grad, hints)
    return _window("kaiser_window", window_length, periodic, shape_at, *options)


# -- spectra over time ----------------------------------------------------------------------------


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Tensor:
    """out[f, t] = the transform at frequency f of the n_fft samples from t * hop_length on.

    input (length,) or (batch, length) gives (..., n_fft // 2 + 1 or n_fft, frames). The samples are
    multiplied by `window` (ones if None), of win_length (n_fft) and with zeros on both sides up to
    n_fft. `center` first puts n_fft // 2 samples before and after, by `pad_mode`; `normalized`
    divides by sqrt(n_fft); `onesided`, by default for real input, leaves out the conjugate half;
    `hop_length` is n_fft // 4 by default. ``return_complex=False`` gives a last dimension of the
    two parts. Raises RuntimeError where lengths do not fit and where real input comes without
    return_complex. Source: ``torch.stft``.
    """
    is_complex = any(each is not None and each.is_complex() for each in (input, window))
    if return_complex is None:
        if not is_complex:
            raise RuntimeError("stft: return_complex must be given for real input")
        return_complex = True
    onesided = not is_complex if onesided is None else onesided
    if onesided and is_complex:
        raise RuntimeError("stft: onesided is for real input and window")
    hop_length, win_length = _lengths("stft", n_fft, hop_length, win_length)
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected 1 or 2 dimensions, got shape {shape_of(input)}")
    signal = reshape(input, (1, *input.shape[-2:])) if input.ndim == 1 else input
    if center:
        sides = (n_fft // 2, n_fft // 2)
        batch = reshape(signal, (*signal.shape[:1], 1, signal.shape[1]))
        padded = pad(batch, sides, mode=pad_mode)
        signal = reshape(padded, (signal.shape[0], padded.shape[-1]))
    if not 0 < n_fft <= signal.shape[-1]:
        raise RuntimeError(f"stft: n_fft must be 1 to {signal.shape[-1]}, got {n_fft}")
    frames = Unfold.apply(signal, dim=1, size=n_fft, step=hop_length)
    if window is not None:
        frames = mul(frames, _widened("stft", window, win_length, n_fft))
    elif win_length < n_fft:
        frames = mul(frames, _widened("stft", wrap(_ones(input, win_length)), win_length, n_fft))
    scale = n_fft**-0.5 if normalized else 1.0
    if onesided:
        spectra = RealTransform.apply(frames, dims=(2,), scale=scale)
    else:
        frames = frames.to(dtypes.complex_of(array_of(frames).dtype))
        spectra = Transform.apply(frames, dims=(2,), inverse=False, scale=scale)
    out = transpose(spectra, 1, 2)
    out = reshape(out, out.shape[1:]) if input.ndim == 1 else out
    return out if return_complex else view_as_real(out)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal that `stft` gave these spectra of: each transformed back and added in its place.

    input (..., frequencies, frames) is complex. What several frames add to is divided by the sum
    of their squared windows: the signal that fits best in the sense of least squares. `length`
    cuts it off or continues it with zeros. Raises RuntimeError where that sum is 0 somewhere, or
    sizes do not fit. Source: Griffin and Lim, 1984; ``torch.istft``.
    """
    hop_length, win_length = _lengths("istft", n_fft, hop_length, win_length)
    if input.ndim not in (2, 3) or not input.is_complex():
        raise RuntimeError(
            "istft: expected a complex tensor of 2 or 3 dimensions, got "
            f"{input.dtype} of shape {shape_of(input)}"
        )
    if onesided is None:
        onesided = input.shape[-2] != n_fft
    expected = n_fft // 2 + 1 if onesided else n_fft
    if input.shape[-2] != expected or input.shape[-1] == 0:
        raise RuntimeError(
            f"istft: expected shape (..., {expected}, frames) for n_fft={n_fft} and "
            f"onesided={onesided}, got {shape_of(input)}"
        )
    if onesided and return_complex:
        raise RuntimeError("istft: a onesided input gives a real signal, not a complex one")
    spectra = reshape(input, (1, *input.shape)) if input.ndim == 2 else input
    spectra = transpose(spectra, 1, 2)
    scale = n_fft**-0.5 if normalized else 1.0 / n_fft
    if return_complex:
        frames = Transform.apply(spectra, dims=(2,), inverse=True, scale=scale)
    else:
        half = narrow(spectra, 2, 0, n_fft // 2 + 1)
        frames = FromHalf.apply(half, dims=(2,), n=n_fft, scale=scale)
    ones = wrap(_ones(input, win_length))
    weights = _widened("istft", ones if window is None else window, win_length, n_fft)
    out = _overlapped(mul(frames, weights), hop_length)
    count = frames.shape[1]
    squares = mul(weights, weights).expand(1, count, n_fft)
    envelope = _overlapped(squares, hop_length)
    start = n_fft // 2 if center else 0
    have = out.shape[-1]
    end = have - start if length is None and center else have
    end = end if length is None else min(start + length, have)
    out, envelope = (narrow(each, 1, start, max(end - start, 0)) for each in (out, envelope))
    if envelope._array.size and np.abs(envelope._array).min() < 1e-11:
        raise RuntimeError(
            "istft: the windows of neighbouring frames leave samples without weight (or all do: "
            "the window is 0 there); take a smaller hop_length or another window"
        )
    out = div(out, envelope)
    if length is not None and out.shape[-1] < length:
        missing = (0, length - out.shape[-1])
        out = PadConstant.apply(out, pads=((0, 0), missing), value=0)
    return reshape(out, out.shape[1:]) if input.ndim == 2 else out


def _lengths(
    function: str, n_fft: int, hop_length: int | None, win_length: int | None
) -> tuple[int, int]:
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    if n_fft <= 0 or hop_length <= 0:
        raise RuntimeError(
            f"{function}: n_fft and hop_length must be positive, got {n_fft} and {hop_length}"
        )
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{function}: win_length must be 1 to n_fft={n_fft}, got {win_length}")
    return hop_length, win_length


def _ones(like: Any, count: int) -> np.ndarray:
    return np.ones(count, array_of(like).real.dtype)


def _widened(function: str, window: Any, win_length: int, n_fft: int) -> Any:
    """The window with zeros on both sides, n_fft long."""
    if shape_of(window) != (win_length,):
        raise RuntimeError(
            f"{function}: window must have shape ({win_length},), got {shape_of(window)}"
        )
    before = (n_fft - win_length) // 2
    pads = ((before, n_fft - win_length - before),)
    return window if pads == ((0, 0),) else PadConstant.apply(window, pads=pads, value=0)


def _overlapped(frames: Any, hop_length: int) -> Any:
    """(batch, frames, n) added up at distances of hop_length."""
    batch, count, size = frames.shape
    shape = (batch, size + hop_length * (count - 1))
    return FoldWindows.apply(frames, dim=1, size=size, step=hop_length, shape=shape)
