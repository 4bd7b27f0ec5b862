"""Results, as lines in the terminal, as a table in Markdown, and as JSON."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.row import Row
from benchmarks.table import ROWS
from benchmarks.worker import AIRI, KEPT, PYTORCH

DISTURBING = 0.1  # of a processor: what other programs may take without a note
KEPT_FLOOR = 1.0  # against PyTorch with glibc keeping its memory, in every row


@dataclass
class Result:
    """What the contenders took for one row at one number of threads."""

    row: str
    family: str
    unit: str
    floor: float | None
    aim: float | None
    threads: int
    flops: float = 0
    bytes: float = 0
    values: dict[str, list[float]] = field(default_factory=dict)  # one a round
    errors: dict[str, str] = field(default_factory=dict)
    differs: bool = False  # do the contenders compute different things?
    others: float = 0.0  # processors that other programs kept busy meanwhile
    _sizes: list[float] | None = None  # of what the first contender computed

    @classmethod
    def of(cls, row: Row, threads: int, judged: bool = True) -> Result:
        floor, aim = (row.floor, row.aim) if judged else (None, None)
        return cls(row.name, row.family, row.unit, floor, aim, threads)

    def add(self, contender: str, answer: dict[str, Any]) -> None:
        """Take in what a worker answered."""
        if "error" in answer:
            self.errors[contender] = answer["error"]
            return
        self.values.setdefault(contender, []).append(answer["value"])
        if "result" in answer:
            self.flops, self.bytes = answer["flops"], answer["bytes"]
            if self._sizes is None:
                self._sizes = answer["result"]
            self.differs |= not _alike(self._sizes, answer["result"])

    def median(self, contender: str) -> float | None:
        values = self.values.get(contender)
        return statistics.median(values) if values and contender not in self.errors else None

    def ratio(self, contender: str) -> tuple[float, float, float] | None:
        """Theirs / airi's, round by round: median, lowest, highest."""
        if self.median(contender) is None or self.median(AIRI) is None:
            return None
        pairs = zip(self.values[contender], self.values[AIRI], strict=True)
        ratios = sorted(theirs / ours for theirs, ours in pairs)
        return statistics.median(ratios), ratios[0], ratios[-1]

    @property
    def reached(self) -> float | None:
        """How much of what is asked for is reached: below 1 the floor is missed."""
        if self.floor is None:
            return None
        ratios = [(self.ratio(PYTORCH), self.floor), (self.ratio(KEPT), KEPT_FLOOR)]
        return min((ratio[0] / floor for ratio, floor in ratios if ratio), default=None)

    @property
    def missed(self) -> bool:
        return self.reached is not None and self.reached < 1

    def rate(self, peaks: dict[str, float] | None) -> str:
        """GFLOP/s or GB/s of airi, and how much of the machine's best that is."""
        took = self.median(AIRI)
        if took is None or self.unit != "ms" or not (self.flops or self.bytes):
            return ""
        unit, work = ("GFLOP/s", self.flops) if self.flops else ("GB/s", self.bytes)
        rate = work / (took * 1e-3) / 1e9
        share = f" ({rate / peaks[unit]:.0%})" if peaks else ""
        return f"{rate:.0f} {unit}{share}"

    def mark(self) -> str:
        if self.errors:
            return "; ".join(f"{who} failed: {why}" for who, why in self.errors.items())
        notes = ["below"] if self.missed else []
        if self.differs:
            notes.append("the results differ")
        if self.others > DISTURBING:
            notes.append(f"other programs took {self.others:.0%} of a processor")
        return "; ".join(notes)

    def line(self) -> str:
        """One line for the terminal."""
        parts = [f"{self.row:24}"]
        for contender in (AIRI, PYTORCH, KEPT):
            value = self.median(contender)
            parts.append(f"{'' if value is None else _number(value):>9}")
        parts.append(f" {self.unit:9}")
        for contender in (PYTORCH, KEPT):
            ratio = self.ratio(contender)
            parts.append("{:6.2f} ({:.2f}-{:.2f})".format(*ratio).ljust(20) if ratio else " " * 20)
        parts.append(f"{'' if self.floor is None else self.floor:>5} {self.mark()}")
        return "".join(parts).rstrip()


def _alike(these: list[float], those: list[float]) -> bool:
    return len(these) == len(those) and all(
        math.isclose(this, that, rel_tol=1e-3, abs_tol=1e-5) for this, that in zip(these, those)
    )


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}" if value else "0"


def _threads(count: int) -> str:
    return f"{count} thread" + "s" * (count > 1)


def _peaks(peaks: dict[str, float]) -> str:
    return ", ".join(f"{rate:.0f} {unit}" for unit, rate in peaks.items())


def heading(threads: int, peaks: dict[str, float] | None) -> str:
    title = f"\n{_threads(threads)}" + (f", at best {_peaks(peaks)}" if peaks else "")
    columns = f"{'row':24}{'airi':>9}{'PyTorch':>9}{'kept':>9} {'':9}"
    return title + f"\n{columns}{'PyTorch / airi':20}{'kept / airi':20}floor"


def listing(rows: Iterable[Row]) -> str:
    """The rows by family."""
    lines, family = [], ""
    for row in rows:
        if row.family != family:
            family = row.family
            lines.append(f"\n{family}")
        lines.append(f"  {row.name:24}{row.floor or '':>5}{row.aim or '':>6}   {row.about}")
    return "\n".join(lines).lstrip("\n")


class Document:
    """All results, and the machine that they are from."""

    def __init__(self, machine: dict[str, str]):
        self.machine = machine
        self.peaks: dict[int, dict[str, float]] = {}  # by the number of threads
        self._results: dict[tuple[str, int], Result] = {}

    @property
    def results(self) -> list[Result]:
        """In the order of the table."""
        names = list(ROWS)
        keys = sorted(self._results, key=lambda key: (names.index(key[0]), key[1]))
        return [self._results[key] for key in keys]

    def add(self, result: Result) -> None:
        self._results[result.row, result.threads] = result

    def read(self, path: Path) -> None:
        """Take in the results of a file that `as_json` made, if there is one."""
        if not path.exists():
            return
        document = json.loads(path.read_text())
        self.peaks = {int(threads): peaks for threads, peaks in document["peaks"].items()}
        names = Result.__dataclass_fields__
        for entry in document["results"]:
            self.add(Result(**{name: entry[name] for name in names if name in entry}))

    def summary(self) -> str:
        """How many floors hold."""
        judged = [each for each in self.results if each.reached is not None]
        missed = [each for each in judged if each.missed]
        failed = [each for each in self.results if each.errors]
        parts = [f"{len(self.results)} rows measured"]
        if judged:
            parts.append(f"{len(judged) - len(missed)} of {len(judged)} floors hold")
        if failed:
            parts.append(f"{len(failed)} rows failed")
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "peaks": self.peaks,
            "results": [self._entry(each) for each in self.results],
        }

    def _entry(self, result: Result) -> dict[str, Any]:
        entry = {name: value for name, value in asdict(result).items() if name[0] != "_"}
        ratios = {who: result.ratio(who) for who in (PYTORCH, KEPT)}
        return entry | {
            "medians": {who: result.median(who) for who in result.values},
            "ratios": {
                who: dict(zip(("median", "lowest", "highest"), ratio))
                for who, ratio in ratios.items()
                if ratio
            },
            "rate": result.rate(self.peaks.get(result.threads)),
            "missed": result.missed,
        }

    def as_markdown(self) -> str:
        """The machine, what is below its floor (the worst first), and the whole table."""
        facts = [f"* {name}: {value}" for name, value in self.machine.items()]
        facts += [
            f"* at best, {_threads(threads)}: {_peaks(peaks)}"
            for threads, peaks in sorted(self.peaks.items())
        ]
        below = sorted((each for each in self.results if each.missed), key=_reached)
        parts = ["# airi beside PyTorch", "\n".join(facts), f"{self.summary()}.", LEGEND]
        means = self._geometric_means()
        if means:
            parts.append(means)
        if below:
            parts += ["## Below the floor", self._table(below)]
        parts += ["## All rows", self._table(self.results)]
        return "\n\n".join(parts) + "\n"

    def _geometric_means(self) -> str:
        """Of the dense convolutions, whose aim is one for all of them."""
        lines = []
        for threads in sorted({each.threads for each in self.results}):
            ratios = [
                ratio[0]
                for each in self.results
                if each.threads == threads and each.row.startswith("conv-") and each.aim
                if (ratio := each.ratio(PYTORCH))
            ]
            if ratios:
                mean = statistics.geometric_mean(ratios)
                lines.append(
                    f"* PyTorch / airi over {len(ratios)} passes of dense convolutions, "
                    f"{_threads(threads)}, geometric mean: {mean:.2f}"
                )
        return "\n".join(lines)

    def _table(self, results: Iterable[Result]) -> str:
        titles = ["row", "threads", "floor", "aim", "unit", "airi", "PyTorch", "PyTorch / airi"]
        titles += ["kept", "kept / airi", "airi's rate (of the best)", ""]
        lines = [titles, ["---"] * len(titles)]
        for each in results:
            eager, kept = each.ratio(PYTORCH), each.ratio(KEPT)
            medians = (each.median(who) for who in (AIRI, PYTORCH, KEPT))
            ours, theirs, theirs_kept = ("" if m is None else _number(m) for m in medians)
            cells = [each.row, each.threads, each.floor or "", each.aim or "", each.unit, ours]
            cells += [theirs, _spread(eager), theirs_kept, _spread(kept)]
            lines.append([*cells, each.rate(self.peaks.get(each.threads)), each.mark()])
        return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


LEGEND = """\
Medians over the rounds; a ratio is the median of the rounds' ratios, with the lowest and the
highest. "kept" is PyTorch with glibc told to keep its memory. A row is below where PyTorch / airi
is less than its floor, or kept / airi less than 1."""


def _spread(ratio: tuple[float, float, float] | None) -> str:
    return "{:.2f} ({:.2f} to {:.2f})".format(*ratio) if ratio else ""


def _reached(result: Result) -> float:
    assert result.reached is not None
    return result.reached
