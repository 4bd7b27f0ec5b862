"""Recurrent layers and cells beside PyTorch's with the same weights, and what they refuse."""

import copy
import math
import pickle

import numpy as np
import pytest

import airi
from airi import nn
from airi.autograd import gradcheck, gradgradcheck
from airi.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .parity import assert_close

RNG = np.random.default_rng(3)


def real(*shape):
    return RNG.standard_normal(shape)


def pair(name, *args, **kwargs):
    """The module in both libraries, in float64, with PyTorch's weights."""
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, name)(*args, dtype=torch.float64, **kwargs)
    ours = getattr(nn, name)(*args, dtype=airi.float64, **kwargs)
    state = {key: airi.tensor(value.numpy()) for key, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    assert repr(ours) == repr(theirs)
    return ours, theirs


def flat(value):
    """The tensors of a nested result."""
    if value is None or hasattr(value, "shape"):
        return [value]
    return [each for part in value for each in flat(part)]


def assert_agree(ours, theirs, program):
    """`program(library, module)` returns (results, inputs): results and all gradients agree."""
    torch = pytest.importorskip("torch")
    gradients = []
    for library, module in ((airi, ours), (torch, theirs)):
        results, inputs = program(library, module)
        results = [each for each in flat(results) if each is not None]
        rng = np.random.default_rng(1)
        seeds = [library.tensor(rng.standard_normal(tuple(each.shape))) for each in results]
        wanted = [each for each in results if each.requires_grad]
        starts = [s for s, each in zip(seeds, results) if each.requires_grad]
        library.autograd.backward(wanted, starts)
        gradients.append((results, [each.grad for each in [*inputs, *module.parameters()]]))
    for what, one, other in zip(("result", "gradient"), *gradients):
        assert len(one) == len(other)
        for number, (a, b) in enumerate(zip(one, other)):
            assert_close(a, b, f"{what} {number}", rtol=1e-9)


SETTINGS = [
    {},
    {"num_layers": 2},
    {"bidirectional": True},
    {"num_layers": 3, "bidirectional": True, "batch_first": True},
    {"bias": False, "num_layers": 2},
    {"num_layers": 2, "dropout": 1.0},
]
LAYERS = [
    *((name, settings) for name in ("RNN", "LSTM", "GRU") for settings in SETTINGS),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2, "bidirectional": True}),
    ("LSTM", {"proj_size": 2}),
    ("LSTM", {"proj_size": 3, "num_layers": 2, "bidirectional": True, "bias": False}),
]


def layers(function):
    ids = ["-".join([name, *map(str, settings)]) for name, settings in LAYERS]
    return pytest.mark.parametrize(("name", "settings"), LAYERS, ids=ids)(function)


def states_of(name, settings, *batch):
    count = settings.get("num_layers", 1) * (1 + settings.get("bidirectional", False))
    h = real(count, *batch, settings.get("proj_size", 0) or 4)
    return (h, real(count, *batch, 4)) if name == "LSTM" else (h,)


def run(library, module, x, states):
    """Call a layer with its input and states made of arrays, as leaves."""
    tensors = [library.tensor(each, requires_grad=True) for each in (x, *states)]
    hx = None if not states else tensors[1] if len(states) == 1 else tuple(tensors[1:])
    return module(tensors[0], hx), tensors


@layers
def test_layer_agrees_with_pytorch(name, settings):
    ours, theirs = pair(name, 3, 4, **settings)
    x = real(2, 5, 3) if settings.get("batch_first") else real(5, 2, 3)
    states = states_of(name, settings, 2)
    assert_agree(ours, theirs, lambda library, module: run(library, module, x, states))


@layers
def test_unbatched_input_and_zero_states(name, settings):
    ours, theirs = pair(name, 3, 4, **settings)
    x, states = real(5, 3), states_of(name, settings)
    assert_agree(ours, theirs, lambda library, module: run(library, module, x, ()))
    assert_agree(ours, theirs, lambda library, module: run(library, module, x, states))


@layers
@pytest.mark.parametrize("lengths", [[5, 3, 3, 1], [2, 4, 1, 4]], ids=["sorted", "unsorted"])
def test_packed_sequences_agree_with_pytorch(name, settings, lengths):
    ours, theirs = pair(name, 3, 4, **settings)
    x, states = real(5, 4, 3), states_of(name, settings, 4)

    def program(library, module):
        utils = library.nn.utils.rnn
        tensors = [library.tensor(each, requires_grad=True) for each in (x, *states)]
        packed = utils.pack_padded_sequence(tensors[0], lengths, enforce_sorted=lengths[0] == 5)
        hx = tensors[1] if len(states) == 1 else tuple(tensors[1:])
        output, last = module(packed, hx)
        assert isinstance(output, utils.PackedSequence)
        return [list(output), last, utils.pad_packed_sequence(output)], tensors

    assert_agree(ours, theirs, program)


def test_a_packed_sequence_is_each_sequence_by_itself():
    lstm = nn.LSTM(3, 4, 2, bidirectional=True).double()
    x, lengths = airi.tensor(real(5, 3, 3)), [2, 5, 3]
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    output, (h, c) = lstm(packed)
    padded, got = pad_packed_sequence(output)
    assert got.tolist() == lengths
    for number, length in enumerate(lengths):
        alone, (h_alone, c_alone) = lstm(x[:length, number])
        assert airi.allclose(padded[:length, number], alone)
        assert airi.allclose(h[:, number], h_alone)
        assert airi.allclose(c[:, number], c_alone)


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("settings", [{}, {"bias": False}])
@pytest.mark.parametrize("batch", [(2,), ()], ids=["batch", "single"])
def test_cell_agrees_with_pytorch(name, settings, batch):
    ours, theirs = pair(name, 3, 4, **settings)
    x = real(*batch, 3)
    states = [real(*batch, 4) for _ in range(1 + (name == "LSTMCell"))]
    assert_agree(ours, theirs, lambda library, module: run(library, module, x, ()))
    assert_agree(ours, theirs, lambda library, module: run(library, module, x, states))


def test_relu_cell_agrees_with_pytorch():
    ours, theirs = pair("RNNCell", 3, 4, nonlinearity="relu")
    x, h = real(2, 3), real(2, 4)
    assert_agree(ours, theirs, lambda library, module: run(library, module, x, (h,)))


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_a_cell_in_a_loop_is_the_layer(name):
    layer = getattr(nn, name)(3, 4)
    cell = getattr(nn, f"{name}Cell")(3, 4)
    cell.load_state_dict({key[:-3]: value for key, value in layer.state_dict().items()})
    x = airi.randn(6, 2, 3)
    hx, outs = None, []
    for step in x:
        hx = cell(step, hx)
        outs.append(hx[0] if name == "LSTM" else hx)
    assert airi.allclose(layer(x)[0], airi.stack(outs), atol=1e-6)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("lengths", [None, [3, 1], [1, 2]])
def test_second_derivatives_of_sequences(name, lengths):
    layer = getattr(nn, name)(2, 2, bidirectional=True).double()
    x = airi.tensor(real(3, 2, 2), requires_grad=True)

    def function(x, *weights):
        packed = x
        if lengths:
            packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        output, last = layer(packed)
        return (output.data if lengths else output), *(last if name == "LSTM" else [last])

    assert gradcheck(function, (x, *layer.parameters()))
    assert gradgradcheck(function, (x, *layer.parameters()), fast_mode=True)


def test_an_input_that_is_made_of_another_counts_once_in_second_derivatives():
    """h_0 made from the input: the recorded backward must not go through that twice."""
    gru = nn.GRU(2, 2).double()
    x = airi.tensor(real(3, 1, 2), requires_grad=True)
    assert gradgradcheck(lambda x: gru(x, airi.tanh(x[:1]))[0], (x,))


def test_dropout_acts_between_layers_in_training_only():
    lstm = nn.LSTM(3, 8, 2, dropout=0.5)
    x = airi.randn(4, 2, 3)
    first, second = lstm(x)[0], lstm(x)[0]
    assert not airi.equal(first, second)
    lstm.eval()
    assert airi.equal(lstm(x)[0], lstm(x)[0])


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
def test_parameters_begin_uniform(name):
    module = getattr(nn, name)(30, 100)
    values = np.concatenate([each.detach().numpy().ravel() for each in module.parameters()])
    bound = 1 / math.sqrt(100)
    assert abs(values).max() <= bound
    assert abs(values.mean()) < 0.02 * bound
    assert abs(values.std() - bound / math.sqrt(3)) < 0.02 * bound


def test_all_weights_and_flatten_parameters():
    lstm = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    names = [name for name, _ in lstm.named_parameters()]
    assert [id(each) for row in lstm.all_weights for each in row] == [
        id(getattr(lstm, name)) for name in names
    ]
    assert len(lstm.all_weights) == 4
    assert names[5:10] == [
        "weight_ih_l0_reverse",
        "weight_hh_l0_reverse",
        "bias_ih_l0_reverse",
        "bias_hh_l0_reverse",
        "weight_hr_l0_reverse",
    ]
    assert lstm.flatten_parameters() is None


def test_copies_and_pickles_compute_the_same():
    gru, x = nn.GRU(3, 4, 2), airi.randn(2, 1, 3)
    for other in (copy.deepcopy(gru), pickle.loads(pickle.dumps(gru))):
        assert airi.equal(other(x)[0], gru(x)[0])


def test_a_replaced_parameter_is_used():
    rnn = nn.RNN(2, 2, bias=False)
    rnn.weight_ih_l0 = nn.Parameter(airi.zeros(2, 2))
    assert rnn(airi.ones(3, 2))[0].tolist() == [[0, 0]] * 3


def test_one_node_a_layer_and_direction():
    output = nn.LSTM(3, 4, 2, bidirectional=True)(airi.randn(5, 2, 3))[0]
    names, waiting = [], [output.grad_fn]
    while waiting:
        node = waiting.pop()
        names.append(node.name())
        waiting += [each for each, _ in node.next_functions if each is not None]
    assert names.count("CatBackward") == 3  # the first layer's is reached from both directions
    assert len({id(each) for each in _nodes(output) if each.name() == "LSTMBackward"}) == 4


def _nodes(tensor):
    waiting, found = [tensor.grad_fn], []
    while waiting:
        node = waiting.pop()
        if node is not None and hasattr(node, "edges"):
            found.append(node)
            waiting += [each for each, _ in node.next_functions]
    return found


def test_initial_state_written_in_place_is_noticed():
    rnn = nn.RNN(2, 2)
    h = airi.zeros(1, 1, 2, requires_grad=True) * 1.0
    output = rnn(airi.randn(3, 1, 2), h)[0]
    h.add_(1)
    with pytest.raises(RuntimeError, match="changed in place"):
        output.sum().backward()


X = airi.zeros(5, 2, 3)
REFUSED = [
    (ValueError, "input_size must be positive", lambda: nn.LSTM(0, 4)),
    (ValueError, "hidden_size must be positive", lambda: nn.GRU(3, 0)),
    (ValueError, "num_layers must be positive", lambda: nn.RNN(3, 4, 0)),
    (TypeError, "hidden_size must be an int, got float", lambda: nn.LSTM(3, 4.0)),
    (TypeError, "bias must be a bool, got int", lambda: nn.LSTM(3, 4, bias=1)),
    (TypeError, "batch_first must be a bool", lambda: nn.LSTM(3, 4, batch_first=2)),
    (ValueError, "dropout must be a number between 0 and 1", lambda: nn.GRU(3, 4, 2, dropout=2.0)),
    (ValueError, "dropout must be a number", lambda: nn.GRU(3, 4, 2, dropout=True)),
    (ValueError, "proj_size must be 0 or positive", lambda: nn.LSTM(3, 4, proj_size=4)),
    (ValueError, "only LSTM has proj_size", lambda: nn.GRU(3, 4, proj_size=2)),
    (ValueError, "'tanh' or 'relu', got 'sin'", lambda: nn.RNN(3, 4, nonlinearity="sin")),
    (ValueError, "mode must be one of", lambda: nn.RNNBase("CNN", 3, 4)),
    (ValueError, r"2 or 3 dimensions, got shape \(3,\)", lambda: nn.LSTM(3, 4)(X[0, 0])),
    (RuntimeError, r"input_size 2, got shape \(5, 2, 3\)", lambda: nn.LSTM(2, 4)(X)),
    (ValueError, "input is airi.float64 but the weights", lambda: nn.GRU(3, 4)(X.double())),
    (RuntimeError, "must have 3 dimensions", lambda: nn.GRU(3, 4)(X, airi.zeros(1, 4))),
    (RuntimeError, "must have 2 dimensions", lambda: nn.GRU(3, 4)(X[0], airi.zeros(1, 2, 4))),
    (
        RuntimeError,
        r"hx of shape \(1, 2, 4\), got \(1, 3, 4\)",
        lambda: nn.GRU(3, 4)(X, airi.zeros(1, 3, 4)),
    ),
    (
        RuntimeError,
        r"hx\[1\] of shape \(1, 2, 4\)",
        lambda: nn.LSTM(3, 4)(X, (airi.zeros(1, 2, 4), airi.zeros(1, 2, 5))),
    ),
    (TypeError, "pair of Tensors", lambda: nn.LSTM(3, 4)(X, airi.zeros(1, 2, 4))),
    (RuntimeError, "at least one step", lambda: nn.GRU(3, 4)(airi.zeros(0, 2, 3))),
    (ValueError, "1 or 2 dimensions", lambda: nn.GRUCell(3, 4)(X)),
    (ValueError, "hx must have 1 or 2", lambda: nn.RNNCell(3, 4)(X[0], X)),
    (RuntimeError, r"states of shape \(2, hidden\)", lambda: nn.GRUCell(3, 4)(X[0], X[:, 0])),
    (RuntimeError, "'tanh' or 'relu'", lambda: nn.RNNCell(3, 4, nonlinearity="sin")(X[0])),
    (RuntimeError, r"input_size 2, got shape \(2, 3\)", lambda: nn.LSTMCell(2, 4)(X[0])),
    (TypeError, "input must be a Tensor, got list", lambda: nn.GRU(3, 4)([1.0])),
    (TypeError, "input must be a Tensor, got NoneType", lambda: nn.GRUCell(3, 4)(None)),
    (TypeError, "hx must be a Tensor, got int", lambda: nn.GRU(3, 4)(X, 0)),
    (TypeError, "pair of Tensors .* got 1 items", lambda: nn.LSTMCell(3, 4)(X[0], (X[0],))),
    (TypeError, "num_layers must be an int, got float", lambda: nn.GRU(3, 4, 1.0)),
    (
        RuntimeError,
        "hx is airi.float64 but the weights are airi.float32",
        lambda: nn.GRU(3, 4)(X, airi.zeros(1, 2, 4).double()),
    ),
]


@pytest.mark.parametrize(("error", "message", "make"), REFUSED)
def test_refusals(error, message, make):
    with pytest.raises(error, match=message):
        make()


def test_dropout_with_one_layer_warns():
    with pytest.warns(UserWarning, match="does nothing with num_layers=1"):
        nn.LSTM(3, 4, dropout=0.5)


def test_functions_refuse_weights_that_do_not_fit():
    params = [airi.zeros(16, 3), airi.zeros(16, 4)]
    hx = [airi.zeros(1, 2, 4), airi.zeros(1, 2, 4)]
    with pytest.raises(RuntimeError, match="expected 4 weights, or 5 with a projection"):
        airi.lstm(X, hx, params, True, 1, 0.0, False, False)
    with pytest.raises(RuntimeError, match=r"w_hh must have shape \(16, 4\)"):
        airi.lstm(X, hx, [params[0], airi.zeros(16, 5)], False, 1, 0.0, False, False)
    wide = [airi.zeros(1, 2, 5), hx[1]]
    with pytest.raises(RuntimeError, match="there is no w_hr"):
        airi.lstm(X, wide, [params[0], airi.zeros(16, 5)], False, 1, 0.0, False, False)
    with pytest.raises(RuntimeError, match=r"states of shape \(1, 2, hidden\)"):
        airi.gru(X, hx[0][:, :1], [airi.zeros(12, 3), airi.zeros(12, 4)], False, 1, 0, False, False)
    with pytest.raises(RuntimeError, match="one number dtype"):
        airi.gru_cell(X[0].double(), hx[0][0], airi.zeros(12, 3), airi.zeros(12, 4))
