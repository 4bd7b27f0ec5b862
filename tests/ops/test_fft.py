"""Fourier transforms beyond the op table: errors, dtypes, no elements, round trips."""

import numpy as np
import pytest

import airi


@pytest.mark.parametrize("size", [1, 2, 5, 6])
@pytest.mark.parametrize("norm", [None, "forward", "ortho"])
def test_the_inverse_undoes_it(size, norm):
    x = airi.randn(3, size, dtype=airi.float64)
    z = airi.complex(x, airi.randn(3, size, dtype=airi.float64))
    f = airi.fft
    assert airi.allclose(f.ifft(f.fft(z, norm=norm), norm=norm), z)
    assert airi.allclose(f.irfft(f.rfft(x, norm=norm), n=size, norm=norm), x)
    assert airi.allclose(f.hfft(f.ihfft(x, norm=norm), n=size, norm=norm), x)
    assert airi.allclose(f.irfftn(f.rfftn(x, norm=norm), s=x.shape, norm=norm), x)
    assert airi.allclose(f.ifftshift(f.fftshift(x)), x)


def test_dtypes():
    assert airi.fft.fft(airi.ones(4)).dtype is airi.complex64
    assert airi.fft.fft(airi.ones(4, dtype=airi.int64)).dtype is airi.complex64
    assert airi.fft.rfft(airi.ones(4, dtype=airi.float64)).dtype is airi.complex128
    assert airi.fft.irfft(airi.ones(4, dtype=airi.complex64)).dtype is airi.float32
    assert airi.fft.fftfreq(4).dtype is airi.float32


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (IndexError, lambda f: f.fft(airi.tensor(1.0))),
        (IndexError, lambda f: f.fft(airi.ones(2), dim=3)),
        (IndexError, lambda f: f.ifft2(airi.ones(3))),
        (RuntimeError, lambda f: f.rfft(airi.tensor([1j]))),
        (RuntimeError, lambda f: f.ihfft(airi.tensor([1j]))),
        (RuntimeError, lambda f: f.fft(airi.ones(2), n=0)),
        (RuntimeError, lambda f: f.fft(airi.ones(0))),
        (RuntimeError, lambda f: f.irfft(airi.ones(1))),
        (RuntimeError, lambda f: f.fft(airi.ones(2), norm="both")),
        (RuntimeError, lambda f: f.fftn(airi.ones(2, 2), dim=(0, 0))),
        (RuntimeError, lambda f: f.fftn(airi.ones(2, 2), s=(1, 2, 3))),
        (RuntimeError, lambda f: f.fftn(airi.ones(2, 2), s=(1, 2), dim=(0,))),
        (RuntimeError, lambda f: f.rfftn(airi.tensor(1.0))),
        (RuntimeError, lambda f: f.fft(airi.ones(2).half())),
        (TypeError, lambda f: f.fft([1.0, 2.0])),
        (TypeError, lambda f: f.fft(airi.ones(4), n=2.5)),
    ],
)
def test_errors(error, call):
    with pytest.raises(error):
        call(airi.fft)


def test_no_elements_and_no_dimensions():
    assert airi.fft.fft(airi.ones(0, 4)).shape == (0, 4)
    assert airi.fft.rfft(airi.ones(0, 4)).shape == (0, 3)
    assert airi.fft.irfft(airi.ones(0, 3)).shape == (0, 4)
    assert airi.fft.fftn(airi.tensor(2.0)).item() == 2 + 0j


def test_parseval():
    x = airi.randn(16, dtype=airi.float64, requires_grad=True)
    energy = airi.fft.fft(x, norm="ortho").abs().square().sum()
    energy.backward()
    assert airi.allclose(energy, x.square().sum())
    assert airi.allclose(x.grad, 2 * x.detach())


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("onesided", [True, False])
def test_istft_undoes_stft(center, onesided):
    x = airi.randn(2, 40, dtype=airi.float64)
    window = airi.hamming_window(8, dtype=airi.float64)
    options = {"window": window, "center": center, "onesided": onesided}
    spectra = airi.stft(x, 8, 2, return_complex=True, **options)
    assert spectra.shape[1] == (5 if onesided else 8)
    assert airi.allclose(airi.istft(spectra, 8, 2, length=40, **options), x)


def test_stft_of_parts_and_missing_choice():
    x = airi.randn(16)
    parts = x.stft(4, return_complex=False)
    assert airi.equal(airi.view_as_complex(parts.contiguous()), x.stft(4, return_complex=True))
    with pytest.raises(RuntimeError, match="return_complex"):
        airi.stft(x, 4)
    with pytest.raises(RuntimeError, match="window must have shape"):
        airi.stft(x, 4, window=airi.ones(3), return_complex=True)
    spectra = x.stft(4, 4, center=False, return_complex=True)
    with pytest.raises(RuntimeError, match="without weight"):
        airi.istft(spectra, 4, 4, window=airi.hann_window(4), center=False)


def test_a_shorter_window_stands_in_the_middle():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal(20)
    mine = airi.stft(airi.tensor(x), 8, win_length=4, return_complex=True)
    theirs = torch.stft(
        torch.tensor(x), 8, win_length=4, window=torch.ones(4).double(), return_complex=True
    )
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), atol=1e-12)


def test_windows_say_what_they_need():
    with pytest.raises(RuntimeError, match="hann_window"):
        airi.hann_window(-1)
    with pytest.raises(RuntimeError, match="floating-point"):
        airi.bartlett_window(3, dtype=airi.int64)
    assert airi.hann_window(4, requires_grad=True).requires_grad
