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
    """Time and memory of each op of a trace: ``print`` it, or read ``rows``."""

    def __init__(self, events: Iterable[Event], sort: str) -> None:
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

    def __str__(self) -> str:
        total = sum(row.total_ms for row in self.rows) or 1.0
        lines = [("step", "op", "in", "forward ms", "backward ms", "share", "saved")]
        for row in self.rows:
            ahead = "" if row.forward_ms is None else f"{row.forward_ms:.3f}"
            share = f"{row.total_ms / total:.0%}"
            saved = bytes_text(row.saved_bytes)
            cells = str(row.step), row.op, row.scope, ahead, f"{row.backward_ms:.3f}", share, saved
            lines.append(cells)
        forward = sum(row.forward_ms or 0.0 for row in self.rows)
        backward = sum(row.backward_ms for row in self.rows)
        saved = bytes_text(sum(row.saved_bytes for row in self.rows))
        lines.append(("", "total", "", f"{forward:.3f}", f"{backward:.3f}", "", saved))
        return "\n".join(table(lines))

    __repr__ = __str__


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
