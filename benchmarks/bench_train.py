"""The course's training steps, airi beside PyTorch.

    pip install torch==2.13.0
    python benchmarks/bench_train.py --threads 1 2

Each library runs in processes of its own (two OpenMP runtimes in one process disturb each other),
in turn, so that a machine whose speed drifts drifts for both. Quoted is the median over the rounds
of PyTorch's time divided by airi's: above 1 airi is faster.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

OPTIMIZERS = ("sgd", "momentum", "adam")
MODELS = ("convnet", "two-layer", "softmax")


def measure(library: str, model: str, optimizer: str, threads: int, seconds: float) -> float:
    """Seconds per training step on batches of 128 images of CIFAR-10's size."""
    if library == "torch":
        import torch
        import torch.nn.functional as F
        from torch import nn, optim
    else:
        import airi as torch
        import airi.nn.functional as F
        from airi import nn, optim

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers = {
        "convnet": lambda: [
            nn.Conv2d(3, 16, 5),
            nn.ReLU(),
            nn.Conv2d(16, 16, 5),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * 24 * 24, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        ],
        "two-layer": lambda: [nn.Flatten(), nn.Linear(3072, 100), nn.ReLU(), nn.Linear(100, 10)],
        "softmax": lambda: [nn.Flatten(), nn.Linear(3072, 10)],
    }
    network = nn.Sequential(*layers[model]())
    step = {
        "sgd": lambda p: optim.SGD(p, lr=0.01),
        "momentum": lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
        "adam": lambda p: optim.Adam(p),
    }[optimizer](network.parameters())
    images = torch.randn(128, 3, 32, 32)
    labels = torch.randint(0, 10, (128,))

    def train() -> None:
        step.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        step.step()

    for _ in range(5):
        train()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        train()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def in_own_process(library: str, *settings: object) -> float:
    command = [sys.executable, __file__, "--measure", library, *map(str, settings)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        library, model, optimizer, threads, seconds = chosen.measure
        print(measure(library, model, optimizer, int(threads), float(seconds)))
        return
    print(
        f"{'step':22}{'threads':>8}{'airi ms':>10}{'torch ms':>10}{'ratio':>8}  (lowest, highest)"
    )
    for model in MODELS:
        for optimizer in OPTIMIZERS if model == "convnet" else ("sgd",):
            for threads in chosen.threads:
                pairs = []
                for _ in range(chosen.rounds):
                    settings = (model, optimizer, threads, chosen.seconds)
                    pairs.append(
                        (in_own_process("airi", *settings), in_own_process("torch", *settings))
                    )
                ratios = sorted(theirs / ours for ours, theirs in pairs)
                ours, theirs = (1e3 * statistics.median(each) for each in zip(*pairs, strict=True))
                print(
                    f"{model + ', ' + optimizer:22}{threads:8}{ours:10.2f}{theirs:10.2f}"
                    f"{statistics.median(ratios):8.2f}  ({ratios[0]:.2f}, {ratios[-1]:.2f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
