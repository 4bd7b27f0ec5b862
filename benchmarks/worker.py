"""One library in a process of its own, which measures what it is told to.

Two OpenMP runtimes in one process disturb each other, and the number of threads and the way glibc
keeps memory are settled when a process starts. So each contender has a process, which reads one
JSON object a line and answers with one.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.machine import peaks
from benchmarks.row import Row, Step
from benchmarks.table import ROWS

ROOT = Path(__file__).resolve().parents[1]

# PyTorch's time on large tensors is mostly the kernel's, which clears fresh pages. This tells glibc
# to keep what is freed, in huge pages.
KEEP_MEMORY = ":".join(
    (
        "glibc.malloc.hugetlb=1",
        "glibc.malloc.mmap_threshold=4294967296",
        "glibc.malloc.trim_threshold=17179869184",
    )
)
AIRI, PYTORCH, KEPT = "airi", "PyTorch", "PyTorch, memory kept"
CONTENDERS = {
    AIRI: ("airi", {}),
    PYTORCH: ("torch", {}),
    KEPT: ("torch", {"GLIBC_TUNABLES": KEEP_MEMORY}),
}


class Worker:
    """The process of one contender, from the outside."""

    def __init__(self, contender: str, threads: int):
        self.contender, self.threads = contender, threads
        self.process: subprocess.Popen | None = None
        self.busy_seconds = 0.0  # what the process, and those that it started, had of processors

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request; the answer, which is ``{"error": ...}`` if the process broke down."""
        if self.process is None:
            self.process = self._start()
        assert self.process.stdin
        assert self.process.stdout
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            content = json.loads(answer)
            self.busy_seconds = content.pop("busy_seconds")
            return content
        self.process.communicate()
        code, self.process = self.process.returncode, None  # the next request starts another
        return {"error": f"the process ended with code {code}"}

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate()
            self.process = None

    def _start(self) -> subprocess.Popen:
        library, settings = CONTENDERS[self.contender]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        threads = str(self.threads)
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", library, threads],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **settings, "OMP_NUM_THREADS": threads, "PYTHONPATH": path},
            text=True,
        )


class Bench:
    """The same from the inside: the library, and the row that is set up."""

    def __init__(self, library: str, threads: int):
        self.torch = importlib.import_module(library)
        self.torch.set_num_threads(threads)
        self.row: Row | None = None
        self.step: Step | None = None

    def measure(self, row: str, seconds: float, tiny: bool) -> dict[str, Any]:
        """Run the row's step for so long, and at least once; the median of what it took."""
        answer: dict[str, Any] = {}
        if self.row is not ROWS[row]:
            answer = self._set_up(ROWS[row], tiny)
        values = []
        end = time.perf_counter() + seconds
        while not values or time.perf_counter() < end:
            values.append(self._once())
        return answer | {"value": statistics.median(values)}

    def _set_up(self, row: Row, tiny: bool) -> dict[str, Any]:
        """Prepare another row and warm it up; the work that is in it, and what came out."""
        self.row = self.step = None
        self.torch.manual_seed(0)
        self.step = row.build(self.torch, **(row.tiny if tiny else row.sizes))
        result = None
        for _ in range(min(row.warm_up, 1) if tiny else row.warm_up):
            result = self.step.run()
        self.row = row
        return {"flops": self.step.flops, "bytes": self.step.bytes, "result": self._sizes(result)}

    def _once(self) -> float:
        """Run the step; what it took, in the row's unit."""
        start = time.perf_counter()
        result = self.step.run()
        seconds = time.perf_counter() - start
        if self.row.unit == "MB":
            return result
        return seconds * (1e6 / self.step.ops if self.row.unit == "us an op" else 1e3)

    def _sizes(self, result: Any) -> list[float]:
        """The mean size of the elements of each tensor that came out; all libraries agree."""
        if isinstance(result, self.torch.Tensor):
            return [float(result.detach().double().abs().mean())]
        if isinstance(result, (tuple, list)):
            return [size for each in result for size in self._sizes(each)]
        return []

    def peaks(self, seconds: float) -> dict[str, float]:
        return peaks(self.torch, seconds)


def serve(library: str, threads: int) -> None:
    """Answer requests until there are no more."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is not an answer
    bench = Bench(library, threads)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(bench, request.pop("do"))(**request)
        except Exception as error:
            traceback.print_exc()
            bench.row = None
            answer = {"error": f"{type(error).__name__}: {error}"}
        answer["busy_seconds"] = sum(os.times()[:4])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
