"""The table of layers: shapes, parameters, multiply-adds by hand, memory, failures."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import airi
import airi.ops
from airi import nn
from airi.autograd.graph import Rule
from airi.nn import functional as F
from airi.viz.multiply_adds import RULES

N, L, S, E = 2, 5, 7, 8  # batch, sequence, other sequence, features

# A layer, its inputs, and the products it sums, counted by hand.
COUNTED = {
    "Linear": (nn.Linear(4, 6), [(N, 4)], N * 4 * 6),
    "Linear without a batch": (nn.Linear(4, 6), [(4,)], 4 * 6),
    "Linear on sequences": (nn.Linear(4, 6, bias=False), [(N, L, 4)], N * L * 4 * 6),
    # einsum contracts the longer input first
    "Bilinear": (nn.Bilinear(3, 4, 5), [(N, 3), (N, 4)], N * 5 * 3 * 4 + N * 5 * 3),
    "Conv1d": (nn.Conv1d(3, 6, 4), [(N, 3, 10)], N * 6 * 7 * 3 * 4),
    "Conv2d": (nn.Conv2d(3, 6, 3, padding=1), [(N, 3, 8, 9)], N * 6 * 8 * 9 * 3 * 9),
    "Conv2d with stride": (nn.Conv2d(3, 6, 3, stride=2), [(N, 3, 9, 9)], N * 6 * 4 * 4 * 3 * 9),
    "Conv2d with dilation": (nn.Conv2d(3, 6, 3, dilation=2), [(3, 9, 9)], 6 * 5 * 5 * 3 * 9),
    "Conv2d in groups": (nn.Conv2d(4, 6, 3, groups=2), [(N, 4, 5, 5)], N * 6 * 3 * 3 * 2 * 9),
    "Conv2d of each channel": (nn.Conv2d(4, 4, 3, groups=4), [(N, 4, 5, 5)], N * 4 * 9 * 9),
    "Conv3d": (nn.Conv3d(2, 3, 2, stride=2), [(N, 2, 4, 6, 8)], N * 3 * 2 * 3 * 4 * 2 * 8),
    "ConvTranspose1d": (nn.ConvTranspose1d(3, 6, 4), [(N, 3, 10)], N * 3 * 10 * 6 * 4),
    "ConvTranspose2d": (
        nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), [(N, 4, 5, 5)], N * 4 * 25 * 3 * 9
    ),
    "ConvTranspose3d": (nn.ConvTranspose3d(2, 3, 2), [(N, 2, 3, 4, 5)], N * 2 * 60 * 3 * 8),
    "RNN": (nn.RNN(4, 6), [(L, N, 4)], L * N * 6 * (4 + 6)),
    "GRU": (nn.GRU(4, 6, batch_first=True), [(N, L, 4)], L * N * 3 * 6 * (4 + 6)),
    "LSTM": (nn.LSTM(4, 6), [(L, N, 4)], L * N * 4 * 6 * (4 + 6)),
    "LSTM of two layers both ways": (
        nn.LSTM(4, 6, num_layers=2, bidirectional=True), [(L, N, 4)],
        L * N * 2 * 4 * 6 * ((4 + 6) + (12 + 6)),
    ),
    "LSTM with projection": (
        nn.LSTM(4, 6, proj_size=3), [(L, N, 4)], L * N * (4 * 6 * (4 + 3) + 6 * 3)
    ),
    "RNNCell": (nn.RNNCell(4, 6), [(N, 4)], N * 6 * (4 + 6)),
    "LSTMCell": (nn.LSTMCell(4, 6), [(N, 4)], N * 4 * 6 * (4 + 6)),
    "GRUCell": (nn.GRUCell(4, 6), [(N, 4)], N * 3 * 6 * (4 + 6)),
    "MultiheadAttention": (
        nn.MultiheadAttention(E, 2, batch_first=True), [(N, L, E), (N, S, E), (N, S, E)],
        N * (L * E * E + 2 * S * E * E + 2 * L * S * E + L * E * E),
    ),
    "TransformerEncoderLayer": (
        nn.TransformerEncoderLayer(E, 2, 16, batch_first=True), [(N, L, E)],
        N * (4 * L * E * E + 2 * L * L * E + 2 * L * E * 16),
    ),
    "TransformerDecoderLayer": (
        nn.TransformerDecoderLayer(E, 2, 16, batch_first=True), [(N, L, E), (N, S, E)],
        N * (4 * L * E * E + 2 * L * L * E)
        + N * (2 * L * E * E + 2 * S * E * E + 2 * L * S * E) + N * 2 * L * E * 16,
    ),
    "Transformer": (
        nn.Transformer(E, 2, 2, 1, 16, batch_first=True), [(N, S, E), (N, L, E)],
        N * 2 * (4 * S * E * E + 2 * S * S * E + 2 * S * E * 16)
        + N * (4 * L * E * E + 2 * L * L * E)
        + N * (2 * L * E * E + 2 * S * E * E + 2 * L * S * E) + N * 2 * L * E * 16,
    ),
    "BatchNorm2d": (nn.BatchNorm2d(3), [(N, 3, 4, 4)], 0),
    "LayerNorm": (nn.LayerNorm(4), [(N, 4)], 0),
    "GroupNorm": (nn.GroupNorm(2, 4), [(N, 4, 3)], 0),
    "MaxPool2d": (nn.MaxPool2d(2), [(N, 3, 4, 4)], 0),
    "AvgPool2d": (nn.AvgPool2d(2), [(N, 3, 4, 4)], 0),
    "AdaptiveAvgPool2d": (nn.AdaptiveAvgPool2d(1), [(N, 3, 4, 4)], 0),
    "ReLU": (nn.ReLU(), [(N, 4)], 0),
    "Softmax": (nn.Softmax(dim=1), [(N, 4)], 0),
    "Upsample": (nn.Upsample(scale_factor=2, mode="bilinear"), [(N, 3, 4, 4)], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_multiply_adds_are_those_of_the_hand(name):
    layer, shapes, expected = COUNTED[name]
    table = airi.summary(layer, *shapes)
    assert table.error is None
    assert table.multiply_adds == expected


def test_every_layer_that_multiplies_matrices_is_counted_here():
    from airi.nn import attention, conv, linear, recurrent, transformer

    found = {
        name
        for module in (attention, conv, linear, recurrent, transformer)
        for name, each in vars(module).items()
        if isinstance(each, type) and each.__module__ == module.__name__ and name in nn.__all__
    }
    stacks = {"TransformerEncoder", "TransformerDecoder", "RNNBase", "RNNCellBase", "Identity"}
    named = {each for each in found - stacks if not each.startswith("Lazy")}
    assert len(named) > 15
    assert named <= {name.split()[0] for name in COUNTED}


def test_packed_sequences_are_counted_by_their_lengths():
    rows = nn.utils.rnn.pack_sequence([airi.zeros(4, 3), airi.zeros(2, 3)])
    assert airi.summary(nn.LSTM(3, 5), rows).multiply_adds == (4 + 2) * 4 * 5 * (3 + 5)


def test_embeddings_multiply_nothing():
    places = airi.zeros(N, L, dtype=airi.long)
    assert airi.summary(nn.Embedding(10, 4), places).multiply_adds == 0
    assert airi.summary(nn.EmbeddingBag(10, 4), (N, L), dtype=airi.long).multiply_adds == 0


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x, y: x @ y, 2 * 3 * 4 * 5),
        (lambda x, y: airi.einsum("bij,bjk->bik", x, y), 2 * 3 * 4 * 5),
        (lambda x, y: airi.addmm(airi.zeros(3, 5), x[0], y[0]), 3 * 4 * 5),
        (lambda x, y: airi.dot(x[0, 0], y[0, :, 0]), 4),
        (lambda x, y: F.scaled_dot_product_attention(x, x, x), 2 * 2 * 3 * 3 * 4),
    ],
)
def test_products_of_tensors(function, expected):
    class Product(nn.Module):
        def forward(self, x, y):
            return function(x, y)

    assert airi.summary(Product(), (2, 3, 4), (2, 4, 5)).multiply_adds == expected


def test_the_table_names_rules_that_are_there():
    for each in pkgutil.iter_modules(airi.ops.__path__):
        if not each.name.endswith("_ext"):
            importlib.import_module(f"airi.ops.{each.name}")

    def below(kind):
        for each in kind.__subclasses__():
            yield each.__name__
            yield from below(each)

    assert set(RULES) <= set(below(Rule))


def test_pytorch_counts_twice_as_many():
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    def network(nn):
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4, stride=2),
            nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Flatten(), nn.Linear(4 * 14 * 14, 10),
        )  # fmt: skip

    with FlopCounterMode(display=False) as counter:
        network(torch.nn)(torch.zeros(2, 3, 16, 16))
    assert 2 * airi.summary(network(nn), (2, 3, 16, 16)).multiply_adds == counter.get_total_flops()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(4 * 6 * 6, 5)

    def forward(self, x):
        return self.head(self.stem(x).flatten(1))


def test_layers_as_data():
    table = airi.summary(Net(), (N, 3, 8, 8))
    names = ["", "stem", "stem.0", "stem.1", "stem.2", "head"]
    assert [layer.name for layer in table.layers] == names
    assert table["stem.0"].output == (N, 4, 6, 6)
    assert table["stem.0"].inputs == [(N, 3, 8, 8)]
    assert table["head"].parameters == 4 * 36 * 5 + 5
    assert table.parameters == 3 * 4 * 9 + 4 + 8 + 4 * 36 * 5 + 5
    assert table[""].output == (N, 5)
    with pytest.raises(KeyError):
        table["tail"]


def test_the_text_and_the_notebooks_table():
    net = Net()
    net.head.requires_grad_(False)
    table = airi.summary(net, (N, 3, 8, 8))
    text = str(table)
    assert "  stem: Sequential" in text
    assert "    0: Conv2d" in text
    assert "2×4×6×6" in text
    assert "parameters: 845, 120 trainable (3.38 kB)" in text
    assert table._repr_html_().count("<tr>") == 7
    short = str(airi.summary(net, (N, 3, 8, 8), depth=1))
    assert "Conv2d" not in short
    assert f"{N * 4 * 36 * 27:,}" in short


def test_memory_is_what_nodes_keep():
    layer = nn.Linear(4, 6)
    assert airi.summary(layer, (N, 4)).saved_bytes == N * 4 * 4  # x; the weight is a parameter
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    table = airi.summary(net, (N, 4))
    # The ReLU's result is kept once, by it and by the layer after it.
    assert table.saved_bytes == N * 4 * 4 + N * 6 * 4
    net.requires_grad_(False)
    assert airi.summary(net, (N, 4)).saved_bytes == 0
    with airi.no_grad():
        assert airi.summary(layer, (N, 4)).saved_bytes == N * 4 * 4


def test_shared_parameters_count_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(10, 4)
            self.out = nn.Linear(4, 10, bias=False)
            self.out.weight = self.table.weight

        def forward(self, x):
            return self.out(self.table(x))

    table = airi.summary(Tied(), airi.zeros(3, dtype=airi.long))
    assert table.parameters == 40
    assert table["out"].shared
    assert "shared" in str(table)
    twice = nn.Linear(4, 4)
    table = airi.summary(nn.Sequential(twice, twice), (1, 4))
    assert table.parameters == 20
    assert table.multiply_adds == 32
    assert table["0"].calls == 2
    assert "× 2" in str(table)


def test_a_forward_that_fails_is_shown_up_to_there():
    net = Net()
    net.head = nn.Linear(100, 5)
    table = airi.summary(net, (N, 3, 8, 8))
    assert table.failed is table["head"]
    assert table["stem.2"].output == (N, 4, 6, 6)
    assert isinstance(table.error, RuntimeError)
    assert "forward failed in head, Linear(in_features=100" in str(table)
    assert "given 2×144" in str(table)
    assert "forward failed" in table._repr_html_()
    inside = airi.summary(net, (N, 3, 8))
    assert inside.failed.name in ("stem.0", "stem.1")
    folded = airi.summary(net, (N, 3, 8, 8), depth=0)
    assert "failed" in str(folded)


def test_an_error_that_the_model_catches():
    class Tolerant(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(3, 3), nn.Linear(4, 4)

        def forward(self, x):
            try:
                return self.one(x)
            except RuntimeError:
                return self.other(x)

    table = airi.summary(Tolerant(), (N, 4))
    assert table.error is None
    assert table["one"].output is None
    assert table["other"].output == (N, 4)


def test_the_model_is_as_before():
    net = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
    state = {name: value.clone() for name, value in net.state_dict().items()}
    airi.manual_seed(0)
    expected = airi.rand(3).tolist()
    airi.manual_seed(0)
    airi.summary(net, airi.ones(5, 4))
    assert airi.rand(3).tolist() == expected
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[name].numpy())
    assert net.training
    assert net[0]._hooks is None or not net[0]._hooks.forward


def test_inputs_of_all_kinds():
    lstm = nn.LSTM(4, 6)
    states = (airi.zeros(1, N, 6), airi.zeros(1, N, 6))
    table = airi.summary(lstm, airi.zeros(L, N, 4), states)
    assert table[""].output == [(L, N, 6), [(1, N, 6), (1, N, 6)]]
    attention = nn.MultiheadAttention(E, 2)
    x = airi.zeros(L, N, E)
    assert airi.summary(attention, x, x, x, need_weights=False)[""].output == [(L, N, E), None]
    assert airi.summary(nn.Linear(3, 2).double(), (3,)).error is None


def test_lazy_layers_and_no_input():
    net = nn.Sequential(nn.LazyLinear(5), nn.Linear(5, 2))
    table = airi.summary(net)
    assert table.parameters == 12
    assert "multiply-adds:" not in str(table)
    assert airi.summary(net, (N, 7)).parameters == 12 + 40


def test_errors_say_what_was_expected():
    with pytest.raises(TypeError, match=r"nn\.Module"):
        airi.summary(airi.zeros(3))
    with pytest.raises(ValueError, match="depth"):
        airi.summary(nn.ReLU(), depth=-1)
