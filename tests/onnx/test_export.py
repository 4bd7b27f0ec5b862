"""Exported models, run by ONNX Runtime, give airi's outputs."""

import io

import numpy as np
import pytest

import airi
import airi.nn.functional as F
from airi import nn

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def outputs_of(proto, *inputs):
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [each.name for each in session.get_inputs()]
    return session.run(None, {k: v.numpy() for k, v in zip(names, inputs, strict=False)})


def flat(outputs):
    if isinstance(outputs, airi.Tensor):
        return [outputs]
    return [tensor for each in outputs for tensor in flat(each)]


def check(model, *inputs, others=(), tolerance=1e-5, **options):
    """Export for `inputs`, and compare on these and on `others`."""
    proto = airi.onnx.export(model, inputs, **options)
    if isinstance(model, nn.Module):
        model.eval()
    for given in (inputs, *others):
        with airi.no_grad():
            wanted = flat(model(*given))
        found = outputs_of(proto, *given)
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            assert a.dtype == b.numpy().dtype
            assert a.shape == tuple(b.shape)
            np.testing.assert_allclose(a, b.numpy(), rtol=tolerance, atol=tolerance)
    return proto


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(4 * 3 * 3, 5)

    def forward(self, x):
        x = self.pool(F.relu(self.norm(self.conv(x)), inplace=True))
        return F.log_softmax(self.fc(self.drop(x.view(x.size(0), -1))), dim=1)


class Block(nn.Module):
    def __init__(self, channels, wide, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, wide, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.short = nn.Sequential()
        if stride != 1:
            self.short = nn.Sequential(
                nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.short(x)
        return F.relu(out)


def resnet():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), Block(4, 4, 1), Block(4, 8, 2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip


class GPT(nn.Module):
    def __init__(self, vocabulary=11, size=8, heads=2, block=12):
        super().__init__()
        self.heads = heads
        self.token = nn.Embedding(vocabulary, size)
        self.position = nn.Embedding(block, size)
        self.norm = nn.LayerNorm(size)
        self.attend = nn.Linear(size, 3 * size)
        self.project = nn.Linear(size, size)
        self.mlp = nn.Sequential(
            nn.LayerNorm(size), nn.Linear(size, 16), nn.GELU(), nn.Linear(16, size)
        )
        self.head = nn.Linear(size, vocabulary, bias=False)
        self.register_buffer("mask", airi.tril(airi.ones(block, block)).view(1, 1, block, block))
        self.fused = False

    def forward(self, tokens):
        b, t = tokens.size()
        x = self.token(tokens) + self.position(airi.arange(t))
        q, k, v = self.attend(self.norm(x)).split(x.size(-1), dim=2)
        q, k, v = (each.view(b, t, self.heads, -1).transpose(1, 2) for each in (q, k, v))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) / k.size(-1) ** 0.5
            scores = scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
            y = F.softmax(scores, dim=-1) @ v
        x = x + self.project(y.transpose(1, 2).contiguous().view(b, t, -1))
        return self.head(x + self.mlp(x))[:, -1:]


def test_convnet(tmp_path):
    path = tmp_path / "net.onnx"
    model = ConvNet()
    model(airi.randn(8, 1, 12, 12))  # running averages that are not 0 and 1
    before = {name: each.clone() for name, each in model.state_dict().items()}
    proto = check(
        model, airi.randn(3, 1, 12, 12), others=[(airi.randn(7, 1, 12, 12),)], f=path,
        input_names=["image"], output_names=["scores"],
        dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
    )  # fmt: skip
    onnx.checker.check_model(str(path))
    assert [each.name for each in proto.graph.input] == ["image"]
    assert [each.name for each in proto.graph.output] == ["scores"]
    assert proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    names = {each.name for each in proto.graph.initializer}
    assert {"conv.weight", "fc.bias", "norm.running_var"} <= names
    for name, each in model.state_dict().items():
        assert airi.equal(each, before[name])


def test_resnet():
    batches = [(airi.randn(1, 3, 8, 8),)]
    check(resnet(), airi.randn(2, 3, 8, 8), others=batches, dynamic_axes={"input_0": [0]})


@pytest.mark.parametrize("fused", [False, True])
def test_gpt(fused):
    model = GPT()
    model.fused = fused
    check(model, airi.randint(11, (2, 5)))
    longer = [(airi.randint(11, (3, 5)),)]
    check(model, airi.randint(11, (2, 5)), others=longer, dynamic_axes={"input_0": {0: "batch"}})
    axes = {"input_0": {0: "batch", 1: "time"}}
    longer = [(airi.randint(11, (3, 12)),), (airi.randint(11, (1, 2)),)]
    check(model, airi.randint(11, (2, 5)), others=longer, dynamic_axes=axes)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent(kind):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True, batch_first=True)
            self.fc = nn.Linear(8, 2)

        def forward(self, x):
            out, state = self.rnn(x)
            return self.fc(out[:, -1]), state

    wider = [(airi.randn(5, 6, 3),)]
    check(Model(), airi.randn(2, 6, 3), others=wider, dynamic_axes={"input_0": {0: "batch"}})


MODULES = [
    (nn.Conv1d(2, 3, 3, padding=1), (2, 2, 7)),
    (nn.Conv2d(4, 6, 3, dilation=2, groups=2, padding="same"), (1, 4, 7, 6)),
    (nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (1, 2, 5, 5)),
    (nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1), (1, 2, 4, 5)),
    (nn.Conv3d(2, 3, 3, padding=1), (1, 2, 4, 4, 4)),
    (nn.ConvTranspose1d(2, 3, 3, stride=2), (1, 2, 5)),
    (nn.LocalResponseNorm(2), (1, 4, 3, 3)),
    (nn.Upsample(scale_factor=2, mode="bilinear"), (1, 2, 3, 3)),
    (nn.PixelShuffle(2), (1, 8, 3, 3)),
    (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
    (nn.MaxPool2d(3, 2, 1, ceil_mode=True), (1, 2, 8, 7)),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), (1, 2, 7, 7)),
    (nn.AdaptiveAvgPool2d((2, 3)), (1, 2, 4, 6)),
    (nn.ZeroPad2d((1, 0, 2, 1)), (1, 2, 3, 3)),
    (nn.BatchNorm1d(3), (4, 3)),
    (nn.GroupNorm(2, 4), (2, 4, 5)),
    (nn.InstanceNorm2d(3, affine=True), (2, 3, 4, 4)),
    (nn.LayerNorm([3, 4]), (2, 3, 4)),
    (nn.LayerNorm(4, bias=False), (2, 4)),
    (nn.RMSNorm(4), (2, 3, 4)),
    (nn.Linear(3, 2, bias=False), (5, 3)),
    (nn.Linear(3, 2), (2, 5, 3)),
    (nn.Flatten(), (2, 3, 4)),
    (nn.Softmax(-1), (2, 3)),
    *(
        (module, (3, 4))
        for module in (
            nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(), nn.ELU(0.7), nn.SELU(),
            nn.CELU(0.6), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(2.0),
            nn.LogSigmoid(),
            nn.Softsign(), nn.Hardsigmoid(), nn.Hardswish(), nn.Softshrink(0.3), nn.Hardshrink(0.3),
            nn.Threshold(0.1, 2.0), nn.Tanh(), nn.Sigmoid(), nn.Hardtanh(-0.5, 0.4),
            nn.Tanhshrink(),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("module", "shape"), MODULES, ids=lambda each: repr(each)[:30])
def test_modules(module, shape):
    check(module, airi.randn(shape))


FUNCTIONS = {
    "arithmetic": lambda x: (x * 2 + 1) / (x.abs() + 3) - x**2 + (-x) % 2 + x // 2,
    "functions": lambda x: x.exp().log1p().sqrt() + x.sin() * x.cosh() + airi.erf(x).expm1(),
    "logs": lambda x: (x.abs() + 1).log2() + (x.abs() + 1).log10() + airi.rsqrt(x * x + 1).exp2(),
    "rounding": lambda x: x.floor() + x.ceil() * 2 + x.round() * 3 + x.sign(),
    "clamps": lambda x: x.clamp(-0.5, 0.5) + x.clamp(min=0) + x.maximum(x * 2).minimum(x.exp()),
    "comparisons": lambda x: ((x > 0) & (x < 1) | ~(x != x), (x >= 0.5) ^ (x <= 0)),
    "where": lambda x: airi.where(x > 0, x, airi.zeros_like(x)).masked_fill(x > 1, 7.0),
    "reductions": lambda x: (x.sum(), x.mean(1, keepdim=True), x.prod(-1), x.amax((0, 1))),
    "logsumexp": lambda x: x.logsumexp(2),
    "counts": lambda x: ((x > 0).sum(1), x.argmax(1), x.argmin(), x.max(1).values, x.min(-1, True)),
    "spread": lambda x: (x.var(1), x.std(), x.norm(), x.norm(1, dim=0)),
    "shapes": lambda x: x.permute(2, 0, 1).reshape(4, -1).unsqueeze(1).squeeze(),
    "slices": lambda x: (x[0], x[:, -1], x[..., 1:3], x[:, None, ::2], x[1, :, None, -2]),
    "joining": lambda x: (airi.cat([x, x * 2], 1), airi.stack([x, x], -1), x.repeat(2, 1, 2)),
    "flip": lambda x: x.flip(1, -1),
    "parts": lambda x: (*x.split([1, 2], 1), *x.chunk(2, 2), *x.unbind(0)),
    "triangles": lambda x: x.triu(1) + x.tril(-1),
    "indices": lambda x: (x[:, airi.tensor([2, 0])], x[airi.tensor([0, 1]), airi.tensor([1, 2])]),
    "taking": lambda x: x.gather(1, airi.tensor([[[0, 1, 2, 0]]] * 2)),
    "index_select": lambda x: x.index_select(2, airi.tensor([3, 1])),
    "expand": lambda x: x[:, :1].expand(-1, 5, -1) + x[:, :1].sum(-1, keepdim=True),
    "cumsum": lambda x: x.cumsum(1),
    "sorting": lambda x: (*x.sort(1), *x.topk(2, -1), *x.topk(3, 2, largest=False)),
    "roll": lambda x: x.roll((1, -2), (1, 2)) + x.roll(0, 1),
    "windows": lambda x: x.unfold(2, 3, 1),
    "scatter": lambda x: (x * 1).scatter(1, airi.tensor([[[0, 1, 2, 0]]] * 2), x[:, :1] + 1),
    "scatter_add": lambda x: (x * 1).scatter_add(2, airi.zeros(2, 3, 4).long(), x),
    "truth": lambda x: ((x > 0).any(1), (x > -9).all(), (x > 0).all(-1, keepdim=True)),
    "towards zero": lambda x: (x * 3).trunc() + (x * 3).frac() + airi.fmod(x, 0.3) + x.sgn(),
    "erfc": lambda x: airi.erfc(x) + airi.logaddexp(x, x * 2),
    "products": lambda x: (x @ x.transpose(1, 2), x[0] @ x[0, 0]),
    "einsum": lambda x: airi.einsum("bij,bkj->bik", x, x),
    "casts": lambda x: (x.double() * 2, (x * 10).long() // 3, x.half().float(), (x * 9).int() % 4),
    "in place": lambda x: (x * 1).add_(1).mul_(x).relu_().copy_(x.mean(1, keepdim=True)),
    "constants": lambda x: (x + airi.arange(4), airi.ones(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    check(FUNCTIONS[name], airi.randn(2, 3, 4))


def test_several_inputs_and_a_dict_of_outputs():
    def model(x, weights):
        return {"a": x @ weights, "b": x.sum()}

    proto = airi.onnx.export(model, (airi.ones(2, 3), airi.ones(3, 4)), output_names=["a"])
    a, b = outputs_of(proto, airi.ones(2, 3), airi.ones(3, 4))
    assert a.shape == (2, 4)
    assert b == 6
    assert [each.name for each in proto.graph.output] == ["a", "output_1"]


def test_sizes_of_dynamic_axes_are_computed():
    def model(x):
        b, t, _ = x.shape
        start = airi.zeros(b, 1, 4)
        padded = airi.cat([start, x], 1)[:, :-1]
        return (
            padded.reshape(b * t, 4),
            padded.view(b, t, 2, 2),
            x.mean(1, keepdim=True).expand(b, t, 4),
        )

    axes = {"x": {0: "batch", 1: "time"}}
    others = [(airi.randn(5, 2, 4),), (airi.randn(1, 7, 4),)]
    proto = check(model, airi.randn(2, 3, 4), others=others, input_names=["x"], dynamic_axes=axes)
    assert [each.dim_param for each in proto.graph.input[0].type.tensor_type.shape.dim][:2] == [
        "batch",
        "time",
    ]


def test_training_mode_is_kept_and_used():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
    x = airi.randn(6, 3)
    proto = airi.onnx.export(model, x, training=airi.onnx.TrainingMode.TRAINING)
    assert model.training
    assert model[0].num_batches_tracked.item() == 0
    np.testing.assert_allclose(outputs_of(proto, x)[0], model(x).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda x: airi.linalg.svd(x)[1], "no translation of the op"),
        (lambda x: x * x.sum().item(), "depends on the values"),
        (lambda x: x * airi.rand(3), "a constant of Mul depends on the values"),
        (lambda x: F.dropout(x), "random number"),
        (lambda x: x[x > 0], "where()"),
        (lambda x: x.exp() if x.sum() > 3.7 else x.sin(), "something else for other values"),
        (lambda x: x.clone()[0].add_(1), "part of a tensor"),
        (lambda x: "text", "returns a str"),
    ],
)
def test_what_cannot_be_exported_is_refused(model, said):
    with pytest.raises((RuntimeError, TypeError), match=said):
        airi.onnx.export(model, airi.arange(1.0, 4.0).expand(3, 3) * 0.2)


def test_a_stale_view_is_refused():
    def model(x):
        y = x * 2
        part = y[0]
        y.add_(1)
        return part * 3

    with pytest.raises(RuntimeError, match="written in place"):
        airi.onnx.export(model, airi.ones(2, 2))


def test_arguments(tmp_path):
    x = airi.ones(2, 2)
    for options, said in (
        ({"opset_version": 9}, "opset_version"),
        ({"input_names": ["a", "b"]}, "2 names for 1 inputs"),
        ({"output_names": ["a", "b"]}, "2 names for 1 outputs"),
        ({"dynamic_axes": {"y": [0]}}, "'y'"),
        ({"dynamic_axes": {"input_0": [5]}}, "no dimension 5"),
    ):
        with pytest.raises(ValueError, match=said):
            airi.onnx.export(nn.ReLU(), x, **options)
    with pytest.raises(TypeError, match="args must be"):
        airi.onnx.export(nn.ReLU(), [[1, 2]])
    with pytest.raises(TypeError, match="f must be"):
        airi.onnx.export(nn.ReLU(), x, 3)
    buffer = io.BytesIO()
    airi.onnx.export(nn.ReLU(), x, buffer)
    onnx.checker.check_model(onnx.load_from_string(buffer.getvalue()))


@pytest.mark.parametrize("opset", [18, 19, 20, 21])
def test_opsets(opset):
    proto = check(ConvNet(), airi.randn(2, 1, 12, 12), opset_version=opset)
    assert proto.opset_import[0].version == opset
