"""One library in a process of its own, which measures what it is told to.

Two OpenMP runtimes in one process disturb each other, and the number of threads and the way glibc
keeps memory are settled when a process starts. So each contender has a process, which reads one
JSON object a line and answers with one.
"""

from __future__ import annotations

import gc
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
CONTENDERS = {
    "airi": ("airi", {}),
    "PyTorch": ("torch", {}),
    "PyTorch, memory kept": ("torch", {"GLIBC_TUNABLES": KEEP_MEMORY}),
}


class Worker:
    """The process of one contender, from the outside."""

    def __init__(self, contender: str, threads: int):
        self.contender, self.threads = contender, threads
        self.process: subprocess.Popen | None = None

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
            return json.loads(answer)
        code, self.process = self.process.wait(), None  # the next request starts another
        return {"error": f"the process ended with exit code {code}"}

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
        self.set_up: tuple[str, bool] | None = None
        self.step: Any = None

    def measure(self, row: str, seconds: float, tiny: bool) -> dict[str, Any]:
        """Run the row's step for so long, and at least once; the median of what it took."""
        answer: dict[str, Any] = {}
        if self.set_up != (row, tiny):
            answer = self._prepare(row, tiny)
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while not taken or time.perf_counter() < end:
            start = time.perf_counter()
            result = self.step.run()
            taken.append(time.perf_counter() - start)
            if self.unit == "MB":
                taken[-1] = result
            del result
        scale = {"ms": 1e3, "us an op": 1e6 / self.step.ops, "MB": 1}[self.unit]
        return answer | {"value": scale * statistics.median(taken)}

    def _prepare(self, name: str, tiny: bool) -> dict[str, Any]:
        """Set up another row and run it for the first time; the work in it, and what came out."""
        from benchmarks.rows import ROWS

        self.set_up = self.step = None
        gc.collect()
        row = ROWS[name]
        self.torch.manual_seed(0)
        self.step, self.unit = row.build(self.torch, **(row.tiny if tiny else row.sizes)), row.unit
        result = None
        for _ in range(1 if tiny else row.warm_up):
            result = self.step.run()
        self.set_up = (name, tiny)
        return {"flops": self.step.flops, "bytes": self.step.bytes, "result": self._sizes(result)}

    def _sizes(self, result: Any) -> list[float]:
        """The mean size of the elements of each tensor that came out, the same in all libraries."""
        if isinstance(result, self.torch.Tensor):
            return [float(result.detach().double().abs().mean())]
        if isinstance(result, (tuple, list)):
            return [size for each in result for size in self._sizes(each)]
        return []

    def peaks(self, seconds: float) -> dict[str, float]:
        from benchmarks.machine import peaks

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
            bench.set_up = None
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
