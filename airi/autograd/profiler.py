"""Which ops take the time: a table of calls and milliseconds, forward and backward.

`profile` is an observer of recording and of the reverse walk (see `observer`): each op and each
backward of one is timed where it is computed. Source: ``torch.autograd.profiler``.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from airi.autograd.graph import Node
from airi.autograd.mode import current
from airi.autograd.observer import Observer, observed_by

__all__ = ["profile", "record_function"]

_SORT_KEYS = {
    "cpu_time_total": lambda each: -each.cpu_time_total,
    "self_cpu_time_total": lambda each: -each.cpu_time_total,
    "count": lambda each: -each.count,
}


@dataclass
class Average:
    """The calls of one op together. Times are in microseconds, as PyTorch's."""

    key: str
    is_label: bool  # of a record_function, whose time is that of ops too
    count: int = 0
    cpu_time_total: float = 0.0

    @property
    def cpu_time(self) -> float:
        """The mean time of a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def self_cpu_time_total(self) -> float:
        return self.cpu_time_total


class Averages(list[Average]):
    """A row for each op, as `profile.key_averages` returns them."""

    def table(self, sort_by: str | None = None, row_limit: int = 100, **ignored: Any) -> str:
        """The rows as text, at most `row_limit` of them, in the order of `sort_by`.

        Raises ValueError for a key other than "cpu_time_total", "self_cpu_time_total", "count".
        """
        rows = list(self)
        if sort_by is not None:
            if sort_by not in _SORT_KEYS:
                raise ValueError(f"table: sort_by must be one of {[*_SORT_KEYS]}, got {sort_by!r}")
            rows.sort(key=_SORT_KEYS[sort_by])
        width = max([len(each.key) for each in rows] + [4])
        lines = [f"{'Name':<{width}}  {'Calls':>8}  {'Total ms':>10}  {'Mean us':>10}"]
        for each in rows[: row_limit if row_limit >= 0 else None]:
            total = each.cpu_time_total / 1e3
            lines.append(
                f"{each.key:<{width}}  {each.count:>8}  {total:>10.3f}  {each.cpu_time:>10.1f}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()


class profile(Observer):
    """``with profile() as prof:`` the time of each op inside; ``print(prof.table())`` shows it.

    Ops are named by their rules, those of backward as their nodes. With ``enabled=False`` nothing
    is timed; PyTorch's other options (shapes, memory, stacks, CUDA) are accepted and change
    nothing. Only the thread that entered is watched. Source: ``torch.autograd.profiler.profile``.
    """

    def __init__(self, enabled: bool = True, **options: Any) -> None:
        self._enabled = enabled
        self._rows: dict[str, Average] = {}
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> profile:
        if self._enabled:
            self._exit.enter_context(observed_by(self))
        return self

    def __exit__(self, *exc: object) -> None:
        self._exit.close()

    def computed(self, rule: Any, node: Any, inputs: Any, results: Any, seconds: float) -> None:
        self.count(rule.__name__, seconds)

    def returned(self, node: Node, results: Any, seconds: float) -> None:
        self.count(node.name(), seconds)

    def count(self, key: str, seconds: float, is_label: bool = False) -> None:
        """One more call of `key`, which took so long."""
        row = self._rows.setdefault(key, Average(key, is_label))
        row.count += 1
        row.cpu_time_total += seconds * 1e6

    def key_averages(self, **ignored: Any) -> Averages:
        """The rows of the table, in the order of first use."""
        return Averages(self._rows.values())

    def table(self, sort_by: str | None = None, row_limit: int = 100, **ignored: Any) -> str:
        """``key_averages().table(...)``."""
        return self.key_averages().table(sort_by, row_limit)

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all ops together, in microseconds; `record_function` blocks not counted."""
        return sum(each.cpu_time_total for each in self._rows.values() if not each.is_label)

    def __str__(self) -> str:
        return self.table()


class record_function(contextlib.ContextDecorator):
    """``with record_function("name"):`` a row of that name in the table of a `profile` around it.

    Also a decorator. Source: ``torch.autograd.profiler.record_function``.
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> record_function:
        self._begun = perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        seconds = perf_counter() - self._begun
        for each in current().observers:
            if isinstance(each, profile):
                each.count(self.name, seconds, is_label=True)
