#!/usr/bin/env python3
"""Make the sample of Fashion-MNIST that is part of airi.

    python tools/make_sample.py [FOLDER]

FOLDER holds the four idx files; without it they are looked for where airi keeps its data, and
downloaded. The result is the same, byte for byte, whenever NumPy and zlib are.
"""

import os
import sys
from pathlib import Path

import numpy as np

from airi.datasets import FashionMNIST

OUT = Path(__file__).parents[1] / "airi" / "datasets" / "sample" / "fashion_mnist_sample.npz"
PER_CLASS = {"train": 500, "test": 100}


def main(folder: str | None) -> None:
    arrays = {}
    for split, count in PER_CLASS.items():
        data = FashionMNIST(folder, train=split == "train", download=True)
        labels = data.labels().astype(np.uint8)
        firsts = [np.flatnonzero(labels == each)[:count] for each in range(len(data.classes))]
        rows = np.sort(np.concatenate(firsts))  # the original order: classes well mixed
        arrays[f"{split}_images"] = data.data.numpy()[rows]
        arrays[f"{split}_labels"] = labels[rows]
    part = OUT.with_suffix(".part.npz")
    np.savez_compressed(part, **arrays)
    os.replace(part, OUT)
    print(f"{OUT}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
