"""``torch.version`` as scripts see it: the version of PyTorch whose names airi provides."""

from __future__ import annotations

import re
from typing import Any

from airi.compat.names import pytorch_version

__all__ = ["TorchVersion", "cuda", "debug", "hip"]


class TorchVersion(str):
    """A version that compares by its numbers: ``TorchVersion("2.13.0") > "2.2"``.

    Also with tuples of numbers. Source: ``torch.torch_version.TorchVersion``.
    """

    def _numbers(self) -> tuple[int, ...]:
        return _numbers(self)

    def __lt__(self, other: Any) -> bool:
        return self._numbers() < _numbers(other)

    def __le__(self, other: Any) -> bool:
        return self._numbers() <= _numbers(other)

    def __gt__(self, other: Any) -> bool:
        return self._numbers() > _numbers(other)

    def __ge__(self, other: Any) -> bool:
        return self._numbers() >= _numbers(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, tuple):
            return self._numbers() == _numbers(other)
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    __hash__ = str.__hash__


def _numbers(version: Any) -> tuple[int, ...]:
    """``"1.13.0+cpu"`` and ``(1, 13)`` are (1, 13)."""
    if isinstance(version, str):
        parts = re.findall(r"\d+", re.split(r"[a-z+]", version, maxsplit=1)[0])
    else:
        parts = [each for each in version if isinstance(each, int)]
    numbers = [int(each) for each in parts]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


__version__ = TorchVersion(f"{pytorch_version()}+airi")
cuda = None
hip = None
debug = False
