"""The machine: what it is, and how fast it is at best."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def describe() -> dict[str, str]:
    """Processor, system, versions."""
    versions = {"Python": platform.python_version(), "NumPy": np.__version__}
    if has_torch():
        versions["PyTorch"] = importlib.metadata.version("torch")
    return {
        "processor": f"{_processor()}, {_processors()} processors",
        "system": platform.platform(),
        "BLAS of NumPy": _blas(),
        "airi": _airi(),
        **versions,
    }


def has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _blas() -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"


def _airi() -> str:
    """The version, and the commit where there is a repository."""
    from airi import __version__

    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{__version__} ({commit})"


def busy_seconds() -> float:
    """What all programs together have had of the processors so far; 0 where Linux does not tell."""
    counts = Path("/proc/stat")
    if not counts.exists():
        return 0.0
    user, nice, system, _, _, *taken = map(int, counts.read_text().split()[1:9])
    return (user + nice + system + sum(taken)) / os.sysconf("SC_CLK_TCK")


def peaks(torch: Any, seconds: float) -> dict[str, float]:
    """The most GFLOP/s and GB/s that this library, or NumPy beside it, reaches."""
    n, channels, side = 1536, 256, 28
    a, b = torch.randn(n, n), torch.randn(n, n)
    first, second = a.numpy(), b.numpy()
    images, filters = torch.randn(8, channels, side, side), torch.randn(channels, channels, 1, 1)
    matrix_flops = 2 * n**3
    filter_flops = 2 * 8 * side**2 * channels**2
    arithmetic = [
        matrix_flops / _fastest(lambda: a @ b, seconds),
        matrix_flops / _fastest(lambda: first @ second, seconds),
        filter_flops / _fastest(lambda: torch.nn.functional.conv2d(images, filters), seconds),
    ]
    elements = 1 << 24  # far more than a cache holds
    x, y, out = torch.ones(elements), torch.ones(elements), torch.ones(elements)
    numpy_x, numpy_y, numpy_out = x.numpy(), y.numpy(), out.numpy()
    moved = 3 * 4 * elements  # two are read, one is written
    memory = [
        moved / _fastest(lambda: torch.add(x, y, alpha=3.0, out=out), seconds),
        moved / _fastest(lambda: np.add(numpy_x, numpy_y, out=numpy_out), seconds),
    ]
    return {"GFLOP/s": max(arithmetic) / 1e9, "GB/s": max(memory) / 1e9}


def _fastest(function: Callable[[], object], seconds: float) -> float:
    """The least time that a call takes."""
    function()
    taken, end = [], time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return min(taken)
