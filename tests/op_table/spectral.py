"""Rows of `airi/ops/spectral.py`. PyTorch is the reference of stft and istft: NumPy has neither."""

import numpy as np

from .row import Row, call, positive, real


def _stft(rng):
    options = {"return_complex": True}
    return [
        call(real(rng, 12), 4, window=positive(rng, 4), **options),
        call(real(rng, 2, 12), 5, 2, 3, positive(rng, 3), **options),
        call(real(rng, 9), 4, 3, window=positive(rng, 4), center=False, **options),
        call(real(rng, 8), 4, window=positive(rng, 4), pad_mode="constant", **options),
        call(real(rng, 8), 4, window=positive(rng, 4), normalized=True, onesided=False, **options),
    ]


def _istft(rng):
    def spectra(*shape):
        return real(rng, *shape) + 1j * real(rng, *shape)

    return [
        call(spectra(3, 5), 4, window=positive(rng, 4)),
        call(spectra(2, 3, 5), 5, 2, 3, positive(rng, 3)),
        call(spectra(3, 4), 4, 2, window=positive(rng, 4), length=5),
        call(spectra(3, 4), 4, 2, window=positive(rng, 4), center=False, normalized=True),
        call(spectra(4, 3), 4, window=positive(rng, 4), onesided=False),
        call(spectra(4, 3), 4, window=positive(rng, 4), onesided=False, return_complex=True),
    ]


def _lengths(rng):
    return [call(n, periodic) for n in (0, 1, 2, 5, 8) for periodic in (True, False)]


def _numpys(function):
    def window(length, periodic=True, *shape):
        if length == 1:
            return np.ones(1)
        return function(length + periodic, *shape)[:length] if length else np.ones(0)

    return window


ROWS = [
    Row("stft", _stft),
    Row("istft", _istft),
    *(
        Row(f"{name}_window", _lengths, _numpys(function), method=False, grad=False, atol=2e-7)
        for name, function in (
            ("hann", np.hanning),
            ("hamming", np.hamming),
            ("bartlett", np.bartlett),
            ("blackman", np.blackman),
        )
    ),
    Row(
        "kaiser_window",
        lambda rng: [*_lengths(rng), call(6, False, 3.5)],
        _numpys(lambda n, beta=12.0: np.kaiser(n, beta)),
        method=False,
        grad=False,
        atol=2e-6,
    ),
]
