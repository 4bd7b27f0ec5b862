"""Discrete Fourier transforms: out[k] = scale * sum over j of x[j] * exp(-2 pi i j k / n).

The inverse has +i. All are linear, so three rules do: complex to complex, real to the half of the
result that determines the rest (x real makes out[n-k] = conj(out[k])), and that half to real.
`norm` says where the factor 1/n is: "backward" (with the inverse), "forward", or "ortho", 1/sqrt(n)
in both. Source: Cooley and Tukey, 1965, as computed by ``numpy.fft``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.ops.complex import conj, real
from airi.ops.conversion import cast
from airi.ops.creation import float_dtype, made
from airi.ops.joining import roll
from airi.ops.names import normal_dim, takes_out
from airi.ops.padding import PadConstant
from airi.ops.views import array_of, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Sizes = Sequence[int] | None

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


# -- the rules ------------------------------------------------------------------------------------


def _is_empty(x: np.ndarray, dims: tuple[int, ...]) -> bool:
    return x.size == 0 or not dims


class Transform(Rule):
    """out = scale * the transform of complex x over dims;  dx = the opposite one of g"""

    complex = True

    @staticmethod
    def forward(x, *, dims, inverse, scale):
        if _is_empty(x, dims):
            return x.copy()
        if inverse:
            out = np.fft.ifftn(x, axes=dims, norm="forward")
        else:
            out = np.fft.fftn(x, axes=dims)
        return np.multiply(out, scale, out=out)

    @staticmethod
    def backward(g, dims, inverse, scale):
        return Transform.apply(g, dims=dims, inverse=not inverse, scale=scale)


class RealTransform(Rule):
    """out = the first n//2 + 1 along the last of dims of the transform of real x

    dx = the real part of the inverse transform of g with zeros in place of what was left out
    """

    complex = True

    @staticmethod
    def forward(x, *, dims, scale):
        if _is_empty(x, dims):
            shape = _with_size(x.shape, dims[-1], x.shape[dims[-1]] // 2 + 1)
            return np.zeros(shape, dtypes.complex_of(x.dtype))
        out = np.fft.rfftn(x, axes=dims)
        return np.multiply(out, scale, out=out)

    @staticmethod
    def backward(g, dims, scale, x_shape):
        whole = _resized(g, dims[-1:], x_shape[dims[-1] : dims[-1] + 1])
        return real(Transform.apply(whole, dims=dims, inverse=True, scale=scale))


class FromHalf(Rule):
    """out = the real inverse transform, of size n along the last of dims, of the half x

    dx = the half of g's transform, doubled where an element of x stands for two
    """

    complex = True

    @staticmethod
    def forward(x, *, dims, n, scale):
        shape = _with_size(x.shape, dims[-1], n)
        if _is_empty(x, dims):
            return np.zeros(shape, x.real.dtype)
        out = np.fft.irfftn(x, [shape[i] for i in dims], dims, norm="forward")
        return np.multiply(out, scale, out=out)

    @staticmethod
    def backward(g, dims, n, scale):
        half = RealTransform.apply(g, dims=dims, scale=scale)
        return half * _multiplicity(n, dims[-1] - len(half.shape), array_of(g).dtype)


def _multiplicity(n: int, dim: int, dtype: np.dtype) -> np.ndarray:
    """2 along dim, counted from the end, but 1 for what stands for itself: 0, and n/2 if whole."""
    times = np.full(n // 2 + 1, 2, dtype)
    times[0] = 1
    if n % 2 == 0:
        times[-1] = 1
    return times.reshape((-1,) + (1,) * (-dim - 1))


def _with_size(shape: tuple[int, ...], dim: int, size: int) -> tuple[int, ...]:
    return (*shape[:dim], size, *shape[dim + 1 :])


def _resized(x: Any, dims: Sequence[int], sizes: Sequence[int]) -> Any:
    """x cut off or continued with zeros to those sizes."""
    pads = [(0, 0)] * x.ndim
    for dim, size in zip(dims, sizes, strict=True):
        pads[dim] = (0, size - x.shape[dim])
    if all(pad == (0, 0) for pad in pads):
        return x
    return PadConstant.apply(x, pads=tuple(pads), value=0)


# -- arguments ------------------------------------------------------------------------------------

_POWER_OF_SIZE = {  # (norm, whether it is an inverse): the factor is this power of the size
    (None, False): 0.0,
    (None, True): -1.0,
    ("backward", False): 0.0,
    ("backward", True): -1.0,
    ("forward", False): -1.0,
    ("forward", True): 0.0,
    ("ortho", False): -0.5,
    ("ortho", True): -0.5,
}


def _scale(function: str, norm: str | None, inverse: bool, sizes: Sequence[int]) -> float:
    if (norm, inverse) not in _POWER_OF_SIZE:
        raise RuntimeError(
            f"{function}: norm must be 'forward', 'backward' or 'ortho', got {norm!r}"
        )
    return math.prod(sizes) ** _POWER_OF_SIZE[norm, inverse] if sizes else 1.0


def _dims_and_sizes(
    function: str, input: Any, s: Any, dim: Any, last: int | None = None
) -> tuple[tuple[int, ...], list[int]]:
    """The dimensions to transform and the sizes to bring them to.

    `last` is the default size of the last one, where the input is the half of a result.
    """
    shape = shape_of(input)
    given = None if s is None else list(s) if isinstance(s, Sequence) else [s]
    if given is not None and not all(isinstance(n, (int, np.integer)) for n in given):
        raise TypeError(f"{function}: sizes must be ints, got {s!r}")
    dim = (dim,) if isinstance(dim, int) else dim
    if dim is None:
        count = len(shape) if given is None else len(given)
        if count > len(shape):
            raise RuntimeError(
                f"{function}: got {count} sizes for a tensor of {len(shape)} dimensions"
            )
        dims = tuple(range(len(shape) - count, len(shape)))
    else:
        if not shape:
            raise IndexError(f"{function}: dim {dim} given for a tensor without dimensions")
        dims = tuple([normal_dim(function, each, len(shape)) for each in dim])
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"{function}: dim must not name a dimension twice, got {dim}")
    if given is not None and len(given) != len(dims):
        raise RuntimeError(f"{function}: got {len(given)} sizes for {len(dims)} dimensions")
    sizes = [-1] * len(dims) if given is None else given
    sizes = [shape[i] if n == -1 else n for i, n in zip(dims, sizes, strict=True)]
    if last is not None and (given is None or given[-1] == -1):
        sizes[-1] = 2 * (shape[dims[-1]] - 1) if dims else 0
    if any(n < 1 for n in sizes):
        raise RuntimeError(f"{function}: sizes must be 1 or more, got {sizes}")
    return dims, sizes


def _number(function: str, input: Any, wants_real: bool = False) -> Any:
    """The input in float32, float64 or their complex dtypes."""
    if not isinstance(array_of(input), np.ndarray):
        raise TypeError(f"{function}: input must be a Tensor, got {type(input).__name__}")
    dtype = array_of(input).dtype
    if dtype.kind in "biu":
        return cast(input, dtypes.default_numpy())
    if dtype.itemsize == 2:
        raise RuntimeError(f"{function}: not for {input.dtype}; convert it with float()")
    if wants_real and dtype.kind == "c":
        raise RuntimeError(f"{function}: expects a real input, got {input.dtype}")
    return input


def _as_complex(function: str, input: Any) -> Any:
    input = _number(function, input)
    return cast(input, dtypes.complex_of(array_of(input).dtype))


# -- the three kinds, over several dimensions -----------------------------------------------------


def _transform(name: str, input: Any, s: Any, dim: Any, norm: Any, inverse: bool) -> Any:
    input = _as_complex(name, input)
    dims, sizes = _dims_and_sizes(name, input, s, dim)
    scale = _scale(name, norm, inverse, sizes)
    return Transform.apply(_resized(input, dims, sizes), dims=dims, inverse=inverse, scale=scale)


def _real_transform(name: str, input: Any, s: Any, dim: Any, norm: Any, inverse: bool) -> Any:
    input = _number(name, input, wants_real=True)
    dims, sizes = _dims_and_sizes(name, input, s, dim)
    if not dims:
        raise RuntimeError(f"{name}: must transform at least one dimension")
    scale = _scale(name, norm, inverse, sizes)
    return RealTransform.apply(_resized(input, dims, sizes), dims=dims, scale=scale)


def _from_half(name: str, input: Any, s: Any, dim: Any, norm: Any, inverse: bool) -> Any:
    input = _as_complex(name, input)
    dims, sizes = _dims_and_sizes(name, input, s, dim, last=-1)
    if not dims:
        raise RuntimeError(f"{name}: must transform at least one dimension")
    scale = _scale(name, norm, inverse, sizes)
    half = _resized(input, dims, [*sizes[:-1], sizes[-1] // 2 + 1])
    return FromHalf.apply(half, dims=dims, n=sizes[-1], scale=scale)


def _one(n: int | None) -> list[int] | None:
    return None if n is None else [n]


@takes_out
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """out[k] = sum over j of input[j] * exp(-2 pi i j k / n) along `dim`, complex.

    `n` first cuts off the input or continues it with zeros; `norm` is "backward" (no factor),
    "forward" (1 / n) or "ortho" (1 / sqrt(n)). Real input is cast to complex. Raises RuntimeError
    for n < 1 and 16-bit floats. Example: ``airi.fft.fft(airi.ones(4))`` is ``[4, 0, 0, 0]``.
    Source: ``torch.fft.fft``.
    """
    return _transform("fft", input, _one(n), [dim], norm, inverse=False)


@takes_out
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`: with +i, and the factor 1 / n for norm "backward".

    Source: ``torch.fft.ifft``.
    """
    return _transform("ifft", input, _one(n), [dim], norm, inverse=True)


@takes_out
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first n // 2 + 1 elements of `fft` of a real input: they determine the others.

    Arguments as of `fft`. Raises RuntimeError for complex input. Source: ``torch.fft.rfft``.
    """
    return _real_transform("rfft", input, _one(n), [dim], norm, inverse=False)


@takes_out
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `rfft`: `n` real elements, by default 2 * (size - 1).

    Give `n` where it is odd. The imaginary part of element 0, which should be 0, is ignored.
    Example: ``airi.fft.irfft(airi.fft.rfft(x), n=len(x))`` is x. Source: ``torch.fft.irfft``.
    """
    return _from_half("irfft", input, _one(n), [dim], norm, inverse=True)


@takes_out
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """`fft` of a signal given by its half, the rest being the conjugate: `n` real elements.

    Source: ``torch.fft.hfft``.
    """
    return _from_half("hfft", conj(input), _one(n), [dim], norm, inverse=False)


@takes_out
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`: the half of `ifft` of a real input. Source: ``torch.fft.ihfft``."""
    return conj(_real_transform("ihfft", input, _one(n), [dim], norm, inverse=True))


@takes_out
def fft2(
    input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None
) -> Tensor:
    """`fftn` over the last two dimensions. Source: ``torch.fft.fft2``."""
    return _transform("fft2", input, s, dim, norm, inverse=False)


@takes_out
def ifft2(
    input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None
) -> Tensor:
    """`ifftn` over the last two dimensions. Source: ``torch.fft.ifft2``."""
    return _transform("ifft2", input, s, dim, norm, inverse=True)


@takes_out
def rfft2(
    input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None
) -> Tensor:
    """`rfftn` over the last two dimensions. Source: ``torch.fft.rfft2``."""
    return _real_transform("rfft2", input, s, dim, norm, inverse=False)


@takes_out
def irfft2(
    input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None
) -> Tensor:
    """`irfftn` over the last two dimensions. Source: ``torch.fft.irfft2``."""
    return _from_half("irfft2", input, s, dim, norm, inverse=True)


@takes_out
def hfft2(
    input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None
) -> Tensor:
    """`hfftn` over the last two dimensions. Source: ``torch.fft.hfft2``."""
    return _from_half("hfft2", conj(input), s, dim, norm, inverse=False)


@takes_out
def ihfft2(
    input: Tensor, s: Sizes = None, dim: Sequence[int] = (-2, -1), norm: str | None = None
) -> Tensor:
    """`ihfftn` over the last two dimensions. Source: ``torch.fft.ihfft2``."""
    return conj(_real_transform("ihfft2", input, s, dim, norm, inverse=True))


@takes_out
def fftn(
    input: Tensor, s: Sizes = None, dim: Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """`fft` over every dimension of `dim`, by default all, or the last len(s) where `s` is given.

    `s` are the sizes to cut off or continue with zeros to, -1 for as it is. The factor of `norm`
    is by the number of elements transformed. Raises RuntimeError where dim and s do not fit.
    Source: ``torch.fft.fftn``.
    """
    return _transform("fftn", input, s, dim, norm, inverse=False)


@takes_out
def ifftn(
    input: Tensor, s: Sizes = None, dim: Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """The inverse of `fftn`. Source: ``torch.fft.ifftn``."""
    return _transform("ifftn", input, s, dim, norm, inverse=True)


@takes_out
def rfftn(
    input: Tensor, s: Sizes = None, dim: Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """`fftn` of a real input, the last of `dim` having n // 2 + 1 elements.

    Source: ``torch.fft.rfftn``.
    """
    return _real_transform("rfftn", input, s, dim, norm, inverse=False)


@takes_out
def irfftn(
    input: Tensor, s: Sizes = None, dim: Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """The inverse of `rfftn`: real, by default with 2 * (size - 1) elements in the last of `dim`.

    Source: ``torch.fft.irfftn``.
    """
    return _from_half("irfftn", input, s, dim, norm, inverse=True)


@takes_out
def hfftn(
    input: Tensor, s: Sizes = None, dim: Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """`fftn` of a signal given by its half along the last of `dim`: real.

    Source: ``torch.fft.hfftn``.
    """
    return _from_half("hfftn", conj(input), s, dim, norm, inverse=False)


@takes_out
def ihfftn(
    input: Tensor, s: Sizes = None, dim: Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """The inverse of `hfftn`, of a real input. Source: ``torch.fft.ihfftn``."""
    return conj(_real_transform("ihfftn", input, s, dim, norm, inverse=True))


# -- frequencies ----------------------------------------------------------------------------------


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """The frequency of each of the n elements of `fft`, for samples at distance `d`.

    [0, 1, ..., (n - 1) // 2, -(n // 2), ..., -1] / (d * n). Source: ``torch.fft.fftfreq``.
    """
    numbers = np.arange(n)
    numbers[(n + 1) // 2 :] -= n
    return _frequencies("fftfreq", numbers, n, d, dtype, device, requires_grad, hints)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """The frequency of each of the n // 2 + 1 elements of `rfft`: [0, ..., n // 2] / (d * n).

    Source: ``torch.fft.rfftfreq``.
    """
    numbers = np.arange(n // 2 + 1)
    return _frequencies("rfftfreq", numbers, n, d, dtype, device, requires_grad, hints)


def _frequencies(
    name: str, numbers: Any, n: int, d: float, dtype: Any, device: Any, grad: bool, hints: Any
) -> Tensor:
    array = (numbers / (n * d) if n else numbers).astype(float_dtype(dtype))
    return made(name, array, device, grad, hints)


def fftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """The elements of a transform put in the order of their frequencies, 0 in the middle.

    Along `dim`, by default all. Source: ``torch.fft.fftshift``.
    """
    dims = _shifted_dims("fftshift", input, dim)
    return roll(input, [input.shape[i] // 2 for i in dims], dims)


def ifftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """The inverse of `fftshift`. Source: ``torch.fft.ifftshift``."""
    dims = _shifted_dims("ifftshift", input, dim)
    return roll(input, [(input.shape[i] + 1) // 2 for i in dims], dims)


def _shifted_dims(function: str, input: Any, dim: Any) -> list[int]:
    if dim is None:
        return list(range(input.ndim))
    given = [dim] if isinstance(dim, int) else list(dim)
    return [normal_dim(function, each, input.ndim) for each in given]
