"""The ConvNet on all of CIFAR-10, airi beside PyTorch: the same weights, the same batches.

    pip install torch==2.13.0
    python benchmarks/cifar10_parity.py DIR --steps 100            # float64: do the losses agree?
    python benchmarks/cifar10_parity.py DIR --epochs 20            # float32: time and accuracy

DIR holds CIFAR-10 in its binary version. Both libraries run in processes of their own and read the
initial weights and the order of the batches from one NumPy file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

EPOCH = "  epoch {epoch:2}  {seconds:6.2f} s  loss {loss:.4f}  test accuracy {accuracy:.2%}"
SHAPES = {
    "0.weight": (16, 3, 5, 5),
    "0.bias": (16,),
    "2.weight": (16, 16, 5, 5),
    "2.bias": (16,),
    "5.weight": (120, 9216),
    "5.bias": (120,),
    "7.weight": (84, 120),
    "7.bias": (84,),
    "9.weight": (10, 84),
    "9.bias": (10,),
}


def initial_weights() -> dict[str, np.ndarray]:
    """Uniform in +-1/sqrt(fan in), as PyTorch starts its layers."""
    rng = np.random.default_rng(0)
    fan_in = {name.split(".")[0]: int(np.prod(s[1:])) for name, s in SHAPES.items() if len(s) > 1}
    return {
        name: rng.uniform(-1, 1, shape) / np.sqrt(fan_in[name.split(".")[0]])
        for name, shape in SHAPES.items()
    }


def run(library: str, folder: str, weights: str, dtype: str, steps: int, epochs: int) -> None:
    """Train and print one JSON line per epoch, or one with all losses for `steps`."""
    from airi.datasets import CIFAR10

    train, test = CIFAR10(folder, train=True), CIFAR10(folder, train=False)
    if library == "torch":
        import torch
        import torch.nn.functional as F
        from torch import nn, optim
    else:
        import airi as torch
        import airi.nn.functional as F
        from airi import nn, optim

    torch.set_num_threads(2)
    number = np.dtype(dtype)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 5),
        nn.ReLU(),
        nn.Conv2d(16, 16, 5),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(9216, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
    if dtype == "float64":
        network = network.double()
    with np.load(weights) as file:
        state = {name: torch.from_numpy(file[name].astype(number)) for name in SHAPES}
    network.load_state_dict(state)
    optimizer = optim.Adam(network.parameters(), lr=1e-3)
    images, labels = train.images().astype(number), train.labels()
    test_images, test_labels = test.images().astype(number), test.labels()
    losses = []
    for epoch in range(1, max(epochs, 1) + 1):
        order = np.random.default_rng(epoch).permutation(len(images))
        start = time.perf_counter()
        for first in range(0, len(order), 128):
            batch = order[first : first + 128]
            optimizer.zero_grad()
            scores = network(torch.from_numpy(images[batch]))
            loss = F.cross_entropy(scores, torch.from_numpy(labels[batch]))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if steps and len(losses) == steps:
                print(json.dumps(losses))
                return
        seconds = time.perf_counter() - start
        right = 0
        with torch.no_grad():
            for first in range(0, len(test_images), 500):
                scores = network(torch.from_numpy(test_images[first : first + 500]))
                predicted = scores.numpy().argmax(1)
                right += int((predicted == test_labels[first : first + 500]).sum())
        mean = float(np.mean(losses[-(len(order) // 128) :]))
        row = {
            "epoch": epoch,
            "seconds": seconds,
            "loss": mean,
            "accuracy": right / len(test_images),
        }
        print(json.dumps(row), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--steps", type=int, default=0, help="compare so many losses in float64")
    parser.add_argument("--epochs", type=int, default=0, help="train so many epochs in float32")
    parser.add_argument("--library", choices=["airi", "torch"], help=argparse.SUPPRESS)
    parser.add_argument("--weights", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    dtype = "float64" if chosen.steps else "float32"
    if chosen.library:
        run(chosen.library, chosen.folder, chosen.weights, dtype, chosen.steps, chosen.epochs)
        return
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.npz"
        np.savez(weights, **initial_weights())
        outputs = {}
        for library in ("airi", "torch"):
            command = [sys.executable, __file__, *sys.argv[1:], "--library", library]
            print(f"{library}:", flush=True)
            done = subprocess.Popen(
                [*command, "--weights", str(weights)], stdout=subprocess.PIPE, text=True
            )
            assert done.stdout is not None
            lines = []
            for line in done.stdout:
                lines.append(json.loads(line))
                if chosen.epochs:
                    print(EPOCH.format(**lines[-1]), flush=True)
            if done.wait():
                sys.exit(done.returncode)
            outputs[library] = lines
    if chosen.steps:
        ours, theirs = (np.array(outputs[library][0]) for library in ("airi", "torch"))
        print(f"losses of {len(ours)} steps: largest difference {np.abs(ours - theirs).max():.2e}")


if __name__ == "__main__":
    main()
