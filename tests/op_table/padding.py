"""Rows of `airi/ops/padding.py`."""

import numpy as np

from .row import Row, call, real

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _pad(x, pad, mode="constant", value=None):
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    kept = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True)
    )
    added = [(max(a, 0), max(b, 0)) for a, b in pairs]
    if mode == "constant":
        return np.pad(x[kept], added, constant_values=value or 0)
    return np.pad(x[kept], added, MODES[mode])


ROWS = [
    Row(
        "nn.functional.pad",
        lambda rng: [
            call(real(rng, 3, 4), (1, 2)),
            call(real(rng, 3, 4), (1, 0, 2, 1), value=2.5),
            call(real(rng, 3, 4), [-1, 2, 0, -1], "constant", -1.0),
            *(
                call(real(rng, 2, 3, 4), pad, mode)
                for mode in MODES
                for pad in ((1, 2), (3, 0), (0, 1), (-1, 2), (1, -1))
            ),
            *(call(real(rng, 1, 2, 3, 4), (1, 2, 2, 1), mode=mode) for mode in MODES),
        ],
        _pad,
        method=False,
        integers=True,
        empty=lambda: [call(np.zeros((0, 3)), (1, 1)), call(np.zeros((2, 2)), (-2, 0))],
        complex=True,
    ),
    Row(
        "constant_pad_nd",
        lambda rng: [call(real(rng, 2, 3), (1, 2)), call(real(rng, 2, 3), (0, 1, 1, 0), 2.5)],
        lambda x, pad, value=0: _pad(x, pad, "constant", value),
        method=False,
        complex=True,
    ),
]
