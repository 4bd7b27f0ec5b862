"""The row of `airi/ops/ctc.py`."""

import numpy as np

from .row import Row, call, real

REPEATED = np.array([[1, 2, 2], [2, 2, 2]])


def _ctc_loss(x, targets, input_lengths, target_lengths, blank=0, reduction="mean", **_):
    """The sum over every path of a batch that the blanks and repetitions reduce to the target."""
    losses = []
    for n, (steps, length) in enumerate(zip(input_lengths, target_lengths)):
        classes = x.shape[2]
        paths = np.stack(np.unravel_index(np.arange(classes**steps), (classes,) * steps), 1)
        wanted = targets[n, :length].tolist()
        total = 0.0
        for path in paths:
            kept = [c for c, before in zip(path, [-1, *path]) if c != before]
            if [c for c in kept if c != blank] == wanted:
                total += np.exp(x[np.arange(steps), n, path].sum())
        losses.append(-np.log(total))
    losses = np.array(losses)
    if reduction == "mean":
        return (losses / np.maximum(target_lengths, 1)).mean()
    return losses.sum() if reduction == "sum" else losses


def _samples(rng):
    return [
        call(real(rng, 5, 2, 3), REPEATED, (5, 4), (3, 2)),
        call(real(rng, 5, 2, 3), REPEATED, (5, 5), (2, 3), reduction="none"),
        call(real(rng, 4, 2, 3), REPEATED - 1, (4, 3), (2, 0), blank=2, reduction="sum"),
    ]


ROWS = [
    Row(
        "nn.functional.ctc_loss",
        _samples,
        _ctc_loss,
        # PyTorch's gradient is that of the logits behind; the two are compared in tests/nn.
        torch=None,
        method=False,
        second=False,
    ),
]
