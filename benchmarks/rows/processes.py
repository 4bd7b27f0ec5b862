"""What a whole process takes: its start, and its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.row import Step, row
from benchmarks.rows.training import IMAGES, TINY


def fresh_process(torch: Any, batch: int, size: int, steps: int) -> dict[str, float]:
    """Import the library in a process of its own, and train the ConvNet for a few steps."""
    command = [sys.executable, "-m", "benchmarks.fresh", torch.__name__]
    command += map(str, (torch.get_num_threads(), batch, size, steps))
    # As after an installation: what Python compiled once is there the next time.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


@row(floor=3.0, aim=5.0, warm_up=0, sizes=IMAGES, tiny=TINY)
def first_step(torch: Any, batch: int, size: int) -> Step:
    """From the start of Python to the end of the first training step of the ConvNet."""
    return Step(lambda: fresh_process(torch, batch, size, steps=1))


@row(floor=1.0, aim=2.0, unit="MB", warm_up=0, sizes=IMAGES, tiny=TINY)
def peak_memory(torch: Any, batch: int, size: int) -> Step:
    """Most memory of a process that imports the library and trains the ConvNet."""
    return Step(lambda: fresh_process(torch, batch, size, steps=3)["peak"])


@row(floor=1.0, aim=2.0, unit="MB", warm_up=0, sizes=IMAGES, tiny=TINY)
def training_memory(torch: Any, batch: int, size: int) -> Step:
    """The same without what the process had in use after the import."""

    def run():
        memory = fresh_process(torch, batch, size, steps=3)
        return memory["peak"] - memory["imported"]

    return Step(run)
