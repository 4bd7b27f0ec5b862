"""Where a tensor lives: always the CPU."""

from __future__ import annotations


class device:
    """Where a tensor lives: always ``cpu``. Source: ``torch.device``.

    Raises RuntimeError for another device. Example: ``x.to(airi.device("cpu"))``.
    """

    __slots__ = ("type", "index")

    def __init__(self, type: str | device = "cpu", index: int | None = None) -> None:
        name, _, number = str(type).partition(":")
        if name != "cpu":
            raise RuntimeError(f"airi computes on the CPU: there is no device {str(type)!r}")
        self.type = name
        self.index = int(number) if number else index

    def __enter__(self) -> device:
        """``with device("cpu"):`` new tensors are made there: as ever."""
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


CPU = device("cpu")
