"""Where time and memory go: a trace as a table of milliseconds and saved bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airi.viz.health import bytes_text

if TYPE_CHECKING:
    from airi.viz.trace import Event


@dataclass(frozen=True)
class Row:
    """The cost of one op; ``forward_ms`` is None where forward was not recorded."""

    step: int
    op: str
    scope: str
    forward_ms: float | None
    backward_ms: float
    saved_bytes: int

    @property
    def total_ms(self) -> float:
        """Forward and backward."""
        return (self.forward_ms or 0.0) + self.backward_ms


_ORDERS: dict[str, Callable[[Row], float]] = {
    "step": lambda row: row.step,
    "forward": lambda row: -(row.forward_ms or 0.0),
    "backward": lambda row: -row.backward_ms,
    "saved": lambda row: -row.saved_bytes,
}


class Profile:
    """Time and memory of each op of a trace: ``print`` it, or read ``rows`` and the totals.

    ``saved_bytes`` is the sum of what the ops saved, ``kept_bytes`` the memory that this takes:
    what several ops saved counts once, parameters and other leaves not at all.
    """

    def __init__(self, events: Iterable[Event], sort: str, kept_bytes: int) -> None:
        if not isinstance(sort, str) or sort not in _ORDERS:
            raise ValueError(f"profile: sort must be one of {', '.join(_ORDERS)}, got {sort!r}")
        rows = [
            Row(
                event.step,
                event.op,
                event.scope,
                None if event.seconds_forward is None else event.seconds_forward * 1e3,
                event.seconds_backward * 1e3,
                event.bytes_saved,
            )
            for event in events
        ]
        self.rows = sorted(rows, key=_ORDERS[sort])
        self.kept_bytes = kept_bytes

    @property
    def forward_ms(self) -> float | None:
        """All ops' forward, None where it was not recorded."""
        known = [row.forward_ms for row in self.rows if row.forward_ms is not None]
        return sum(known) if known else None

    @property
    def backward_ms(self) -> float:
        """All ops' backward."""
        return sum(row.backward_ms for row in self.rows)

    @property
    def total_ms(self) -> float:
        """Forward and backward."""
        return (self.forward_ms or 0.0) + self.backward_ms

    @property
    def saved_bytes(self) -> int:
        """The sum of what the ops saved."""
        return sum(row.saved_bytes for row in self.rows)

    def __str__(self) -> str:
        lines = [("step", "op", "in", "forward ms", "backward ms", "share", "saved")]
        for row in self.rows:
            share = f"{row.total_ms / (self.total_ms or 1.0):.0%}"
            saved = bytes_text(row.saved_bytes)
            lines.append((str(row.step), row.op, row.scope, *_milliseconds(row), share, saved))
        lines.append(("", "total", "", *_milliseconds(self), "", bytes_text(self.saved_bytes)))
        kept = f"{bytes_text(self.kept_bytes)} in memory: what several saved once, no parameters"
        return "\n".join([*table(lines), kept])

    __repr__ = __str__


def _milliseconds(of: Row | Profile) -> tuple[str, str]:
    ahead = "" if of.forward_ms is None else f"{of.forward_ms:.3f}"
    return ahead, f"{of.backward_ms:.3f}"


def shortened(text: str, width: int) -> str:
    """The text, cut where it is longer than `width`."""
    return text if len(text) <= width else text[: width - 1] + "…"


def _printable(text: str) -> str:
    """Without control characters and such as turn the direction of the line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines with columns of equal width."""
    rows = [tuple(map(_printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
