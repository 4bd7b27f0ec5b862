"""Convolution and pooling kernels of airi beside PyTorch's.

    python benchmarks/bench_conv.py --threads 1 2

Each library runs in a process of its own (two OpenMP runtimes in one process disturb each other).
The processes take turns: in every round each measures each case once, so that a busy moment of
the machine hits both. A ratio is PyTorch's time over airi's, the median over the rounds; above 1
airi is faster. A third process, airi's plain NumPy reference, joins with --reference.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

# name: batch, channels, height, width, filters, kernel, stride, padding, dilation, groups
CONVOLUTIONS = {
    "course layer 1": (128, 3, 32, 32, 16, 5, 1, 0, 1, 1),
    "course layer 2": (128, 16, 28, 28, 16, 5, 1, 0, 1, 1),
    "LeNet layer 1": (128, 1, 28, 28, 6, 5, 1, 2, 1, 1),
    "stem 7x7 stride 2": (32, 3, 224, 224, 64, 7, 2, 3, 1, 1),
    "64 ch 56x56 3x3": (32, 64, 56, 56, 64, 3, 1, 1, 1, 1),
    "1x1 64 -> 256": (32, 64, 56, 56, 256, 1, 1, 0, 1, 1),
    "stride 2 128 ch": (32, 128, 28, 28, 128, 3, 2, 1, 1, 1),
    "256 ch 14x14 3x3": (32, 256, 14, 14, 256, 3, 1, 1, 1, 1),
    "512 ch 7x7 3x3": (8, 512, 7, 7, 512, 3, 1, 1, 1, 1),
    "1 -> 32 28x28 3x3": (64, 1, 28, 28, 32, 3, 1, 1, 1, 1),
    "32 -> 64 26x26 3x3": (64, 32, 26, 26, 64, 3, 1, 0, 1, 1),
    "dilation 2 64 ch": (8, 64, 28, 28, 64, 3, 1, 2, 2, 1),
    "4 groups 64 ch": (16, 64, 28, 28, 64, 3, 1, 1, 1, 4),
    "depthwise 96 ch": (32, 96, 56, 56, 96, 3, 1, 1, 1, 96),
}
# name: batch, channels, height, width, kernel, stride, padding
POOLS = {
    "pool 2x2": (64, 32, 56, 56, 2, 2, 0),
    "pool 3x3 stride 2": (64, 32, 56, 56, 3, 2, 1),
}


def convolution_functions(library: str, sizes: tuple[int, ...]) -> dict[str, Callable]:
    """What to time for one convolution."""
    batch, channels, height, width, filters, kernel, stride, padding, dilation, groups = sizes
    rng = np.random.default_rng(0)
    out_height, out_width = (
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1 for size in (height, width)
    )
    x = rng.standard_normal((batch, channels, height, width), dtype=np.float32)
    w = rng.standard_normal((filters, channels // groups, kernel, kernel), dtype=np.float32)
    bias = rng.standard_normal(filters, dtype=np.float32)
    g = rng.standard_normal((batch, filters, out_height, out_width), dtype=np.float32)
    if library == "torch":
        import torch

        x, w, bias, g = map(torch.from_numpy, (x, w, bias, g))
        steps = [[stride] * 2, [padding] * 2, [dilation] * 2]

        def backward(*mask):
            return torch.ops.aten.convolution_backward(
                g, x, w, None, *steps, False, [0, 0], groups, mask
            )

        return {
            "forward": lambda: torch.conv2d(x, w, bias, *steps, groups),
            "input grad": lambda: backward(True, False, False),
            "weight grad": lambda: backward(False, True, False),
        }
    kernels = airi_kernels(library)
    steps = ((stride,) * 2, (padding,) * 2, (dilation,) * 2, groups)
    return {
        "forward": lambda: kernels.conv2d_forward(x, w, bias, *steps),
        "input grad": lambda: kernels.conv2d_input_grad(g, w, (height, width), *steps),
        "weight grad": lambda: kernels.conv2d_weight_grad(g, x, (kernel, kernel), *steps),
    }


def pool_functions(library: str, sizes: tuple[int, ...]) -> dict[str, Callable]:
    """What to time for one pooling."""
    batch, channels, height, width, kernel, stride, padding = sizes
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, channels, height, width), dtype=np.float32)
    size = tuple((n + 2 * padding - kernel) // stride + 1 for n in (height, width))
    g = rng.standard_normal((batch, channels, *size), dtype=np.float32)
    pairs = [(n, n) for n in (kernel, stride, padding)]
    if library == "torch":
        import torch

        x, g = torch.from_numpy(x), torch.from_numpy(g)
        aten = torch.ops.aten
        indices = aten.max_pool2d_with_indices(x, *pairs)[1]
        return {
            "max forward": lambda: aten.max_pool2d_with_indices(x, *pairs),
            "max backward": lambda: aten.max_pool2d_with_indices_backward(
                g, x, *pairs, (1, 1), False, indices
            ),
            "mean forward": lambda: aten.avg_pool2d(x, *pairs),
            "mean backward": lambda: aten.avg_pool2d_backward(g, x, *pairs, False, True, None),
        }
    kernels = airi_kernels(library)
    indices = kernels.max_pool2d_forward(x, *pairs, (1, 1), size)[1]
    plane = (height, width)
    return {
        "max forward": lambda: kernels.max_pool2d_forward(x, *pairs, (1, 1), size),
        "max backward": lambda: kernels.max_pool2d_backward(g, indices, plane),
        "mean forward": lambda: kernels.avg_pool2d_forward(x, *pairs, size, True, None),
        "mean backward": lambda: kernels.avg_pool2d_backward(g, plane, *pairs, True, None),
    }


def airi_kernels(library: str):
    """The compiled kernels, or the reference."""
    from airi.ops import conv_ref, kernels

    return kernels.implementation() if library == "airi" else conv_ref


def functions(library: str, name: str) -> dict[str, Callable]:
    if name in CONVOLUTIONS:
        return convolution_functions(library, CONVOLUTIONS[name])
    return pool_functions(library, POOLS[name])


def serve(library: str) -> None:
    """Measure the cases whose names come in, one a line; milliseconds go out as JSON."""
    for line in sys.stdin:
        times = {}
        for operation, function in functions(library, line.strip()).items():
            function()
            repeats, started = [], time.perf_counter()
            while len(repeats) < 5 or (time.perf_counter() - started < 0.1 and len(repeats) < 50):
                before = time.perf_counter()
                function()
                repeats.append(time.perf_counter() - before)
            times[operation] = statistics.median(repeats) * 1e3
        print(json.dumps(times), flush=True)


class Process:
    """One library in a process of its own."""

    def __init__(self, library: str, threads: int):
        root = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONPATH=path)
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def measure(self, name: str) -> dict[str, float]:
        print(name, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"bench_conv: a measuring process ended while it measured {name!r}")
        return json.loads(line)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(threads: int, names: list[str], rounds: int, reference: bool) -> None:
    """Print one table."""
    libraries = ["airi", "torch"] + ["reference"] * reference
    processes = {library: Process(library, threads) for library in libraries}
    others = "".join(f"{library + '/airi':>16}" for library in libraries[1:])
    print(f"\n{threads} thread(s)\n{'case':<20}{'operation':<16}{'airi ms':>9}{others}")
    for name in names:
        results = {library: [] for library in libraries}
        for _ in range(rounds):
            for library, process in processes.items():
                results[library].append(process.measure(name))
        for operation in results["airi"][0]:
            airi = [times[operation] for times in results["airi"]]
            row = f"{name:<20}{operation:<16}{statistics.median(airi):9.3f}"
            for library in libraries[1:]:
                other = [times[operation] for times in results[library]]
                ratios = [theirs / ours for theirs, ours in zip(other, airi, strict=True)]
                row += f"{statistics.median(ratios):16.2f}"
            print(row, flush=True)
    for process in processes.values():
        process.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--reference", action="store_true", help="airi's NumPy kernels too")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    names = [name for name in (*CONVOLUTIONS, *POOLS) if options.only in name]
    for threads in options.threads:
        compare(threads, names, options.rounds, options.reference)


if __name__ == "__main__":
    main()
