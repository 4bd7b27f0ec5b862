"""Rows of `airi/ops/fft.py`."""

import numpy as np

from .row import Row, call, real

NORMS = (None, "forward", "backward", "ortho")


def _complex(rng, *shape):
    return np.asarray(real(rng, *shape) + 1j * real(rng, *shape))


def _over_one(make):
    def samples(rng):
        return [
            *(call(make(rng, 2, 5), norm=norm) for norm in NORMS),
            call(make(rng, 6), 4),
            call(make(rng, 3, 2), n=5, dim=0),
            call(make(rng, 2, 3, 4), dim=-2, norm="ortho"),
        ]

    return samples


def _over_two(make):
    def samples(rng):
        return [
            call(make(rng, 3, 4), norm="ortho"),
            call(make(rng, 2, 3, 5)),
            call(make(rng, 3, 4), (4, 3)),
            call(make(rng, 3, 2, 4), dim=(2, 0), norm="forward"),
        ]

    return samples


def _over_several(make):
    def samples(rng):
        return [
            *(call(make(rng, 2, 3, 4), norm=norm) for norm in NORMS),
            call(make(rng, 2, 3, 4), (3, -1)),
            call(make(rng, 2, 3, 2), s=(3, 5), dim=(2, 0)),
            call(make(rng, 5), dim=(0,)),
        ]

    return samples


def _numpys(function, over):
    """NumPy's function under PyTorch's argument names."""
    if over == 1:
        return lambda x, n=None, dim=-1, norm=None: function(x, n, dim, norm)

    def call_numpy(x, s=None, dim=(-2, -1) if over == 2 else None, norm=None):
        if dim is None and s is not None:
            dim = range(x.ndim - len(s), x.ndim)
            half = function is np.fft.irfftn
            whole = [*x.shape[:-1], 2 * (x.shape[-1] - 1) if half else x.shape[-1]]
            s = [whole[i] if n == -1 else n for i, n in zip(dim, s, strict=True)]
        return function(x, s, dim, norm)

    return call_numpy


def _row(name, make, numpy, samples, over, **fields):
    return Row(f"fft.{name}", samples(make), numpy and _numpys(numpy, over), method=False, **fields)


ROWS = [
    _row("fft", real, np.fft.fft, _over_one, 1, complex=True, integers=True),
    _row("ifft", real, np.fft.ifft, _over_one, 1, complex=True, integers=True),
    _row("rfft", real, np.fft.rfft, _over_one, 1, integers=True),
    _row("irfft", _complex, np.fft.irfft, _over_one, 1, complex=True),
    _row("hfft", _complex, np.fft.hfft, _over_one, 1, complex=True),
    _row("ihfft", real, np.fft.ihfft, _over_one, 1, integers=True),
    _row("fft2", real, np.fft.fft2, _over_two, 2, complex=True),
    _row("ifft2", real, np.fft.ifft2, _over_two, 2, complex=True),
    _row("rfft2", real, np.fft.rfft2, _over_two, 2),
    _row("irfft2", _complex, np.fft.irfft2, _over_two, 2, complex=True),
    _row("hfft2", _complex, None, _over_two, 2, complex=True),  # NumPy has none for several
    _row("ihfft2", real, None, _over_two, 2),
    _row("fftn", real, np.fft.fftn, _over_several, 3, complex=True),
    _row("ifftn", real, np.fft.ifftn, _over_several, 3, complex=True),
    _row("rfftn", real, np.fft.rfftn, _over_several, 3),
    _row("irfftn", _complex, np.fft.irfftn, _over_several, 3, complex=True),
    _row("hfftn", _complex, None, _over_several, 3, complex=True),
    _row("ihfftn", real, None, _over_several, 3),
    *(
        Row(
            f"fft.{name}",
            lambda rng: [call(n, 0.5) for n in (1, 4, 5)],
            function,
            method=False,
            grad=False,
            atol=1e-7,
        )
        for name, function in (("fftfreq", np.fft.fftfreq), ("rfftfreq", np.fft.rfftfreq))
    ),
    *(
        Row(
            f"fft.{name}",
            lambda rng: [
                call(real(rng, 4, 5)),
                call(real(rng, 3, 4), 1),
                call(real(rng, 2, 5, 3), (0, 1)),
            ],
            lambda x, dim=None, function=function: function(x, dim),
            method=False,
            complex=True,
        )
        for name, function in (("fftshift", np.fft.fftshift), ("ifftshift", np.fft.ifftshift))
    ),
]
