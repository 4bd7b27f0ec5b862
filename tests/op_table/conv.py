"""Rows of `airi/ops/conv.py`."""

import numpy as np

from .row import Row, call, real


def _pair(value):
    return value if isinstance(value, tuple) else (value, value)


def _conv2d(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Every output element as the sum over its window, by einsum."""
    unbatched = x.ndim == 3
    x = x[None] if unbatched else x
    stride, dilation = _pair(stride), _pair(dilation)
    total = [d * (k - 1) for d, k in zip(dilation, w.shape[2:])]
    if isinstance(padding, str):
        pads = [(n // 2, n - n // 2) if padding == "same" else (0, 0) for n in total]
    else:
        pads = [(n, n) for n in _pair(padding)]
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    windows = np.lib.stride_tricks.sliding_window_view(x, [n + 1 for n in total], (2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    parts = zip(np.split(windows, groups, 1), np.split(w, groups))
    out = np.concatenate([np.einsum("ncyxij,fcij->nfyx", a, b) for a, b in parts], 1)
    out = out if bias is None else out + bias[:, None, None]
    return out[0] if unbatched else out


def _conv1d(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1):
    sides = [value if isinstance(value, str) else (0, value) for value in (padding,)]
    out = _conv2d(
        x[..., None, :], w[:, :, None], bias, (1, stride), sides[0], (1, dilation), groups
    )
    return out[..., 0, :]


def _conv2d_samples(rng):
    return [
        call(real(rng, 2, 3, 6, 5), real(rng, 4, 3, 3, 2), real(rng, 4)),
        call(real(rng, 3, 6, 7), real(rng, 2, 3, 3, 3), stride=2, padding=(1, 2)),
        call(
            real(rng, 2, 4, 6, 5), real(rng, 6, 2, 3, 2), real(rng, 6),
            stride=(2, 1), padding=1, dilation=(1, 2), groups=2,
        ),
        call(real(rng, 1, 2, 5, 6), real(rng, 2, 2, 3, 5), padding="same", dilation=(2, 1)),
        call(real(rng, 1, 2, 5, 5), real(rng, 1, 2, 2, 2), padding="valid"),
        call(real(rng, 2, 3, 4, 4), real(rng, 6, 1, 3, 3), padding=1, groups=3),
        call(real(rng, 3, 2, 4, 3), real(rng, 5, 2, 4, 3), real(rng, 5)),  # one place
    ]  # fmt: skip


def _conv1d_samples(rng):
    return [
        call(real(rng, 2, 3, 7), real(rng, 4, 3, 3), real(rng, 4)),
        call(real(rng, 4, 9), real(rng, 6, 2, 3), None, 2, 1, 2, 2),
        call(real(rng, 2, 2, 6), real(rng, 3, 2, 3), padding="same"),
        call(real(rng, 2, 3, 5), real(rng, 4, 3, 5), stride=2),
    ]


def _conv_transpose2d_samples(rng):
    return [
        call(real(rng, 2, 3, 4, 3), real(rng, 3, 2, 3, 2), real(rng, 2)),
        call(
            real(rng, 2, 4, 3, 4), real(rng, 4, 2, 3, 3), real(rng, 4),
            stride=2, padding=1, output_padding=(1, 0), groups=2,
        ),
        call(real(rng, 2, 3, 3), real(rng, 2, 1, 2, 2), stride=(3, 1), dilation=2),
        call(
            real(rng, 1, 2, 3, 3), real(rng, 2, 2, 2, 2),
            stride=1, padding=1, output_padding=2, dilation=3,
        ),
        call(real(rng, 2, 3, 1, 1), real(rng, 3, 2, 4, 3), real(rng, 2)),
    ]  # fmt: skip


def _conv_transpose1d_samples(rng):
    return [
        call(real(rng, 2, 3, 4), real(rng, 3, 2, 3), real(rng, 2)),
        call(real(rng, 4, 3), real(rng, 4, 2, 3), None, 3, 1, 2, 2, 1),
        call(real(rng, 1, 2, 3), real(rng, 2, 2, 2), stride=2, dilation=2),
    ]


def _unfold_samples(rng):
    return [
        call(real(rng, 2, 3, 5, 6), (3, 2)),
        call(real(rng, 2, 5, 6), 2, padding=1),
        call(real(rng, 1, 2, 6, 7), (2, 3), dilation=(2, 1), padding=(1, 0), stride=(1, 2)),
    ]


def _fold_samples(rng):
    return [
        call(real(rng, 2, 12, 20), (5, 6), (2, 2)),
        call(real(rng, 18, 20), (4, 5), 3, padding=1),
        call(real(rng, 1, 12, 18), (6, 7), (2, 3), dilation=(2, 1), padding=(1, 0), stride=(1, 2)),
    ]


def _functional(name, samples, numpy=None, **fields):
    return Row(f"nn.functional.{name}", samples, numpy, method=False, **fields)


ROWS = [
    _functional(
        "conv2d",
        _conv2d_samples,
        _conv2d,
        empty=lambda: [
            call(np.zeros((0, 2, 5, 5)), np.ones((3, 2, 2, 2)), np.ones(3)),
            call(np.zeros((0, 2, 5, 5)), np.ones((3, 2, 5, 5)), np.ones(3)),
        ],
        complex=True,
    ),
    _functional("conv1d", _conv1d_samples, _conv1d, complex=True),
    # NumPy has nothing like these; that they are adjoints is tested in tests/ops/test_conv.py.
    _functional(
        "conv_transpose2d",
        _conv_transpose2d_samples,
        empty=lambda: [call(np.zeros((0, 2, 5, 5)), np.ones((2, 3, 2, 2)))],
        complex=True,
    ),
    _functional("conv_transpose1d", _conv_transpose1d_samples, complex=True),
    _functional("unfold", _unfold_samples),
    _functional("fold", _fold_samples),
]
