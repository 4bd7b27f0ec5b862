"""A process that imports a library, trains the ConvNet for a few steps, and tells its memory.

``python -m benchmarks.fresh LIBRARY THREADS BATCH SIZE STEPS`` prints megabytes: the most that
were in use until the library was imported, and until the last step had ended.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """The most memory that this process has used so far.

    Linux counts in ru_maxrss what the process that started this one had in use: its own figure
    stands in /proc.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def main(library: str, threads: str, batch: str, size: str, steps: str) -> None:
    torch = importlib.import_module(library)
    imported = peak_megabytes()
    from benchmarks.rows.training import convnet_adam

    torch.set_num_threads(int(threads))
    step = convnet_adam(torch, int(batch), int(size))
    for _ in range(int(steps)):
        step.run()
    print(f'{{"imported": {imported}, "peak": {peak_megabytes()}}}', flush=True)
    os._exit(0)  # the end of the step is the end: what leaving Python takes is not asked


if __name__ == "__main__":
    main(*sys.argv[1:])
