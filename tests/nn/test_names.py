"""Names of nn: PyTorch's file names, and what is said of names that are missing."""

import importlib

import pytest

import airi
from airi import nn


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        (nn, "Linaer", "airi.nn has no 'Linaer'; did you mean Linear"),
        (nn.functional, "rellu", "airi.nn.functional has no 'rellu'; did you mean relu"),
        (nn.init, "xavier_unform_", "airi.nn.init has no .* did you mean xavier_uniform_"),
        (nn.utils, "clip_grad_nrom_", "airi.nn.utils has no .* did you mean clip_grad_norm_"),
        (airi.optim, "Adma", "airi.optim has no 'Adma'; did you mean Adam"),
        (nn, "SyncBatchNorm", "PyTorch has it, airi does not"),
        (nn.modules, "BatchNorm4d", "airi.nn.modules has no 'BatchNorm4d'; did you mean BatchNorm"),
    ],
)
def test_a_missing_name_says_what_is_near(module, name, message):
    with pytest.raises(AttributeError, match=message):
        getattr(module, name)


def test_modules_under_pytorchs_file_names():
    pairs = [
        ("batchnorm", "_BatchNorm"), ("batchnorm", "_NormBase"), ("conv", "_ConvNd"),
        ("loss", "_Loss"), ("loss", "_WeightedLoss"), ("container", "Sequential"),
        ("dropout", "_DropoutNd"), ("pooling", "_MaxPoolNd"), ("module", "Module"),
        ("rnn", "RNNBase"), ("utils", "_pair"), ("pixelshuffle", "PixelShuffle"),
        ("instancenorm", "_InstanceNorm"), ("flatten", "Unflatten"), ("lazy", "LazyModuleMixin"),
    ]  # fmt: skip
    for file, name in pairs:
        assert hasattr(importlib.import_module(f"airi.nn.modules.{file}"), name), (file, name)
    assert importlib.import_module("airi.nn.modules.linear") is nn.linear
    assert nn.modules.Linear is nn.Linear
    assert nn.modules.utils._triple(2) == (2, 2, 2)
    assert nn.modules.utils._reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)


def test_functions_that_return_indices_and_older_names():
    x = airi.randn(1, 2, 6, 6, 6)
    for dims in (1, 2, 3):
        part = x[(0,) * (3 - dims)]
        for name in ("max_pool", "adaptive_max_pool"):
            function = getattr(nn.functional, f"{name}{dims}d")
            wanted = function(part, 2, return_indices=True)
            got = getattr(nn.functional, f"{name}{dims}d_with_indices")(part, 2)
            assert all(airi.equal(one, other) for one, other in zip(got, wanted))
    for name in ("upsample", "upsample_nearest"):
        with pytest.warns(UserWarning, match=f"{name} is deprecated"):
            assert getattr(nn.functional, name)(x, scale_factor=2).shape[-1] == 12
    with pytest.warns(UserWarning, match="upsample_bilinear is deprecated"):
        assert nn.functional.upsample_bilinear(x[0], (3, 4)).shape[-2:] == (3, 4)


def test_conv_tbc():
    torch = pytest.importorskip("torch")
    x, w, b = airi.randn(5, 2, 3), airi.randn(3, 3, 4), airi.randn(4)
    theirs = torch.conv_tbc(*(torch.from_numpy(each.numpy()) for each in (x, w, b)), 1)
    assert airi.allclose(nn.functional.conv_tbc(x, w, b, 1), airi.tensor(theirs.numpy()), atol=1e-5)
