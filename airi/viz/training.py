"""Pictures of a training run: loss and accuracy, confusion matrix, learned filters."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from airi.utils.files import replacing

_Path = str | os.PathLike[str]


def _figure(width: float, height: float) -> Any:
    """A figure without a window, and without changing matplotlib's settings for others."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "pictures of a training run need matplotlib: pip install 'airi[plot]'"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: _Path) -> None:
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)


def curves(history: Sequence[Mapping[str, float]], path: _Path) -> None:
    """Loss and accuracy of training and test data over the epochs, as a PNG file."""
    figure = _figure(9, 3.6)
    axes = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for axis, what in zip(axes, ("loss", "accuracy"), strict=True):
        for part, marker in (("train", "o"), ("test", "s")):
            axis.plot(epochs, [row[f"{part}_{what}"] for row in history], marker=marker, label=part)
        axis.set(xlabel="epoch", ylabel=what)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        axis.legend()
    _save(figure, path)


def confusion(
    labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str], path: _Path
) -> None:
    """How many images of each class (rows) were taken for which class (columns), as a PNG file."""
    count = len(classes)
    matrix = np.bincount(labels * count + predicted, minlength=count * count).reshape(count, count)
    figure = _figure(7, 6.4)
    axis = figure.subplots()
    image = axis.imshow(matrix, cmap="Blues")
    figure.colorbar(image, ax=axis, shrink=0.8)
    axis.set(xlabel="predicted", ylabel="true", xticks=range(count), yticks=range(count))
    axis.set_xticklabels(classes, rotation=45, ha="right")
    axis.set_yticklabels(classes)
    for row in range(count):
        for column in range(count):
            color = "white" if matrix[row, column] > matrix.max() / 2 else "black"
            axis.text(column, row, matrix[row, column], ha="center", va="center", color=color)
    _save(figure, path)


def filters(weights: np.ndarray, path: _Path) -> None:
    """A grid of filters (F, C, H, W) as a PNG file: in colour for 3 channels, else their mean.

    Each filter is scaled to the full range on its own.
    """
    weights = weights[:64]
    columns = int(np.ceil(np.sqrt(len(weights))))
    rows = -(-len(weights) // columns)
    figure = _figure(1.2 * columns, 1.2 * rows)
    for axis in np.ravel(figure.subplots(rows, columns, squeeze=False)):
        axis.axis("off")
    for axis, each in zip(figure.axes, weights, strict=False):
        picture = each.transpose(1, 2, 0) if each.shape[0] == 3 else each.mean(0)
        low, high = picture.min(), picture.max()
        axis.imshow((picture - low) / ((high - low) or 1), cmap="gray", interpolation="nearest")
    _save(figure, path)
