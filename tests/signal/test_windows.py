"""The windows: PyTorch's values and errors."""

import numpy as np
import pytest

import airi
from airi.signal import windows

OPTIONS = {
    "bartlett": [{}],
    "blackman": [{}],
    "cosine": [{}],
    "exponential": [{}, {"tau": 3.0}],
    "gaussian": [{}, {"std": 2.5}],
    "general_cosine": [{"a": [0.5, 0.3, 0.2]}],
    "general_hamming": [{}, {"alpha": 0.7}],
    "hamming": [{}],
    "hann": [{}],
    "kaiser": [{}, {"beta": 4.0}],
    "nuttall": [{}],
}


@pytest.mark.parametrize("name", OPTIONS)
def test_pytorchs_values(name):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.signal.windows, name)
    for options in OPTIONS[name]:
        for M in (0, 1, 2, 7, 8):
            for sym in (True, False):
                got = getattr(windows, name)(M, sym=sym, dtype=airi.float64, **options)
                wanted = theirs(M, sym=sym, dtype=torch.float64, **options)
                np.testing.assert_allclose(got, wanted.numpy(), atol=1e-14)
    assert getattr(windows, name)(3, **OPTIONS[name][0]).dtype == airi.float32


def test_center_of_an_exponential():
    got = windows.exponential(3, center=0, sym=False, dtype=airi.float64)
    np.testing.assert_allclose(got, np.exp([0.0, -1.0, -2.0]))


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: windows.hann(-1), ValueError),
        (lambda: windows.hann(3, dtype=airi.int64), ValueError),
        (lambda: windows.gaussian(3, std=0), ValueError),
        (lambda: windows.kaiser(3, beta=-1), ValueError),
        (lambda: windows.exponential(3, tau=0), ValueError),
        (lambda: windows.exponential(3, center=1), ValueError),
        (lambda: windows.general_cosine(3, a=[]), ValueError),
        (lambda: windows.general_cosine(3, a=0.5), TypeError),
    ],
)
def test_refused(call, kind):
    with pytest.raises(kind):
        call()
