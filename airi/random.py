"""Where random numbers come from: `Generator`, the default one, and its seed.

Underneath is NumPy's PCG64. Each draw holds the generator's lock, so threads may share one; which
of them gets which numbers is then a matter of chance: give each thread its own for repeatable runs.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import wrap
from airi.device import CPU
from airi.device import device as device_type

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "Generator",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

# A state as bytes: the seed, PCG64's state and increment, and the half of a draw that is left over.
_LAYOUT = (("seed", 8), ("state", 16), ("inc", 16), ("has_uint32", 1), ("uinteger", 4))
_STATE_SIZE = sum(size for _, size in _LAYOUT)


def _drawn_seed() -> int:
    """A seed from the operating system."""
    return int.from_bytes(os.urandom(8), "little") >> 1


class Generator:
    """A source of random numbers of its own: the same seed gives the same numbers.

    Example: ``airi.rand(3, generator=airi.Generator().manual_seed(0))``. It can be pickled; a copy
    goes on from the same place. Source: ``torch.Generator``.
    """

    device = CPU

    def __init__(self, device: Any = "cpu") -> None:
        device_type(device)
        self._seed = _drawn_seed()
        self._numpy: np.random.Generator | None = None

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator underneath; made at the first draw (numpy.random is slow to import)."""
        if self._numpy is None:
            self._numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self._numpy

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from `seed`, any integer from -2**63 to 2**64 - 1; returns the generator.

        Raises TypeError for what is no integer, RuntimeError outside that range.
        """
        if not isinstance(seed, int | float | np.integer):
            raise TypeError(f"manual_seed: seed must be an integer, got {type(seed).__name__}")
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise RuntimeError(f"manual_seed: seed must lie in -2**63 to 2**64 - 1, got {seed}")
        self._seed = seed % 2**64
        if self._numpy is not None:
            self._numpy.bit_generator.state = np.random.PCG64(self._seed).state
        return self

    def seed(self) -> int:
        """Start anew from a seed that the operating system draws, and return it."""
        self.manual_seed(_drawn_seed())
        return self._seed

    def initial_seed(self) -> int:
        """The seed that it was started from."""
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a uint8 Tensor, for set_state."""
        state: dict[str, Any] = dict(self.numpy.bit_generator.state)
        numbers = {**state, **state["state"], "seed": self._seed}
        packed = b"".join(int(numbers[name]).to_bytes(size, "little") for name, size in _LAYOUT)
        return wrap(np.frombuffer(packed, np.uint8).copy())

    def set_state(self, new_state: Tensor) -> Generator:
        """Go on from a state that get_state returned; returns the generator.

        Raises TypeError for what is no uint8 Tensor, RuntimeError for one of another size.
        """
        array = getattr(new_state, "_array", None)
        if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
            raise TypeError("set_state: expected a uint8 Tensor from get_state()")
        if array.size != _STATE_SIZE:
            raise RuntimeError(
                f"set_state: expected {_STATE_SIZE} bytes from get_state(), got {array.size}"
            )
        packed, numbers, start = array.tobytes(), {}, 0
        for name, size in _LAYOUT:
            numbers[name] = int.from_bytes(packed[start : start + size], "little")
            start += size
        self._seed = numbers["seed"]
        self.numpy.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": numbers["state"], "inc": numbers["inc"]},
            "has_uint32": numbers["has_uint32"],
            "uinteger": numbers["uinteger"],
        }
        return self

    def clone_state(self) -> Generator:
        """A new generator in the same state."""
        return type(self)().set_state(self.get_state())

    def __repr__(self) -> str:
        return f"<airi.Generator seed={self._seed}>"

    def __reduce__(self) -> Any:
        return _restored, (self.get_state()._array,)


def _restored(state: np.ndarray) -> Generator:
    """A pickled or copied generator again."""
    return Generator().set_state(wrap(state))


default_generator = Generator()


class _Refusal(threading.local):
    """Why random numbers may not be drawn in this thread, or None where they may."""

    reason: str | None = None


_refusal = _Refusal()


@contextlib.contextmanager
def refuse_draws(reason: str) -> Iterator[None]:
    """Inside, a draw raises RuntimeError with this text: what runs there must not be random."""
    before, _refusal.reason = _refusal.reason, reason
    try:
        yield
    finally:
        _refusal.reason = before


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator of a ``generator=`` argument, None meaning the default one."""
    if _refusal.reason is not None:
        raise RuntimeError(_refusal.reason)
    if generator is None:
        return default_generator.numpy
    if not isinstance(generator, Generator):
        raise TypeError(
            f"generator must be an airi.Generator or None, got {type(generator).__name__}"
        )
    return generator.numpy


def manual_seed(seed: int) -> Generator:
    """Start the default generator anew from `seed` and return it. Source: ``torch.manual_seed``."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator anew from a seed that the operating system draws; returns it.

    Source: ``torch.seed``.
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator was started from. Source: ``torch.initial_seed``."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state, a uint8 Tensor. Source: ``torch.get_rng_state``."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Let the default generator go on from `new_state`. Source: ``torch.set_rng_state``."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """What is drawn inside ``with fork_rng():`` leaves the default generator as it was.

    Source: ``torch.random.fork_rng``.
    """
    before = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if before is not None:
            set_rng_state(before)
