"""airi beside PyTorch: every row of the table of speed, or those that you name.

    python -m benchmarks                           # all rows at 1 and 2 threads, some 15 minutes
    python -m benchmarks --quick                   # all rows in two minutes
    python -m benchmarks gpt conv-1x1-* recurrent  # by name, pattern or family; --list shows them
    python -m benchmarks --kept-memory --markdown table.md --json table.json

Each contender has a process of its own. In every round each measures the row once, so that a
machine whose speed drifts drifts for all. A ratio is PyTorch's time over airi's in the same round,
and the median over the rounds is reported: above 1, airi is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from airi.utils.files import replacing
from benchmarks import machine, report
from benchmarks.report import Result
from benchmarks.row import Row
from benchmarks.table import chosen
from benchmarks.worker import AIRI, KEPT, PYTORCH, Worker


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("rows", metavar="ROW", nargs="*", help="name, pattern or family; all if none is given")
    add("--list", action="store_true", help="show the rows and end")
    add("--threads", type=int, nargs="+", help="default: 1 2; with --quick and --tiny: 1")
    add("--rounds", type=int, help="default: 5; with --quick: 3; with --tiny: 1")
    add("--seconds", type=float, help="of each measurement; default: 0.2; with --quick: 0.03")
    add("--kept-memory", action="store_true", help="PyTorch with glibc keeping its memory, too")
    add("--quick", action="store_true", help="all rows in under two minutes")
    add("--tiny", action="store_true", help="each row once, at a size that takes no time")
    add("--markdown", type=Path, metavar="FILE", help="write the table there")
    add("--json", type=Path, metavar="FILE", help="write all values there")
    add("--update", action="store_true", help="keep the other rows of the JSON file")
    options = parser.parse_args(argv)
    threads, rounds, seconds = [1, 2], 5, 0.2
    if options.quick:
        threads, rounds, seconds = [1], 3, 0.03
    if options.tiny:
        threads, rounds, seconds = [1], 1, 0.0
    options.threads = options.threads or threads
    options.rounds = options.rounds or rounds
    options.seconds = seconds if options.seconds is None else options.seconds
    if options.update and not options.json:
        parser.error("--update needs --json FILE")
    try:
        options.rows = chosen(options.rows)
    except ValueError as error:
        parser.error(str(error))
    return options


def measure(row: Row, workers: list[Worker], options: argparse.Namespace) -> Result:
    """All rounds of a row, and whether the machine had other work meanwhile."""

    def others() -> float:
        return machine.busy_seconds() - sum(worker.busy_seconds for worker in workers)

    started, before = time.perf_counter(), others()
    result = Result.of(row, workers[0].threads, judged=not options.tiny)
    for _ in range(options.rounds):
        for worker in workers:
            if worker.contender not in result.errors:
                request = {"row": row.name, "seconds": options.seconds, "tiny": options.tiny}
                result.add(worker.contender, worker.ask(do="measure", **request))
    if not options.tiny:
        result.others = max(0.0, others() - before) / (time.perf_counter() - started)
    return result


def best_of(workers: list[Worker], seconds: float) -> dict[str, float]:
    """The machine's peaks, in whichever library comes closer."""
    found = [worker.ask(do="peaks", seconds=seconds) for worker in workers]
    return {rate: max(each[rate] for each in found if rate in each) for rate in ("GFLOP/s", "GB/s")}


def save(document: report.Document, options: argparse.Namespace) -> None:
    """Write the files that are asked for."""
    if options.json:
        with replacing(options.json, "w") as file:
            json.dump(document.as_json(), file, indent=1)
    if options.markdown:
        with replacing(options.markdown, "w") as file:
            file.write(document.as_markdown())


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    if options.list:
        print(report.listing(options.rows))
        return 0
    contenders = [AIRI]
    if machine.has_torch():
        contenders += [PYTORCH, KEPT] if options.kept_memory else [PYTORCH]
    else:
        print("PyTorch is not installed: airi's times alone", file=sys.stderr)
    if "OPENBLAS_CORETYPE" in os.environ:
        print(
            f"OPENBLAS_CORETYPE={os.environ['OPENBLAS_CORETYPE']} is set: NumPy's BLAS does not "
            "choose its kernels for this processor, and airi's figures are not its own",
            file=sys.stderr,
        )
    document = report.Document(machine.describe())
    if options.update:
        document.read(options.json)
    started, all_well = time.perf_counter(), True
    for threads in options.threads:
        workers = [Worker(contender, threads) for contender in contenders]
        try:
            if threads not in document.peaks:
                seconds = 0.0 if options.tiny else 0.1 if options.quick else 0.3
                document.peaks[threads] = best_of(workers, seconds)
            print(report.heading(threads, document.peaks[threads]), flush=True)
            for row in options.rows:
                result = measure(row, workers, options)
                document.add(result)
                print(result.line(), flush=True)
                save(document, options)  # what is measured stays, should this be stopped
                all_well &= not result.errors and not result.differs
        finally:
            for worker in workers:
                worker.close()
    print(f"\n{document.summary()}\n{time.perf_counter() - started:.0f} s")
    return 0 if all_well else 1


if __name__ == "__main__":
    sys.exit(main())
