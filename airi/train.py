"""Train the course's networks: ``airi train`` or ``python -m airi.train``.

The ConvNet on the sample of Fashion-MNIST that comes with airi::

    airi train

All of CIFAR-10, stopped with Ctrl-C and gone on with later::

    airi train --data cifar10 --out runs/cifar10
    airi train --data cifar10 --out runs/cifar10 --resume
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import math
import os
import pickle
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import airi
from airi import datasets, nn, optim
from airi.nn import functional as F
from airi.utils.data import DataLoader, TensorDataset
from airi.utils.files import replacing

CHECKPOINT = "checkpoint.airi"


# -- the networks -----------------------------------------------------------------------------


def convnet(channels: int, height: int, width: int, classes: int) -> nn.Module:
    """conv 16 5x5, relu, conv 16 5x5, relu, flatten, linear 120, relu, linear 84, relu, linear."""
    features = 16 * (height - 8) * (width - 8)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 16, 5),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(16, 16, 5),
            relu2=nn.ReLU(),
            flatten=nn.Flatten(),
            fc1=nn.Linear(features, 120),
            relu3=nn.ReLU(),
            fc2=nn.Linear(120, 84),
            relu4=nn.ReLU(),
            fc3=nn.Linear(84, classes),
        )
    )


def two_layer(channels: int, height: int, width: int, classes: int) -> nn.Module:
    """flatten, linear 100, relu, linear."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(channels * height * width, 100),
            relu=nn.ReLU(),
            fc2=nn.Linear(100, classes),
        )
    )


def softmax(channels: int, height: int, width: int, classes: int) -> nn.Module:
    """flatten, linear: a softmax classifier on the pixels."""
    return nn.Sequential(
        OrderedDict(flatten=nn.Flatten(), fc=nn.Linear(channels * height * width, classes))
    )


MODELS = {"convnet": convnet, "two-layer": two_layer, "softmax": softmax}


def _momentum(parameters: Any, lr: float) -> optim.Optimizer:
    return optim.SGD(parameters, lr=lr, momentum=0.9)


# Name on the command line: how it is made, and a learning rate that suits the ConvNet.
OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], float]] = {
    "sgd": (optim.SGD, 0.05),
    "momentum": (_momentum, 0.01),
    "adagrad": (optim.Adagrad, 0.01),
    "rmsprop": (optim.RMSprop, 0.0005),
    "adam": (optim.Adam, 0.001),
    "adamw": (optim.AdamW, 0.001),
}


# -- settings and data ------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run is: with the same settings it gives the same numbers."""

    data: str = "sample"
    model: str = "convnet"
    optimizer: str = "adam"
    lr: float = 0.001
    batch_size: int = 128
    seed: int = 0


@dataclasses.dataclass
class Data:
    """Training and test images, normalised, with labels, and the names of the classes."""

    train: TensorDataset
    test: TensorDataset
    classes: list[str]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        _, channels, height, width = self.train.tensors[0].shape
        return channels, height, width


def load_data(name: str) -> Data:
    """``sample``, ``fashion-mnist``, ``cifar10`` or a folder that holds one of the latter two."""
    kinds: dict[str, Callable[[bool], Any]] = {
        "sample": lambda train: datasets.FashionMNISTSample(train=train),
        "fashion-mnist": lambda train: datasets.FashionMNIST(train=train, download=True),
        "cifar10": lambda train: datasets.CIFAR10(train=train, download=True),
    }
    if name in kinds:
        return _as_data(kinds[name](True), kinds[name](False))
    folder = Path(name)
    if not name or not folder.is_dir():
        raise FileNotFoundError(
            f"--data {name!r}: no such folder; expected {', '.join(kinds)} or a folder with the "
            "files of CIFAR-10 (binary version) or Fashion-MNIST"
        )
    tried = []
    for kind in (datasets.CIFAR10, datasets.FashionMNIST):
        try:
            return _as_data(kind(folder, train=True), kind(folder, train=False))
        except datasets.DatasetError as error:
            tried.append(str(error))
    raise datasets.DatasetError(f"--data {name}: no data set was found there\n" + "\n".join(tried))


def _as_data(train: Any, test: Any) -> Data:
    in_training, in_test = (
        TensorDataset(airi.from_numpy(each.images()), airi.from_numpy(each.labels()))
        for each in (train, test)
    )
    return Data(in_training, in_test, list(train.classes))


# -- the run ----------------------------------------------------------------------------------


class Run:
    """A model in training: epochs done, their history, and the checkpoint in its folder."""

    def __init__(self, settings: Settings, data: Data, out: Path) -> None:
        self.settings = settings
        self.data = data
        self.out = out
        self.history: list[dict[str, float]] = []
        airi.manual_seed(settings.seed)
        self.model = MODELS[settings.model](*data.image_shape, len(data.classes))
        make, _ = OPTIMIZERS[settings.optimizer]
        self.optimizer = make(self.model.parameters(), lr=settings.lr)

    @property
    def epoch(self) -> int:
        """The number of epochs that are done."""
        return len(self.history)

    def batches(self, epoch: int) -> DataLoader:
        """The training data in an order that depends on the seed and the epoch alone."""
        order = airi.Generator().manual_seed(self.settings.seed * 100_003 + epoch)
        size = self.settings.batch_size
        return DataLoader(self.data.train, batch_size=size, shuffle=True, generator=order)

    def train_epoch(self, show: Callable[[Any], Any]) -> dict[str, float]:
        """One pass over the training data; `show` wraps the batches in a progress bar."""
        self.model.train()
        seen = right = 0
        total = 0.0
        start = time.perf_counter()
        bar = show(self.batches(self.epoch))
        for images, labels in bar:
            self.optimizer.zero_grad()
            scores = self.model(images)
            loss = F.cross_entropy(scores, labels)
            loss.backward()
            self.optimizer.step()
            seen += len(labels)
            total += loss.item() * len(labels)
            right += _count_right(scores, labels)
            if hasattr(bar, "set_postfix_str"):
                rate = seen / (time.perf_counter() - start)
                bar.set_postfix_str(
                    f"loss {total / seen:.4f}, accuracy {right / seen:.1%}, {rate:,.0f} images/s",
                    refresh=False,
                )
        seconds = time.perf_counter() - start
        return {"train_loss": total / seen, "train_accuracy": right / seen, "seconds": seconds}

    def evaluate(self) -> tuple[float, np.ndarray]:
        """The mean loss over the test data, and the predicted class of each test image."""
        self.model.eval()
        total = 0.0
        predicted = []
        with airi.no_grad():
            for images, labels in DataLoader(self.data.test, batch_size=500):
                scores = self.model(images)
                total += F.cross_entropy(scores, labels, reduction="sum").item()
                predicted.append(scores.numpy().argmax(1))
        return total / len(self.data.test), np.concatenate(predicted)

    def fit(self, epochs: int, show: Callable[[Any], Any], say: Callable[[str], Any]) -> None:
        """Train until `epochs` are done, with a checkpoint after each.

        Raises FloatingPointError where the loss is no longer finite, and FileExistsError where
        another run has put its checkpoint into the folder.
        """
        while self.epoch < epochs:
            row: dict[str, float] = {"epoch": self.epoch + 1, **self.train_epoch(show)}
            if not math.isfinite(row["train_loss"]):
                raise FloatingPointError(
                    f"the loss became {row['train_loss']} in epoch {row['epoch']}, which is not "
                    f"saved; a learning rate below {self.settings.lr} (--lr) may help"
                )
            row["test_loss"], predicted = self.evaluate()
            labels = self.data.test.tensors[1].numpy()
            row["test_accuracy"] = float((predicted == labels).mean())
            if not self.history and (self.out / CHECKPOINT).exists():
                raise FileExistsError(
                    f"another run has written a checkpoint to {self.out} since this one began; "
                    "name another folder with --out"
                )
            self.history.append(row)
            self.save_checkpoint()
            say(
                f"epoch {row['epoch']:>3} of {epochs}: "
                f"train loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.1%}; "
                f"test loss {row['test_loss']:.4f}, accuracy {row['test_accuracy']:.1%}; "
                f"{row['seconds']:.1f} s"
            )

    def save_checkpoint(self) -> None:
        """Write all that going on needs; an older checkpoint is replaced in one step."""
        content = {
            "settings": dataclasses.asdict(self.settings),
            "history": self.history,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        airi.save(content, self.out / CHECKPOINT)

    def resume(self) -> None:
        """Go on from the checkpoint in the folder.

        Raises FileNotFoundError where there is none and ValueError where it is of another run
        or no checkpoint.
        """
        path = self.out / CHECKPOINT
        if not path.exists():
            raise FileNotFoundError(f"--resume: there is no checkpoint {path}")
        content = airi.load(path)
        expected = {"settings", "history", "model", "optimizer"}
        if not isinstance(content, dict) or not expected <= content.keys():
            raise ValueError(f"--resume: {path} is no checkpoint of airi train")
        theirs, ours = content["settings"], dataclasses.asdict(self.settings)
        differing = [key for key in ours if ours[key] != theirs.get(key)]
        if differing:
            details = ", ".join(f"{key} was {theirs.get(key)}, is {ours[key]}" for key in differing)
            raise ValueError(f"--resume: {path} is of a run with other settings: {details}")
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.history = content["history"]

    def report(self) -> None:
        """Write history.csv, the weights and the pictures into the folder."""
        from airi.viz import training

        with replacing(self.out / "history.csv", "w") as file:
            writer = csv.DictWriter(file, list(self.history[0]))
            writer.writeheader()
            writer.writerows(self.history)
        airi.save(self.model.state_dict(), self.out / "model.airi")
        training.curves(self.history, self.out / "curves.png")
        labels = self.data.test.tensors[1].numpy()
        _, predicted = self.evaluate()
        training.confusion(labels, predicted, self.data.classes, self.out / "confusion.png")
        filters = next(self.model.parameters()).detach().numpy()
        if self.settings.model != "convnet":
            filters = filters.reshape(-1, *self.data.image_shape)
        training.filters(filters, self.out / "filters.png")
        self._draw()

    def _draw(self) -> None:
        """The graph of a step on two images; as dot text where nothing can lay it out."""
        from airi import viz
        from airi.viz.layout import find_engine

        images, labels = (each[:2] for each in self.data.train.tensors)
        self.model.train()
        picture = viz.draw(F.cross_entropy(self.model(images), labels))
        picture.save(self.out / ("graph.svg" if find_engine() else "graph.dot"))


def _count_right(scores: airi.Tensor, labels: airi.Tensor) -> int:
    return int((scores.detach().numpy().argmax(1) == labels.numpy()).sum())


# -- the command ------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The command line of ``airi train``."""
    result = argparse.ArgumentParser(
        prog="airi train", description="Train the course's networks, by default the ConvNet."
    )
    add = result.add_argument
    add("--data", default="sample", metavar="sample|fashion-mnist|cifar10|DIR")
    add("--model", default="convnet", choices=list(MODELS))
    add("--optimizer", default="adam", choices=list(OPTIMIZERS))
    add("--lr", type=_positive_float, help="learning rate (default: one that suits the optimizer)")
    add("--epochs", type=_positive_int, default=20, help="passes over the data (default 20)")
    add("--batch-size", type=_positive_int, default=128)
    add("--seed", type=int, default=0)
    add("--threads", type=_positive_int, help="threads (default: one per processor)")
    add("--out", type=Path, help="folder of checkpoint and report (default runs/DATA-MODEL)")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    return result


def _positive_int(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be a positive whole number, got {text!r}")
    return value


def _positive_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text!r}")
    return value


def _require_extras() -> None:
    """Before hours of training rather than after: what the bar and the report need."""
    try:
        import graphviz  # noqa: F401
        import matplotlib  # noqa: F401
        import tqdm  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"the package {error.name} is needed: pip install 'airi[train]'"
        ) from error


# What a wrong argument, file or folder can lead to; it is told in a line, without a traceback.
_USERS_ERRORS = (
    FloatingPointError,
    ImportError,
    OSError,
    RuntimeError,
    ValueError,
    pickle.UnpicklingError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``airi train`` with these arguments; returns the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        return _train(chosen)
    except _USERS_ERRORS as error:
        print(f"airi train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the training, or in the report
        print("\nairi train: stopped", file=sys.stderr)
        return 130


def _train(chosen: argparse.Namespace) -> int:
    _require_extras()
    if chosen.threads:
        airi.set_num_threads(chosen.threads)
    settings = Settings(
        data=chosen.data,
        model=chosen.model,
        optimizer=chosen.optimizer,
        lr=chosen.lr or OPTIMIZERS[chosen.optimizer][1],
        batch_size=chosen.batch_size,
        seed=chosen.seed,
    )
    name = chosen.data if chosen.data in ("sample", "fashion-mnist", "cifar10") else "folder"
    out = chosen.out or Path("runs") / f"{name}-{chosen.model}"
    if not chosen.resume and (out / CHECKPOINT).exists():
        raise ValueError(
            f"{out} holds the checkpoint of an earlier run: go on with --resume, or name another "
            "folder with --out"
        )
    run = Run(settings, load_data(chosen.data), out)
    if chosen.resume:
        run.resume()
    _make_folder(out)
    return _fit_and_report(run, chosen.epochs)


def _make_folder(out: Path) -> None:
    """Make the folder of the results; OSError, before any training, if it cannot be written."""
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"--out {out}: this is a file; expected a folder")
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK | os.X_OK):
        raise PermissionError(f"--out {out}: nothing can be written to this folder")


def _fit_and_report(run: Run, epochs: int) -> int:
    from tqdm import tqdm

    parameters = sum(each.numel() for each in run.model.parameters())
    print(
        f"{run.settings.model} with {parameters:,} parameters, {len(run.data.train):,} training "
        f"and {len(run.data.test):,} test images, {airi.get_num_threads()} threads; results in "
        f"{run.out}"
    )

    def show(batches: DataLoader) -> Iterator[Any]:
        label = f"epoch {run.epoch + 1}/{epochs}"
        return tqdm(batches, label, unit="batch", leave=False, dynamic_ncols=True)

    try:
        run.fit(epochs, show, tqdm.write)
    except KeyboardInterrupt:
        if run.history:
            print(
                f"\nstopped: {run.epoch} of {epochs} epochs are done and saved; "
                "the same command with --resume goes on"
            )
        else:
            print("\nstopped in the first epoch: nothing is saved; the same command begins anew")
        return 130
    if not run.history:
        return 0
    run.report()
    last = run.history[-1]
    print(f"test accuracy {last['test_accuracy']:.1%}; the report is in {run.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
