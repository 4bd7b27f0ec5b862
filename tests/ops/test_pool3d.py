"""What the op table cannot say of pooling of volumes and of fractional pooling."""

import numpy as np
import pytest

import airi
from airi.nn import functional as F


def test_the_first_of_equal_elements_wins_as_in_pytorch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).integers(0, 3, (2, 3, 6, 5, 4)).astype(float)
    for name, size in (("max_pool3d", 3), ("adaptive_max_pool3d", (3, 2, 3))):
        ours = getattr(F, name)(airi.tensor(x), size, return_indices=True)[1]
        theirs = getattr(torch.nn.functional, name)(torch.tensor(x), size, return_indices=True)[1]
        assert ours.tolist() == theirs.tolist()


def test_unpooling_undoes_pooling():
    x = airi.randn(2, 3, 4, 6, 5)
    out, places = F.max_pool3d(x, 2, return_indices=True)
    back = F.max_unpool3d(out, places, 2, output_size=x.shape)
    assert back.shape == x.shape
    assert (back[back != 0] == x[back != 0]).all()
    assert (back != 0).sum().item() == out.numel()


@pytest.mark.parametrize("size", [(9, 11), (9, 8, 10)], ids=["2d", "3d"])
@pytest.mark.parametrize("count", [1, 4, 6])
def test_fractional_windows_are_pytorchs(size, count):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(count)
    dims = len(size)
    name = f"fractional_max_pool{dims}d"
    x, samples = rng.normal(size=(2, 3, *size)), rng.random((2, 3, dims))
    results = []
    for framework, functional in ((airi, F), (torch, torch.nn.functional)):
        leaf = framework.tensor(x).requires_grad_()
        out, places = getattr(functional, name)(
            leaf, 2, output_size=count, return_indices=True,
            _random_samples=framework.tensor(samples),
        )  # fmt: skip
        (out * out).sum().backward()
        results.append([out.tolist(), places.tolist(), leaf.grad.tolist()])
    assert results[0] == results[1]


def test_fractional_pooling_draws_other_windows_each_time():
    x = airi.arange(100.0).reshape(1, 1, 10, 10)
    draws = {tuple(F.fractional_max_pool2d(x, 2, output_ratio=0.6).flatten().tolist())
             for _ in range(10)}  # fmt: skip
    assert len(draws) > 1


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: F.max_pool3d(x, 9), RuntimeError, "max_pool3d.*too small"),
        (lambda x: F.avg_pool3d(x, 2, divisor_override=0), RuntimeError, "divisor_override"),
        (lambda x: F.fractional_max_pool3d(x, 2), ValueError, "output_size or output_ratio"),
        (lambda x: F.fractional_max_pool3d(x, 2, output_size=4), RuntimeError, "do not fit"),
        (lambda x: F.adaptive_avg_pool3d(x, (1, 2)), RuntimeError, "must have 3 ints"),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call(airi.randn(1, 2, 4, 4, 4))
