"""Where random numbers come from: `Generator`, the default one, and its seed.

Underneath is the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded as PyTorch seeds
it, and its words become numbers as they do there (`airi/ops/draws.py`): ``manual_seed(0)`` gives
the initial weights, the shuffled batches and the dropped elements that it gives in PyTorch on a
CPU. Threads may share a generator; which of them gets which numbers is then a matter of chance:
give each thread its own for repeatable runs.
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

# A state as bytes, in the layout of PyTorch's: a checkpoint that holds one can be read on either
# side. `next` words of `state` are used up, `left` is 1 where all are.
_WORDS = 624
_STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),
        ("seeded", "<i4"),
        ("next", "<u8"),
        ("state", "<u8", (_WORDS,)),
        ("unused", "<f8"),
        ("normal", "<f8"),
        ("unused_too", "<f8"),
        ("has_normal", "<i4"),
        ("padding", "u1", (12,)),
    ]
)


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
        self._bits: np.random.MT19937 | None = None
        # Normal numbers come in pairs: what is left of the last one that was asked for singly.
        self.spare_normal: float | None = None

    @property
    def bits(self) -> np.random.MT19937:
        """The Mersenne Twister; made at the first draw (numpy.random is slow to import)."""
        if self._bits is None:
            self._bits = np.random.MT19937(0)
            self._start()
        return self._bits

    def _start(self) -> None:
        """Set the Mersenne Twister to where the seed lets it begin."""
        np.random.RandomState(self.bits).seed(self._seed % 2**32)  # seeds the bits, as PyTorch does

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator on the same stream, for distributions that only NumPy has."""
        _refuse_if_asked_to()
        return np.random.Generator(self.bits)

    def words(self, count: int) -> np.ndarray:
        """The next `count` random numbers of 32 bits, as uint64."""
        _refuse_if_asked_to()
        return self.bits.random_raw(count)

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
        self.spare_normal = None
        if self._bits is not None:
            self._start()
        return self

    def seed(self) -> int:
        """Start anew from a seed that the operating system draws, and return it."""
        self.manual_seed(_drawn_seed())
        return self._seed

    def initial_seed(self) -> int:
        """The seed that it was started from."""
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a uint8 Tensor, for set_state; PyTorch's bytes."""
        twister: Any = self.bits.state["state"]
        packed = np.zeros((), _STATE)
        packed["seed"], packed["seeded"] = self._seed, 1
        packed["state"], packed["next"] = twister["key"], twister["pos"] % _WORDS
        packed["left"] = _WORDS + 1 - twister["pos"]
        if self.spare_normal is not None:
            packed["normal"], packed["has_normal"] = self.spare_normal, 1
        return wrap(np.frombuffer(packed.tobytes(), np.uint8).copy())

    def set_state(self, new_state: Tensor) -> Generator:
        """Go on from a state that get_state returned, here or in PyTorch; returns the generator.

        Raises TypeError for what is no uint8 Tensor, RuntimeError for one of another size.
        """
        array = getattr(new_state, "_array", None)
        if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
            raise TypeError("set_state: expected a uint8 Tensor from get_state()")
        if array.size != _STATE.itemsize:
            raise RuntimeError(
                f"set_state: expected {_STATE.itemsize} bytes from get_state(), got {array.size}"
            )
        packed = np.frombuffer(array.tobytes(), _STATE)[0]
        position = _WORDS if packed["left"] == 1 else int(packed["next"])
        if not (0 <= position <= _WORDS and packed["seeded"]):
            raise RuntimeError("set_state: these bytes are not the state of a generator")
        self._seed = int(packed["seed"])
        self.bits.state = {
            "bit_generator": "MT19937",
            "state": {"key": packed["state"].astype(np.uint32), "pos": position},
        }
        self.spare_normal = float(packed["normal"]) if packed["has_normal"] else None
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


def _refuse_if_asked_to() -> None:
    if _refusal.reason is not None:
        raise RuntimeError(_refusal.reason)


def generator_of(generator: Generator | None) -> Generator:
    """The generator that a ``generator=`` argument means, None meaning the default one."""
    if _refusal.reason is not None:
        raise RuntimeError(_refusal.reason)
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(
            f"generator must be an airi.Generator or None, got {type(generator).__name__}"
        )
    return generator


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
