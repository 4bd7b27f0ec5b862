"""How long a statement takes: `Timer` and the `Measurement` that it returns.

Source: ``torch.utils.benchmark``.
"""

from __future__ import annotations

import math
import statistics
import timeit as clock
from collections.abc import Callable
from typing import Any

from airi.threads import get_num_threads, set_num_threads

__all__ = ["Measurement", "Timer", "timer"]

timer = clock.default_timer

_UNITS = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))
_UNSTEADY = 0.1  # an interquartile range above this part of the median is worth a warning


class Measurement:
    """Times of one statement, in seconds, measured several times over `number_per_run` runs each.

    ``times`` are those of a single run; ``median``, ``mean`` and ``iqr`` (interquartile range) are
    of these. Source: ``torch.utils.benchmark.Measurement``.
    """

    def __init__(
        self,
        number_per_run: int,
        raw_times: list[float],
        title: str = "",
        description: str | None = None,
        num_threads: int = 1,
    ) -> None:
        self.number_per_run = number_per_run
        self.raw_times = raw_times
        self.title = title
        self.description = description
        self.num_threads = num_threads

    @property
    def times(self) -> list[float]:
        return [each / self.number_per_run for each in self.raw_times]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        low, high = self._quartiles()
        return high - low

    @property
    def has_warnings(self) -> bool:
        return self.iqr > _UNSTEADY * self.median

    def _quartiles(self) -> tuple[float, float]:
        if len(self.raw_times) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.times, method="inclusive")
        return low, high

    def __repr__(self) -> str:
        scale, unit = _unit(self.median)
        several = len(self.raw_times) > 1
        lines = [f"<airi.utils.benchmark.Measurement>\n{self.title}"]
        if self.description:
            lines.append(self.description)
        lines.append(f"  {'Median: ' if several else ''}{self.median / scale:.2f} {unit}")
        if several:
            low, high = (each / scale for each in self._quartiles())
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit} ({low:.2f} to {high:.2f})")
        runs = f"{self.number_per_run} run{'s' if self.number_per_run > 1 else ''}"
        count = f"{len(self.raw_times)} measurement{'s' if several else ''}"
        threads = f"{self.num_threads} thread{'s' if self.num_threads > 1 else ''}"
        lines.append(f"  {count}, {runs}{' per measurement' if several else ''}, {threads}")
        if self.has_warnings:
            share = 100 * self.iqr / self.median
            lines.append(f"  WARNING: Interquartile range is {share:.1f}% of the median.")
        return "\n".join(lines)


class Timer:
    """Times the statement `stmt`, run with the names in `globals`.

    `setup` runs once before each measurement, `num_threads` is what airi's kernels get meanwhile.
    Example: ``Timer("x @ x", globals={"x": airi.ones(64, 64)}).timeit(100).median``.
    Source: ``torch.utils.benchmark.Timer``.
    """

    def __init__(
        self,
        stmt: str | Callable[[], Any] = "pass",
        setup: str | Callable[[], Any] = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
    ) -> None:
        if global_setup:
            raise ValueError("Timer: global_setup is only for statements in C++")
        self._timer = clock.Timer(stmt, setup, timer, {} if globals is None else dict(globals))
        name = label or (stmt if isinstance(stmt, str) else getattr(stmt, "__name__", "stmt"))
        self._title = f"{name}: {sub_label}" if sub_label else str(name)
        self._description = description
        self._num_threads = num_threads

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One measurement of `number` runs, after a hundredth as many to get warm."""
        self._run(max(number // 100, 2))
        return self._measured(number, [self._run(number)])

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Measurements of as many runs as make the clock's own time small, for `min_run_time` s.

        `callback` is called with the runs and the time of each.
        """
        number = self._worthwhile_number(min_run_time)
        times: list[float] = []
        while sum(times) < min_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return self._measured(number, times)

    autorange = blocked_autorange

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Measurements until their interquartile range is below `threshold` of their median."""
        number = self._worthwhile_number(min_run_time)
        times: list[float] = []
        while sum(times) < max_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
            result = self._measured(number, times)
            steady = result.iqr < threshold * result.median
            if len(times) > 3 and sum(times) >= min_run_time and steady:
                break
        return self._measured(number, times)

    def _run(self, number: int) -> float:
        before = get_num_threads()
        set_num_threads(self._num_threads)
        try:
            return max(self._timer.timeit(number), 1e-9)
        finally:
            set_num_threads(before)

    def _worthwhile_number(self, min_run_time: float) -> int:
        number = 1
        while self._run(number) < min_run_time / 1000:
            number *= 10
        return number

    def _measured(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self._title, self._description, self._num_threads)


def _unit(seconds: float) -> tuple[float, str]:
    """The unit in which a time reads well."""
    step = min(max(math.floor(math.log10(seconds) / 3) + 3, 0), 3)
    return _UNITS[step]
