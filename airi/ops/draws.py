"""From random bits to random numbers, word for word as PyTorch does it on a CPU.

Each function takes a `Generator` and returns a new array. An element takes one word of 32 bits, or
two where that is not enough, in the order of the elements, so the same seed gives the same numbers
here and there: equal, or apart by the rounding of a logarithm. The recipes were found by comparing
the numbers; `tests/parity/test_random.py` compares them again. (On some processors PyTorch takes
dropout's and exponential numbers from a library of the processor's maker, and they differ.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airi.random import Generator

_LOW_24 = np.uint64(2**24 - 1)
_LOW_53 = np.uint64(2**53 - 1)
_BLOCK = 16  # normal numbers are made 16 at a time: 8 radii and 8 angles
WIDE = 2**28  # from this many integers on, one of them takes two words


def double_words(generator: Generator, count: int) -> np.ndarray:
    """Integers of 64 bits."""
    words = generator.words(2 * count)
    result = words[0::2] << np.uint64(32)
    result |= words[1::2]
    return result


def _uniform_singles(generator: Generator, count: int) -> np.ndarray:
    words = generator.words(count)
    words &= _LOW_24
    return np.multiply(words, 2.0**-24, dtype=np.float64).astype(np.float32)


def uniform_doubles(generator: Generator, count: int) -> np.ndarray:
    """float64 in [0, 1), a multiple of 2**-53."""
    words = double_words(generator, count)
    words &= _LOW_53
    return np.multiply(words, 2.0**-53, dtype=np.float64)


def _uniform_flat(generator: Generator, count: int, dtype: np.dtype) -> np.ndarray:
    draw = uniform_doubles if dtype == np.float64 else _uniform_singles
    return draw(generator, count)


def uniform(
    generator: Generator,
    shape: tuple[int, ...],
    dtype: np.dtype,
    low: float = 0.0,
    high: float = 1.0,
) -> np.ndarray:
    """Numbers in [low, high); complex ones in both parts."""
    if dtype.kind == "c":
        return _in_both_parts(uniform, generator, shape, dtype, low, high)
    drawn = _uniform_flat(generator, math.prod(shape), dtype)
    if (low, high) != (0.0, 1.0):
        kind = drawn.dtype.type
        start, span = kind(low), kind(high) - kind(low)
        # One rounding, as where a processor multiplies and adds in one go.
        drawn = (drawn * float(span) + float(start)).astype(kind)
    drawn = drawn.astype(dtype, copy=False)
    if dtype.itemsize == 2 or high != 1.0:
        drawn[drawn == dtype.type(high)] = low  # what was rounded up to the end that is left out
    return drawn.reshape(shape)


def _in_both_parts(
    draw: Any, generator: Generator, shape: Any, dtype: np.dtype, *options: Any
) -> np.ndarray:
    """Complex numbers whose real and imaginary parts are drawn one after the other."""
    parts = draw(generator, (*shape, 2), np.dtype(f"f{dtype.itemsize // 2}"), *options)
    return parts.view(dtype)[..., 0]


def normal(
    generator: Generator,
    shape: tuple[int, ...],
    dtype: np.dtype,
    mean: Any = 0.0,
    std: Any = 1.0,
) -> np.ndarray:
    """mean + std * z, z normal of variance 1 (complex: half of it in each part).

    Source: Box and Muller, 1958.
    """
    if dtype.kind == "c":
        z = _in_both_parts(normal, generator, shape, dtype) * math.sqrt(0.5)
        return (z * std + mean).astype(dtype, copy=False)
    count = math.prod(shape)
    if count < _BLOCK:
        z = np.array([next_normal(generator) for _ in range(count)], np.float64)
    else:
        z = _normal_blocks(generator, count, dtype)
    z = z.reshape(shape)
    if not (type(mean) is type(std) is float and (mean, std) == (0.0, 1.0)):
        z = z * std + mean
    return np.asarray(z).astype(dtype, copy=False)


def _normal_blocks(generator: Generator, count: int, dtype: np.dtype) -> np.ndarray:
    whole = count // _BLOCK * _BLOCK
    # Of types of 16 bits, what would be overwritten below is not drawn at all.
    uniforms = _uniform_flat(generator, whole if dtype.itemsize == 2 else count, dtype)
    result = np.empty(count, uniforms.dtype)
    result[:whole] = _box_muller(uniforms[:whole])
    if whole < count:  # the last 16, which overlap the block before, are drawn anew
        result[-_BLOCK:] = _box_muller(_uniform_flat(generator, _BLOCK, dtype))
    return result


def _box_muller(uniforms: np.ndarray) -> np.ndarray:
    """Normal numbers from blocks of 8 radii and 8 angles."""
    blocks = uniforms.reshape(-1, 2, _BLOCK // 2)
    radius = np.sqrt(-2 * np.log(1 - blocks[:, 0]))
    angle = blocks[:, 1] * uniforms.dtype.type(2 * math.pi)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


def next_normal(generator: Generator) -> float:
    """One normal number; they come in pairs, and the generator keeps the second."""
    spare, generator.spare_normal = generator.spare_normal, None
    if spare is not None:
        return spare
    first, second = uniform_doubles(generator, 2).tolist()
    radius, angle = math.sqrt(-2 * math.log1p(-second)), 2 * math.pi * first
    generator.spare_normal = radius * math.sin(angle)
    return radius * math.cos(angle)


def integers(generator: Generator, low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    """Integers from low to high - 1, as int64."""
    count, span = math.prod(shape), high - low
    words = generator.words(count) if span < WIDE else double_words(generator, count)
    if span < 2**64:
        words %= np.uint64(span)
    return (words.view(np.int64) + np.int64(low)).reshape(shape)


def permutation(generator: Generator, n: int) -> np.ndarray:
    """0 to n - 1 in random order. Source: Fisher and Yates, 1938; Durstenfeld, 1964."""
    order = list(range(n))
    words = generator.words(max(n - 1, 0)).tolist()
    for at, word in enumerate(words):
        other = at + word % (n - at)
        order[at], order[other] = order[other], order[at]
    return np.array(order, np.int64)


def bernoulli(generator: Generator, shape: tuple[int, ...], p: Any) -> np.ndarray:
    """True with probability `p`, a number or an array that broadcasts to `shape`."""
    single = isinstance(p, np.ndarray) and p.dtype != np.float64
    dtype = np.dtype(np.float32 if single else np.float64)
    return uniform(generator, shape, dtype) < p


def exponential(generator: Generator, shape: tuple[int, ...], rate: float = 1.0) -> np.ndarray:
    """Exponential numbers, in float64."""
    drawn = uniform_doubles(generator, math.prod(shape)).reshape(shape)
    return -1.0 / rate * np.log1p(-drawn)


def geometric(generator: Generator, shape: tuple[int, ...], p: float) -> np.ndarray:
    """The number of trials up to the first success, in float64."""
    drawn = uniform_doubles(generator, math.prod(shape)).reshape(shape)
    with np.errstate(divide="ignore"):
        return np.ceil(np.log(drawn) / math.log1p(-p))


def cauchy(generator: Generator, shape: tuple[int, ...], median: float, sigma: float) -> np.ndarray:
    """Cauchy-distributed numbers, in float64."""
    drawn = uniform_doubles(generator, math.prod(shape)).reshape(shape)
    return median + sigma * np.tan(math.pi * (drawn - 0.5))
