"""Random tensors, and tensors filled with random numbers in place.

`generator` is an ``airi.Generator``; without one the default generator is used, which
``airi.manual_seed`` seeds. float32 is drawn as float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.ops import draws
from airi.ops.creation import float_dtype, made, shape_from
from airi.ops.elementwise import Zeros
from airi.ops.inplace import Copy, write
from airi.ops.names import takes_out
from airi.random import Generator, generator_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Number = int | float

__all__ = [
    "bernoulli",
    "binomial",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]


_MANTISSA_BITS = {
    dtypes.float16: 11,
    dtypes.bfloat16: 8,
    dtypes.float32: 24,
    dtypes.float64: 53,
}

# -- draws of arrays ------------------------------------------------------------------------------


def _need_float(function: str, dtype: np.dtype) -> None:
    if dtype.kind not in dtypes.FLOATING:
        raise RuntimeError(f"{function}: expected a floating-point dtype, got {dtype}")


def _need_float_or_complex(function: str, dtype: np.dtype) -> None:
    if dtype.kind not in dtypes.DIFFERENTIABLE:
        raise RuntimeError(f"{function}: expected a floating-point or complex dtype, got {dtype}")


def _integers(
    function: str, generator: Generator, low: int, high: int, shape: Any, dtype: np.dtype
) -> np.ndarray:
    if low >= high:
        raise RuntimeError(f"{function}: low must be less than high, got {low} and {high}")
    return draws.integers(generator, low, high, shape).astype(dtype, copy=False)


# -- new tensors ----------------------------------------------------------------------------------


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Numbers uniform in [0, 1), of complex dtypes in both parts. Source: ``torch.rand``."""
    shape, wanted = shape_from("rand", size, hints), float_dtype(dtype)
    _need_float_or_complex("rand", wanted)
    array = draws.uniform(generator_of(generator), shape, wanted)
    return made("rand", np.asarray(array), device, requires_grad, hints)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Normal numbers of mean 0 and variance 1, half of it in each part of complex ones.

    Source: ``torch.randn``.
    """
    shape, wanted = shape_from("randn", size, hints), float_dtype(dtype)
    _need_float_or_complex("randn", wanted)
    array = draws.normal(generator_of(generator), shape, wanted)
    return made("randn", np.asarray(array), device, requires_grad, hints)


def randint(
    *bounds: Any,
    low: int = 0,
    high: int | None = None,
    size: Sequence[int] | None = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Integers from low to high - 1: ``randint(high, size)`` or ``randint(low, high, size)``.

    int64 unless told. Raises RuntimeError where low is not less than high.
    Example: ``airi.randint(0, 10, (3,))``. Source: ``torch.randint``.
    """
    given = list(bounds)
    if size is None and given:
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if given:
        low = given.pop()
    if given or high is None or size is None:
        raise TypeError("randint: expected randint(high, size) or randint(low, high, size)")
    wanted = dtypes.to_numpy(int if dtype is None else dtype)
    shape = shape_from("randint", (size,), {})
    array = _integers("randint", generator_of(generator), int(low), int(high), shape, wanted)
    return made("randint", np.asarray(array), device, requires_grad, hints)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """The integers 0 to n - 1 in random order, int64 unless told.

    Raises RuntimeError for a negative n. Source: ``torch.randperm``.
    """
    (count,) = shape_from("randperm", (n,), {})
    order = draws.permutation(generator_of(generator), count)
    wanted = dtypes.to_numpy(int if dtype is None else dtype)
    return made("randperm", order.astype(wanted, copy=False), device, requires_grad, hints)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`rand` in input's shape and dtype. Source: ``torch.rand_like``."""
    return rand(
        tuple(input.shape),
        generator=generator,
        dtype=input.dtype if dtype is None else dtype,
        device=device,
        requires_grad=requires_grad,
        **hints,
    )


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`randn` in input's shape and dtype. Source: ``torch.randn_like``."""
    return randn(
        tuple(input.shape),
        generator=generator,
        dtype=input.dtype if dtype is None else dtype,
        device=device,
        requires_grad=requires_grad,
        **hints,
    )


def randint_like(
    input: Tensor,
    *bounds: Any,
    low: int = 0,
    high: int | None = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`randint` in input's shape and dtype: ``randint_like(input, high)`` or with low before it.

    Source: ``torch.randint_like``.
    """
    return randint(
        *bounds,
        low=low,
        high=high,
        size=tuple(input.shape),
        generator=generator,
        dtype=input.dtype if dtype is None else dtype,
        device=device,
        requires_grad=requires_grad,
        **hints,
    )


class Drawn(Rule):
    """out = numbers drawn with these parameters;  dmean = dstd = 0, for a draw has no derivative"""

    broadcasts = True

    @staticmethod
    def forward(mean, std, *, drawn):
        return drawn

    @staticmethod
    def backward(g):
        zeros = Zeros.apply(g)
        return zeros, zeros


def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Normal numbers: one for each pair of `mean` and `std`, broadcast, or `size` of one pair.

    The gradients of mean and std are 0. Raises RuntimeError for a negative std and TypeError where
    neither is a Tensor and `size` is missing. Source: ``torch.normal``.
    """
    means, stds = (each._array if hasattr(each, "_array") else each for each in (mean, std))
    arrays = [each for each in (means, stds) if isinstance(each, np.ndarray)]
    if not arrays and size is None:
        raise TypeError("normal: size is missing, or a Tensor as mean or std")
    if np.any(np.less(stds, 0)):
        raise RuntimeError("normal: std must not be negative")
    if arrays and dtype is None:
        dtype = np.result_type(*arrays)
    wanted = float_dtype(dtype)
    _need_float("normal", wanted)
    if size is None:
        shape = np.broadcast_shapes(*(each.shape for each in arrays))
    else:
        shape = shape_from("normal", (size,), {})
    array = draws.normal(generator_of(generator), shape, wanted, means, stds)
    if any(getattr(each, "requires_grad", False) for each in (mean, std)) and not hints:
        return Drawn.apply(mean, std, drawn=array)
    return made("normal", array, device, requires_grad, hints)


@takes_out
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None
) -> Tensor:
    """1 with the probability that `input` holds (or `p` everywhere), else 0; in input's dtype.

    Its gradient is 0. Raises RuntimeError for probabilities outside 0 to 1.
    Example: ``airi.bernoulli(x.sigmoid())``.
    Source: ``torch.bernoulli``.
    """
    array = input._array
    if p is None:
        _need_float("bernoulli", array.dtype)
    drawn = _bernoulli("bernoulli", generator_of(generator), array.shape, array if p is None else p)
    return Drawn.apply(input, 0, drawn=drawn.astype(array.dtype))


def _bernoulli(function: str, generator: Generator, shape: tuple[int, ...], p: Any) -> np.ndarray:
    if not np.all(np.greater_equal(p, 0) & np.less_equal(p, 1)):
        raise RuntimeError(f"{function}: probabilities must lie between 0 and 1")
    return draws.bernoulli(generator, shape, p)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson-distributed numbers, each of the rate that `input` holds, in its dtype.

    Raises RuntimeError for negative rates. Source: ``torch.poisson``.
    """
    _need_float("poisson", input._array.dtype)
    try:
        drawn = generator_of(generator).numpy.poisson(input._array)
    except ValueError as error:
        raise RuntimeError(f"poisson: invalid rates: {error}") from error
    return made("poisson", np.asarray(drawn, input._array.dtype), None, False, {})


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed, each with probability `prob`; in count's dtype.

    Both are floating-point and broadcast. Raises RuntimeError for counts below 0 and probabilities
    outside 0 to 1. Example: ``airi.binomial(airi.full((3,), 10.0), airi.tensor(0.5))``.
    Source: ``torch.binomial``.
    """
    counts, probs = count._array, prob._array
    _need_float("binomial", counts.dtype)
    try:
        drawn = generator_of(generator).numpy.binomial(counts.astype(np.int64), probs)
    except ValueError as error:
        raise RuntimeError(f"binomial: invalid count or prob: {error}") from error
    return made("binomial", np.asarray(drawn, counts.dtype), None, False, {})


@takes_out
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """`num_samples` indices drawn with probability proportional to the weights in each row.

    `input` of shape (n,) or (m, n) gives int64 of shape (num_samples,) or (m, num_samples). Without
    `replacement` no index comes twice. Raises RuntimeError for weights that are negative, not
    finite or all 0, and for more samples than weights above 0. Source: ``torch.multinomial``.
    """
    weights = input._array
    _need_float("multinomial", weights.dtype)
    if weights.ndim not in (1, 2):
        raise RuntimeError(
            f"multinomial: input must have 1 or 2 dimensions, got shape {weights.shape}"
        )
    if num_samples <= 0:
        raise RuntimeError(f"multinomial: num_samples must be positive, got {num_samples}")
    rows = np.atleast_2d(weights)
    if not np.isfinite(rows).all() or (rows < 0).any():
        raise RuntimeError("multinomial: weights must be finite and not negative")
    available = np.count_nonzero(rows, axis=1).min(initial=rows.shape[1])
    if available == 0 or (not replacement and available < num_samples):
        how = "with" if replacement else "without"
        raise RuntimeError(
            f"multinomial: cannot draw {num_samples} samples {how} replacement from a row with "
            f"{available} weights above 0"
        )
    # A single sample is the same either way, and PyTorch draws it as the second does.
    several = replacement and num_samples > 1
    draw = _with_replacement if several else _without_replacement
    chosen = draw(generator_of(generator), rows, int(num_samples))
    return made("multinomial", chosen.reshape(*weights.shape[:-1], -1), None, False, {})


def _with_replacement(generator: Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """Where uniform numbers fall among the running sums of the weights."""
    sums = rows.cumsum(axis=1)
    sums /= sums[:, -1:]
    points = draws.uniform(generator, (len(rows), count), np.dtype(np.float64))
    chosen = [np.searchsorted(each, at, "left") for each, at in zip(sums, points, strict=True)]
    last = rows.shape[1] - 1 - (rows[:, ::-1] > 0).argmax(axis=1)  # should a point round up
    return np.minimum(np.array(chosen, np.int64).reshape(points.shape), last[:, None])


def _without_replacement(generator: Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """The first arrivals of exponential clocks that tick at the weights' rates."""
    waits = draws.exponential(generator, rows.shape).astype(rows.dtype)
    order = np.argsort(-rows / waits, axis=1, kind="stable")
    return order[:, :count].astype(np.int64, copy=False)


# -- in place -------------------------------------------------------------------------------------


def uniform_(
    input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """input = numbers uniform in [from_, to), complex ones in both parts.

    Source: ``torch.Tensor.uniform_``.
    """
    _need_float_or_complex("uniform_", input._array.dtype)
    if from_ > to:
        raise RuntimeError(f"uniform_: expected from <= to, got {from_} and {to}")
    array = input._array
    drawn = draws.uniform(generator_of(generator), array.shape, array.dtype, from_, to)
    return write(input, "uniform_", Copy, drawn)


def normal_(
    input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """input = normal numbers; complex ones have the mean in both parts.

    Source: ``torch.Tensor.normal_``.
    """
    _need_float_or_complex("normal_", input._array.dtype)
    if std < 0:
        raise RuntimeError(f"normal_: std must not be negative, got {std}")
    array = input._array
    middle = complex(mean, mean) if array.dtype.kind == "c" else mean
    drawn = draws.normal(generator_of(generator), array.shape, array.dtype, middle, std)
    return write(input, "normal_", Copy, drawn)


def log_normal_(
    input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """input = exp of normal numbers. Source: ``torch.Tensor.log_normal_``."""
    _need_float("log_normal_", input._array.dtype)
    if std <= 0:
        raise RuntimeError(f"log_normal_: std must be positive, got {std}")
    source, array = generator_of(generator), input._array
    drawn = np.array([draws.next_normal(source) for _ in range(array.size)]).reshape(array.shape)
    with np.errstate(over="ignore"):
        values = np.exp(drawn * std + mean).astype(array.dtype)
    return write(input, "log_normal_", Copy, values)


def bernoulli_(
    input: Tensor, p: Tensor | float = 0.5, *, generator: Generator | None = None
) -> Tensor:
    """input = 1 with probability `p`, a number or a Tensor, else 0.

    Source: ``torch.Tensor.bernoulli_``.
    """
    chances = p._array if hasattr(p, "_array") else p
    drawn = _bernoulli("bernoulli_", generator_of(generator), input._array.shape, chances)
    return write(input, "bernoulli_", Copy, drawn)


def random_(input: Tensor, *bounds: int, generator: Generator | None = None) -> Tensor:
    """input = integers: ``random_()``, ``random_(to)`` or ``random_(from, to)`` without to.

    Without bounds, all that the dtype holds from 0 on (floats: all integers that it holds exactly).
    Source: ``torch.Tensor.random_``.
    """
    if len(bounds) > 2:
        raise TypeError(f"random_: expected at most from and to, got {len(bounds)} numbers")
    dtype = input._array.dtype
    low, high = 0, 0
    if bounds:
        low, high = bounds if len(bounds) == 2 else (0, bounds[0])
    elif dtype.kind in "iu":
        high = int(np.iinfo(dtype).max) + 1
    else:
        high = 2 if dtype.kind == "b" else 2 ** _MANTISSA_BITS[input.dtype] + 1
    source = generator_of(generator)
    if not bounds and dtype.itemsize < 8:  # whatever the range, one word
        drawn = (source.words(input.numel()) % np.uint64(high)).reshape(input._array.shape)
    else:
        drawn = _integers("random_", source, low, high, input._array.shape, dtype)
    return write(input, "random_", Copy, drawn.astype(dtype, copy=False))


def exponential_(
    input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """input = exponential numbers of rate `lambd`. Source: ``torch.Tensor.exponential_``."""
    _need_float("exponential_", input._array.dtype)
    if lambd <= 0:
        raise RuntimeError(f"exponential_: lambd must be positive, got {lambd}")
    drawn = draws.exponential(generator_of(generator), input._array.shape, lambd)
    return write(input, "exponential_", Copy, np.asarray(drawn, input._array.dtype))


def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """input = the number of trials up to the first success. Source: ``torch.Tensor.geometric_``."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_: p must lie between 0 and 1, got {p}")
    drawn = draws.geometric(generator_of(generator), input._array.shape, p)
    return write(input, "geometric_", Copy, np.asarray(drawn).astype(input._array.dtype))


def cauchy_(
    input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """input = Cauchy-distributed numbers. Source: ``torch.Tensor.cauchy_``."""
    _need_float("cauchy_", input._array.dtype)
    if sigma <= 0:
        raise RuntimeError(f"cauchy_: sigma must be positive, got {sigma}")
    drawn = draws.cauchy(generator_of(generator), input._array.shape, median, sigma)
    with np.errstate(over="ignore"):
        return write(input, "cauchy_", Copy, np.asarray(drawn, input._array.dtype))
