"""Every layer against PyTorch's with the same weights, in float64: output and all gradients."""

import math

import numpy as np
import pytest

import airi
from airi import nn

from .parity import assert_close

RNG = np.random.default_rng(0)


def real(*shape):
    """Values that lie away from zero and from each other."""
    count = math.prod(shape)
    return ((RNG.permutation(count) - count / 2 + 0.3) * (4 / max(count, 1))).reshape(shape)


def whole(high, *shape):
    return RNG.integers(0, high, shape)


# name, arguments, keywords, the inputs of forward
LAYERS = [
    ("Identity", (1, 2), {"any": 3}, [real(2, 3)]),
    ("Linear", (3, 4), {}, [real(5, 3)]),
    ("Linear", (3, 4), {"bias": False}, [real(2, 5, 3)]),
    ("Linear", (3, 4), {}, [real(3)]),
    ("Bilinear", (3, 4, 2), {}, [real(5, 3), real(5, 4)]),
    ("Bilinear", (3, 4, 2), {"bias": False}, [real(2, 3, 3), real(2, 3, 4)]),
    ("Conv1d", (2, 3, 3), {}, [real(2, 2, 8)]),
    ("Conv1d", (2, 4, 3), {"stride": 2, "padding": 1, "groups": 2}, [real(2, 2, 8)]),
    ("Conv1d", (2, 3, 4), {"padding": "same", "dilation": 2}, [real(2, 2, 9)]),
    ("Conv1d", (2, 3, 3), {"padding": 2, "padding_mode": "circular"}, [real(2, 2, 8)]),
    ("Conv2d", (2, 3, 3), {}, [real(2, 2, 6, 7)]),
    ("Conv2d", (2, 3, 3), {"bias": False}, [real(2, 6, 7)]),
    ("Conv2d", (2, 4, (3, 2)), {"stride": (2, 1), "padding": (1, 0)}, [real(2, 2, 6, 7)]),
    ("Conv2d", (2, 4, 3), {"groups": 2, "dilation": 2, "padding": 2}, [real(1, 2, 6, 7)]),
    ("Conv2d", (2, 3, (3, 4)), {"padding": "same"}, [real(1, 2, 6, 7)]),
    ("Conv2d", (2, 3, 3), {"padding": "valid"}, [real(1, 2, 6, 7)]),
    ("Conv2d", (2, 3, 3), {"padding": 1, "padding_mode": "reflect"}, [real(1, 2, 6, 7)]),
    ("Conv2d", (2, 3, 3), {"padding": (1, 2), "padding_mode": "replicate"}, [real(1, 2, 6, 7)]),
    (
        "Conv2d",
        (2, 3, (3, 4)),
        {"padding": "same", "padding_mode": "circular", "dilation": (1, 2)},
        [real(1, 2, 6, 7)],
    ),
    ("ConvTranspose1d", (2, 3, 3), {"stride": 2, "output_padding": 1}, [real(2, 2, 5)]),
    ("ConvTranspose2d", (2, 3, 3), {}, [real(2, 2, 4, 5)]),
    (
        "ConvTranspose2d",
        (4, 6, (3, 2)),
        {"stride": 2, "padding": 1, "output_padding": (1, 0), "groups": 2, "bias": False},
        [real(2, 4, 4, 5)],
    ),
    ("ConvTranspose2d", (2, 3, 3), {"dilation": 2, "stride": (2, 3)}, [real(2, 2, 3, 3)]),
    ("Conv3d", (2, 3, 2), {}, [real(2, 2, 3, 4, 5)]),
    ("Conv3d", (2, 4, (2, 3, 1)), {"stride": 2, "groups": 2, "padding": 1}, [real(2, 3, 4, 5)]),
    ("Conv3d", (2, 3, (2, 3, 2)), {"padding": "same", "dilation": 2}, [real(1, 2, 3, 4, 5)]),
    ("Conv3d", (2, 3, (2, 3, 4)), {"padding": "same"}, [real(1, 2, 3, 4, 5)]),
    ("Conv3d", (2, 3, 3), {"padding": 1, "padding_mode": "reflect"}, [real(1, 2, 3, 4, 5)]),
    ("ConvTranspose3d", (2, 3, 2), {"stride": 2, "output_padding": 1}, [real(2, 2, 3, 4, 2)]),
    (
        "ConvTranspose3d",
        (4, 2, (3, 2, 1)),
        {"padding": (1, 0, 0), "groups": 2, "dilation": 2, "bias": False},
        [real(4, 3, 4, 2)],
    ),
    ("MaxPool1d", (2,), {}, [real(2, 3, 7)]),
    ("MaxPool1d", (3,), {"stride": 2, "padding": 1, "return_indices": True}, [real(2, 3, 7)]),
    ("MaxPool2d", (2,), {}, [real(2, 3, 6, 7)]),
    ("MaxPool2d", ((3, 2),), {"stride": (2, 1), "padding": 1, "dilation": 1}, [real(3, 6, 7)]),
    ("MaxPool2d", (3,), {"stride": 2, "ceil_mode": True}, [real(2, 3, 6, 6)]),
    ("MaxPool2d", (2,), {"return_indices": True}, [real(2, 3, 6, 6)]),
    ("MaxPool3d", (2,), {}, [real(2, 3, 4, 5, 6)]),
    ("MaxPool3d", ((3, 2, 2),), {"stride": 2, "padding": 1}, [real(3, 4, 5, 6)]),
    ("MaxPool3d", (2,), {"ceil_mode": True, "return_indices": True}, [real(2, 3, 4, 5, 6)]),
    ("AvgPool1d", (2,), {}, [real(2, 3, 7)]),
    ("AvgPool1d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, [real(2, 3, 7)]),
    ("AvgPool2d", (2,), {}, [real(2, 3, 6, 7)]),
    ("AvgPool2d", ((3, 2),), {"stride": 2, "padding": (1, 0)}, [real(3, 6, 7)]),
    (
        "AvgPool2d",
        (3,),
        {"stride": 2, "ceil_mode": True, "divisor_override": 5},
        [real(1, 3, 6, 6)],
    ),
    ("AvgPool3d", (2,), {}, [real(2, 3, 4, 5, 6)]),
    ("AvgPool3d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, [real(3, 4, 5, 6)]),
    ("AdaptiveAvgPool1d", (3,), {}, [real(2, 3, 7)]),
    ("AdaptiveAvgPool2d", (1,), {}, [real(2, 3, 6, 7)]),
    ("AdaptiveAvgPool2d", ((None, 3),), {}, [real(2, 3, 6, 7)]),
    ("AdaptiveMaxPool1d", (3,), {}, [real(2, 3, 7)]),
    ("AdaptiveMaxPool2d", ((4, 3),), {"return_indices": True}, [real(2, 3, 6, 7)]),
    ("AdaptiveAvgPool3d", ((None, 3, 1),), {}, [real(2, 3, 4, 5, 6)]),
    ("AdaptiveMaxPool3d", ((4, 3, 2),), {"return_indices": True}, [real(3, 4, 5, 6)]),
    ("MaxUnpool1d", (2,), {}, [real(2, 3, 2), np.array([[[0, 3], [1, 2], [0, 2]]] * 2)]),
    ("MaxUnpool2d", ((1, 2),), {}, [real(1, 1, 2, 2), np.array([[[[0, 3], [5, 6]]]])]),
    ("LPPool1d", (2.0, 3), {"stride": 2}, [real(2, 3, 7)]),
    ("LPPool2d", (3.0, (3, 2)), {"ceil_mode": True}, [np.abs(real(2, 3, 6, 7))]),
    ("LPPool3d", (3.0, (3, 2, 2)), {}, [np.abs(real(2, 3, 4, 5, 6))]),
    (
        "MaxUnpool3d",
        ((1, 1, 2),),
        {},
        [real(1, 1, 1, 2, 2), np.array([[[[[0, 3], [5, 6]]]]])],
    ),
    ("Unfold", ((2, 3),), {"dilation": 2, "padding": 1, "stride": 2}, [real(2, 3, 6, 7)]),
    ("Fold", ((4, 5), 2), {"padding": 1, "stride": 2}, [real(2, 12, 9)]),
    ("CosineSimilarity", (2,), {}, [real(2, 3, 4), real(2, 3, 4)]),
    ("PairwiseDistance", (3.0,), {"keepdim": True}, [real(3, 4), real(3, 4)]),
    ("LocalResponseNorm", (3,), {"alpha": 0.3, "k": 2.0}, [real(2, 5, 3, 2)]),
    ("LocalResponseNorm", (3,), {"alpha": 0.3, "k": 2.0}, [real(2, 5, 3, 2, 2)]),
    ("Upsample", ((5, 3),), {}, [real(2, 3, 4, 4)]),
    ("Upsample", (), {"scale_factor": (2, 1.5), "mode": "bilinear"}, [real(2, 3, 4, 4)]),
    ("Upsample", (7,), {"mode": "linear", "align_corners": True}, [real(2, 3, 4)]),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}, [real(2, 3, 4, 4)]),
    ("UpsamplingBilinear2d", (6,), {}, [real(2, 3, 4, 4)]),
    ("PixelShuffle", (2,), {}, [real(2, 8, 2, 3)]),
    ("PixelUnshuffle", (2,), {}, [real(2, 2, 4, 6)]),
    ("ChannelShuffle", (2,), {}, [real(2, 6, 3, 2)]),
    ("BatchNorm1d", (3,), {}, [real(5, 3)]),
    ("BatchNorm1d", (3,), {"affine": False, "momentum": 0.3}, [real(4, 3, 5)]),
    ("BatchNorm2d", (3,), {}, [real(4, 3, 5, 2)]),
    ("BatchNorm2d", (3,), {"momentum": None, "eps": 1e-3}, [real(4, 3, 5, 2)]),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, [real(4, 3, 5, 2)]),
    ("BatchNorm3d", (3,), {}, [real(4, 3, 2, 3, 2)]),
    ("InstanceNorm1d", (3,), {"affine": True}, [real(4, 3, 5)]),
    ("InstanceNorm1d", (3,), {}, [real(3, 5)]),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, [real(4, 3, 5, 2)]),
    ("InstanceNorm2d", (3,), {}, [real(3, 5, 2)]),
    ("InstanceNorm3d", (3,), {"affine": True}, [real(2, 3, 2, 3, 2)]),
    ("InstanceNorm3d", (3,), {}, [real(3, 2, 3, 2)]),
    ("LayerNorm", (5,), {}, [real(4, 3, 5)]),
    ("LayerNorm", ([3, 5],), {"eps": 1e-3}, [real(4, 3, 5)]),
    ("LayerNorm", ((5,),), {"elementwise_affine": False}, [real(4, 3, 5)]),
    ("LayerNorm", (5,), {"bias": False}, [real(4, 3, 5)]),
    ("RMSNorm", (5,), {}, [real(4, 3, 5)]),
    ("RMSNorm", ([3, 5],), {"eps": 1e-3, "elementwise_affine": False}, [real(4, 3, 5)]),
    ("GroupNorm", (2, 4), {}, [real(3, 4, 5)]),
    ("GroupNorm", (4, 4), {"affine": False, "eps": 1e-3}, [real(3, 4, 2, 3)]),
    ("Dropout", (0.0,), {}, [real(3, 4)]),
    ("Dropout", (1.0,), {}, [real(3, 4)]),
    ("Dropout1d", (1.0,), {}, [real(3, 4, 2)]),
    ("Dropout2d", (0.0,), {}, [real(3, 4, 2, 2)]),
    ("Dropout3d", (1.0,), {}, [real(3, 4, 2, 2, 2)]),
    ("AlphaDropout", (0.0,), {}, [real(3, 4)]),
    ("FeatureAlphaDropout", (0.0,), {}, [real(3, 4, 2)]),
    ("Embedding", (6, 3), {}, [whole(6, 2, 4)]),
    ("Embedding", (6, 3), {"padding_idx": -4}, [whole(6, 20)]),
    ("Embedding", (6, 3), {"scale_grad_by_freq": True}, [whole(6, 20)]),
    ("Embedding", (6, 3), {"max_norm": 0.5, "norm_type": 1.5}, [whole(6, 4)]),
    ("EmbeddingBag", (6, 3), {}, [whole(6, 2, 4)]),
    ("EmbeddingBag", (6, 3), {"mode": "sum", "padding_idx": 2}, [whole(6, 7), np.array([0, 3])]),
    ("EmbeddingBag", (6, 3), {"mode": "max"}, [whole(6, 7), np.array([0, 3, 3])]),
    ("EmbeddingBag", (6, 3), {"max_norm": 0.5}, [whole(6, 2, 4)]),
    (
        "EmbeddingBag",
        (6, 3),
        {"mode": "sum", "include_last_offset": True},
        [whole(6, 7), np.array([0, 3, 7]), real(7)],
    ),
    ("Flatten", (), {}, [real(2, 3, 4)]),
    ("Flatten", (0, 1), {}, [real(2, 3, 4)]),
    ("Unflatten", (1, (3, -1)), {}, [real(2, 12)]),
    ("ZeroPad1d", (2,), {}, [real(2, 3, 4)]),
    ("ZeroPad2d", ((1, 2, 0, -1),), {}, [real(2, 3, 4, 4)]),
    ("ConstantPad1d", ((1, 0), 3.5), {}, [real(2, 3, 4)]),
    ("ConstantPad2d", (1, -2.0), {}, [real(2, 3, 4, 4)]),
    ("ReflectionPad1d", ((2, 1),), {}, [real(2, 3, 4)]),
    ("ReflectionPad2d", ((2, 1, 0, 3),), {}, [real(2, 3, 4, 4)]),
    ("ReplicationPad1d", (2,), {}, [real(2, 3, 4)]),
    ("ReplicationPad2d", ((2, 1, 0, 3),), {}, [real(3, 4, 4)]),
    ("CircularPad1d", (2,), {}, [real(2, 3, 4)]),
    ("CircularPad2d", ((2, 1, 0, 3),), {}, [real(2, 3, 4, 4)]),
    ("ZeroPad3d", ((1, 2, 0, -1, 1, 0),), {}, [real(2, 2, 3, 4, 4)]),
    ("ConstantPad3d", (1, -2.0), {}, [real(2, 2, 3, 4, 4)]),
    ("ReflectionPad3d", ((2, 1, 0, 3, 1, 1),), {}, [real(2, 2, 3, 4, 4)]),
    ("ReplicationPad3d", ((2, 1, 0, 3, 1, 2),), {}, [real(2, 3, 4, 4)]),
    ("CircularPad3d", ((2, 1, 0, 3, 1, 1),), {}, [real(2, 2, 3, 4, 4)]),
    ("ReLU", (), {}, [real(3, 4)]),
    ("ReLU", (), {"inplace": True}, [real(3, 4)]),
    ("ReLU6", (), {}, [real(3, 4) * 4]),
    ("LeakyReLU", (), {}, [real(3, 4)]),
    ("LeakyReLU", (0.2,), {"inplace": True}, [real(3, 4)]),
    ("PReLU", (), {}, [real(3, 4)]),
    ("PReLU", (4,), {"init": 0.1}, [real(3, 4, 2)]),
    ("ELU", (1.3,), {}, [real(3, 4)]),
    ("ELU", (), {"inplace": True}, [real(3, 4)]),
    ("CELU", (1.3,), {}, [real(3, 4)]),
    ("SELU", (), {}, [real(3, 4)]),
    ("GELU", (), {}, [real(3, 4)]),
    ("GELU", ("tanh",), {}, [real(3, 4)]),
    ("SiLU", (), {}, [real(3, 4)]),
    ("SiLU", (), {"inplace": True}, [real(3, 4)]),
    ("Mish", (), {}, [real(3, 4)]),
    ("Sigmoid", (), {}, [real(3, 4)]),
    ("LogSigmoid", (), {}, [real(3, 4)]),
    ("Hardsigmoid", (), {}, [real(3, 4) * 2]),
    ("Hardswish", (), {"inplace": True}, [real(3, 4) * 2]),
    ("Tanh", (), {}, [real(3, 4)]),
    ("Hardtanh", (-0.5, 1.5), {}, [real(3, 4)]),
    ("Tanhshrink", (), {}, [real(3, 4)]),
    ("Softshrink", (), {}, [real(3, 4)]),
    ("Hardshrink", (0.3,), {}, [real(3, 4)]),
    ("Threshold", (0.1, 20.0), {}, [real(3, 4)]),
    ("Threshold", (0.1, 20), {"inplace": True}, [real(3, 4)]),
    ("Softplus", (), {}, [real(3, 4)]),
    ("Softplus", (2.0, 1.0), {}, [real(3, 4)]),
    ("Softsign", (), {}, [real(3, 4)]),
    ("GLU", (), {}, [real(3, 4)]),
    ("GLU", (0,), {}, [real(4, 3)]),
    ("Softmax", (1,), {}, [real(3, 4)]),
    ("LogSoftmax", (-2,), {}, [real(3, 4)]),
    ("Softmin", (0,), {}, [real(3, 4)]),
    ("Softmax2d", (), {}, [real(2, 3, 4, 2)]),
]


def label(row):
    name, args, kwargs, inputs = row
    given = [repr(each) for each in args] + [f"{key}={each!r}" for key, each in kwargs.items()]
    return f"{name}({', '.join(given)})-{inputs[0].ndim}d"


def pair(torch, row, training=True):
    """The layer of both frameworks, with PyTorch's values in both; they begin the same."""
    name, args, kwargs, _ = row
    theirs = getattr(torch.nn, name)(*args, **kwargs).double().train(training)
    ours = getattr(nn, name)(*args, **kwargs).double().train(training)
    for parameter in theirs.parameters():  # scales of 1 and shifts of 0 would hide mistakes
        parameter.data += torch.from_numpy(0.5 + real(*parameter.shape) / 8)
    ours.load_state_dict(as_ours(theirs.state_dict()))
    return ours, theirs


def as_ours(state):
    return {key: airi.from_numpy(each.numpy().copy()) for key, each in state.items()}


def run(framework, from_numpy, layer, arrays, seeds):
    """Output and gradients of one call, the inputs being copies that require grad."""
    leaves = [from_numpy(each.copy()) for each in arrays]
    for each in leaves:
        if each.is_floating_point():
            each.requires_grad_()
    # Times 1, so that layers may work in place.
    out = layer(*[each * 1 if each.requires_grad else each for each in leaves])
    first = out[0] if isinstance(out, tuple) else out
    if first.requires_grad:
        first.backward(from_numpy(seeds.reshape(tuple(first.shape))))
    return out, tuple(each.grad for each in leaves)


# PyTorch keeps constants of these in float32.
IMPRECISE = {"CELU", "Hardsigmoid", "Hardswish"}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("row", LAYERS, ids=label)
def test_layer(row, training):
    torch = pytest.importorskip("torch")
    ours, theirs = pair(torch, row, training)
    inputs = row[3]
    rtol = 1e-7 if row[0] in IMPRECISE else 1e-10
    for _ in range(2):  # twice: running averages
        size = theirs(*[torch.from_numpy(each.copy()) for each in inputs])
        size = size[0] if isinstance(size, tuple) else size
        ours.load_state_dict(as_ours(theirs.state_dict()))
        seeds = real(size.numel())
        out, grads = run(airi, airi.from_numpy, ours, inputs, seeds)
        their_out, their_grads = run(torch, torch.from_numpy, theirs, inputs, seeds)
        assert_close(out, their_out, "output", rtol)
        assert_close(grads, their_grads, "gradients of inputs", rtol)
    for (name, one), (other_name, other) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert name == other_name
        assert_close(one.grad, other.grad, f"gradient of {name}")
    for key, value in theirs.state_dict().items():
        assert_close(ours.state_dict()[key], value, key)


@pytest.mark.parametrize("row", LAYERS, ids=label)
def test_repr_and_state_dict_keys(row):
    torch = pytest.importorskip("torch")
    name, args, kwargs, _ = row
    ours = getattr(nn, name)(*args, **kwargs)
    theirs = getattr(torch.nn, name)(*args, **kwargs)
    assert repr(ours) == repr(theirs)
    shapes = [
        (key, tuple(each.shape), str(each.dtype)[5:]) for key, each in ours.state_dict().items()
    ]
    assert shapes == [
        (key, tuple(each.shape), str(each.dtype)[6:]) for key, each in theirs.state_dict().items()
    ]


ELSEWHERE = {"recurrent", "attention", "transformer", "lazy"}


def test_every_layer_is_in_the_table():
    tested = {name for name, *_ in LAYERS}
    containers = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList"}
    containers |= {"DataParallel", "ParameterDict"}
    layers = {
        name
        for name in nn.__all__
        if isinstance(getattr(nn, name), type)
        and issubclass(getattr(nn, name), nn.Module)
        and not name.endswith(("Loss", "Loss2d"))
        # Recurrent and lazy layers and attention have tests of their own.
        and getattr(nn, name).__module__.rpartition(".")[2] not in ELSEWHERE
    }
    random = {"RReLU", "FractionalMaxPool2d", "FractionalMaxPool3d"}
    assert layers - containers - random == tested


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("Linear", (3, 4)),
        ("Bilinear", (3, 4, 2)),
        ("Conv2d", (2, 4, 3)),
        ("ConvTranspose2d", (2, 4, 3)),
        ("Embedding", (5, 3)),
        ("PReLU", (2,)),
        ("LayerNorm", (3,)),
        ("RMSNorm", (3,)),
        ("GroupNorm", (2, 4)),
        ("BatchNorm2d", (3,)),
    ],
)
def test_device_and_dtype(name, args):
    layer = getattr(nn, name)(*args, device="cpu", dtype=airi.float64)
    assert all(each.dtype is airi.float64 for each in layer.parameters())
    with pytest.raises(RuntimeError, match="cuda"):
        getattr(nn, name)(*args, device="cuda")


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "bound"),
    [
        ("Linear", (50, 400), {}, 1 / math.sqrt(50)),
        ("Conv2d", (4, 64, 5), {"groups": 2}, 1 / math.sqrt(2 * 25)),
        ("Conv1d", (4, 300, 5), {}, 1 / math.sqrt(20)),
        ("ConvTranspose2d", (64, 8, 5), {}, 1 / math.sqrt(8 * 25)),
        ("Bilinear", (16, 10, 50), {}, 1 / 4),
    ],
)
def test_initial_values_are_uniform(name, args, kwargs, bound):
    airi.manual_seed(0)
    layer = getattr(nn, name)(*args, **kwargs)
    for parameter in layer.parameters():
        values = parameter.detach().numpy()
        assert np.abs(values).max() <= bound
        if values.size > 1000:
            assert np.abs(values).max() > 0.99 * bound
            assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.03)
            assert abs(values.mean()) < 0.05 * bound


def test_the_same_seed_gives_the_same_layer():
    airi.manual_seed(5)
    first = nn.Conv2d(2, 3, 3).weight.tolist()
    airi.manual_seed(5)
    assert nn.Conv2d(2, 3, 3).weight.tolist() == first


def test_output_size_of_a_transposed_convolution():
    torch = pytest.importorskip("torch")
    row = ("ConvTranspose2d", (2, 3, 3), {"stride": 2, "padding": 1}, None)
    ours, theirs = pair(torch, row)
    x = real(1, 2, 4, 5)
    for size in [(8, 9), (7, 10), (1, 3, 8, 10)]:
        got = ours(airi.from_numpy(x), output_size=size)
        assert_close(got, theirs(torch.from_numpy(x), output_size=size), str(size))
    for size in [(9, 9), (7, 8), (8,)]:
        with pytest.raises(ValueError, match="is not possible for an input of shape"):
            ours(airi.from_numpy(x), output_size=size)


def test_embedding_from_pretrained():
    table = airi.tensor([[1.0, 2.0], [3.0, 4.0]])
    layer = nn.Embedding.from_pretrained(table)
    assert layer(airi.tensor([1, 0])).tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    assert nn.Embedding(4, 2, padding_idx=1).weight[1].tolist() == [0.0, 0.0]
    assert nn.Embedding(4, 2, _freeze=True).weight.requires_grad is False
    with pytest.raises(ValueError, match="a table of 2 dimensions"):
        nn.Embedding.from_pretrained(airi.ones(2))


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d", "AlphaDropout"])
def test_dropout_acts_in_training_only(name):
    airi.manual_seed(0)
    layer = getattr(nn, name)(0.3)
    x = airi.ones(200, 50, 2, 2) if name == "Dropout2d" else airi.ones(200, 50, 4)
    out = layer(x).numpy()
    changed = out != 1 if name == "AlphaDropout" else out == 0
    if name in ("Dropout1d", "Dropout2d"):
        whole_channels = changed.reshape(200, 50, 4)
        assert (whole_channels.all(-1) == whole_channels.any(-1)).all()
    if name == "AlphaDropout":
        values, counts = np.unique(out, return_counts=True)
        assert len(values) == 2
        assert counts.min() / out.size == pytest.approx(0.3, abs=0.02)
    else:
        assert changed.mean() == pytest.approx(0.3, abs=0.02)
        assert out[~changed] == pytest.approx(1 / 0.7)
    assert layer.eval()(x) is x or (layer(x).numpy() == 1).all()


def test_rrelu_draws_slopes_in_training_only():
    airi.manual_seed(0)
    layer = nn.RReLU(0.1, 0.3)
    x = -airi.ones(1000)
    slopes = -layer(x).numpy()
    assert ((slopes >= 0.1) & (slopes <= 0.3)).all()
    assert slopes.std() > 0.05
    assert -layer.eval()(x).numpy() == pytest.approx(0.2)
    assert repr(layer) == "RReLU(lower=0.1, upper=0.3)"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "groups must divide both"),
        (lambda: nn.Conv2d(3, 4, 3, groups=0), ValueError, "groups must divide both"),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), ValueError, "kernel_size must have 2 values"),
        (lambda: nn.Conv2d(3, 4, "3"), TypeError, "kernel_size must be an int or 2 ints, got str"),
        (lambda: nn.Conv2d(3, 4, 3, padding="full"), ValueError, "'same', 'valid' or a number"),
        (lambda: nn.Conv2d(3, 4, 3, padding="same", stride=2), ValueError, "needs stride 1"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="zero"), ValueError, "padding_mode must be one"),
        (
            lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"),
            ValueError,
            "padding_mode must be 'zeros'",
        ),
        (lambda: nn.ConvTranspose2d(3, 4, 3, padding="same"), TypeError, "padding must be a"),
        (lambda: nn.Linear(7 / 2, 3), TypeError, "Linear: in_features must be an int, got 3.5"),
        (lambda: nn.Linear(7, -3), RuntimeError, "Linear: out_features must not be negative"),
        (lambda: nn.Bilinear(0, 4, 3), ValueError, "in1_features must be positive"),
        (lambda: nn.Dropout(1.5), ValueError, "p must be between 0 and 1"),
        (lambda: nn.GroupNorm(3, 4), ValueError, "num_groups=3 must divide num_channels=4"),
        (lambda: nn.Embedding(3, 4, padding_idx=3), ValueError, "padding_idx must be within 3"),
        (lambda: nn.Embedding(3, 4, _weight=airi.ones(4, 3)), ValueError, "must have shape"),
        (lambda: nn.Unflatten(1, 3), TypeError, "must be a tuple of ints"),
        (lambda: nn.ZeroPad2d((1, 2)), ValueError, "padding must have 4 values"),
        (lambda: nn.Hardtanh(1.0, 1.0), ValueError, "needs min_val < max_val"),
        (lambda: nn.BatchNorm2d(3)(airi.ones(2, 3)), ValueError, "an input of 4 dimensions"),
        (lambda: nn.BatchNorm1d(3)(airi.ones(3)), ValueError, "an input of 2 or 3 dimensions"),
        (
            lambda: nn.InstanceNorm2d(3, affine=True)(airi.ones(1, 2, 3, 3)),
            ValueError,
            "expected 3 channels",
        ),
        (lambda: nn.Softmax2d()(airi.ones(2)), ValueError, "3 or 4 dimensions"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_reset_parameters_of_batch_norm():
    layer = nn.BatchNorm1d(2)
    layer(airi.tensor([[1.0, 2.0], [3.0, 5.0]]))
    assert layer.num_batches_tracked.item() == 1
    layer.weight.data.fill_(3)
    layer.reset_parameters()
    assert layer.weight.tolist() == [1.0, 1.0]
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert layer.running_var.tolist() == [1.0, 1.0]
    assert layer.num_batches_tracked.item() == 0


def test_one_number_in_a_list_counts_for_all_dimensions():
    layer = nn.Conv2d(2, 4, 3, stride=[2], padding=(1,), dilation=[1])
    assert layer(airi.ones(1, 2, 6, 7)).shape == (1, 4, 3, 4)
    with pytest.raises(ValueError, match="kernel_size must have 2 values"):
        nn.Conv2d(2, 4, (3,))
