"""Every loss against PyTorch's, in float64: value and gradients, for each reduction."""

import numpy as np
import pytest

import airi
from airi import nn

from .parity import assert_close

RNG = np.random.default_rng(1)


def real(*shape):
    return RNG.normal(size=shape)


def positive(*shape):
    return RNG.uniform(0.05, 0.95, shape)


def whole(high, *shape):
    return RNG.integers(0, high, shape)


def sign(*shape):
    return RNG.choice([-1.0, 1.0], shape)


def log_probabilities(*shape):
    values = real(*shape)
    return values - np.log(np.exp(values).sum(1, keepdims=True))


def probabilities(*shape):
    return np.exp(log_probabilities(*shape))


LABELS = np.array([1, -100, 0, 3])

# name, keywords, the inputs: those that are floating-point require grad where `input` says so
LOSSES = [
    ("L1Loss", {}, [real(3, 4), real(3, 4)]),
    ("MSELoss", {}, [real(3, 4), real(3, 4)]),
    ("SmoothL1Loss", {}, [real(3, 4), real(3, 4)]),
    ("SmoothL1Loss", {"beta": 0.3}, [real(3, 4), real(3, 4)]),
    ("HuberLoss", {"delta": 0.7}, [real(3, 4), real(3, 4)]),
    ("NLLLoss", {}, [log_probabilities(4, 5), LABELS]),
    ("NLLLoss", {"weight": positive(5)}, [log_probabilities(4, 5), LABELS]),
    ("NLLLoss", {"ignore_index": 3}, [log_probabilities(2, 5, 3), whole(5, 2, 3)]),
    ("CrossEntropyLoss", {}, [real(4, 5), LABELS]),
    ("CrossEntropyLoss", {"weight": positive(5)}, [real(2, 5, 3), whole(5, 2, 3)]),
    ("CrossEntropyLoss", {"label_smoothing": 0.2}, [real(4, 5), LABELS]),
    (
        "CrossEntropyLoss",
        {"label_smoothing": 0.2, "weight": positive(5)},
        [real(4, 5), probabilities(4, 5)],
    ),
    ("BCELoss", {}, [positive(3, 4), positive(3, 4)]),
    ("BCELoss", {"weight": positive(4)}, [positive(3, 4), positive(3, 4)]),
    ("BCEWithLogitsLoss", {}, [real(3, 4), positive(3, 4)]),
    (
        "BCEWithLogitsLoss",
        {"weight": positive(3, 4), "pos_weight": positive(4)},
        [real(3, 4), positive(3, 4)],
    ),
    ("KLDivLoss", {}, [log_probabilities(3, 4), probabilities(3, 4)]),
    ("KLDivLoss", {"log_target": True}, [log_probabilities(3, 4), log_probabilities(3, 4)]),
    ("PoissonNLLLoss", {}, [real(3, 4), positive(3, 4) * 9]),
    ("PoissonNLLLoss", {"log_input": False, "full": True}, [positive(3, 4), positive(3, 4) * 9]),
    ("GaussianNLLLoss", {}, [real(3, 4), real(3, 4), positive(3, 4)]),
    ("GaussianNLLLoss", {"full": True, "eps": 0.3}, [real(3, 4), real(3, 4), positive(3, 1)]),
    ("SoftMarginLoss", {}, [real(3, 4), sign(3, 4)]),
    ("HingeEmbeddingLoss", {"margin": 0.8}, [real(3, 4), sign(3, 4)]),
    ("CosineEmbeddingLoss", {"margin": 0.1}, [real(6, 4), real(6, 4), sign(6)]),
    ("MarginRankingLoss", {"margin": 0.4}, [real(6), real(6), sign(6)]),
    ("MultiMarginLoss", {}, [real(4, 5), whole(5, 4)]),
    ("MultiMarginLoss", {"p": 2, "margin": 0.6, "weight": positive(5)}, [real(4, 5), whole(5, 4)]),
    ("MultiLabelMarginLoss", {}, [real(2, 4), np.array([[3, 0, -1, 1], [1, -1, 0, 2]])]),
    ("MultiLabelSoftMarginLoss", {"weight": positive(4)}, [real(3, 4), positive(3, 4).round()]),
    ("TripletMarginLoss", {}, [real(6, 4), real(6, 4), real(6, 4)]),
    ("TripletMarginLoss", {"margin": 2.0, "p": 3.0, "swap": True}, [real(6, 4) for _ in range(3)]),
    ("TripletMarginWithDistanceLoss", {"swap": True}, [real(6, 4) for _ in range(3)]),
]


def label(row):
    return f"{row[0]}-{'-'.join(row[1])}"


def run(module, from_numpy, name, kwargs, arrays):
    given = {k: from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in kwargs.items()}
    loss = getattr(module, name)(**given)
    inputs = [from_numpy(each.copy()) for each in arrays]
    # Targets take no gradient, but where every input is a prediction all do.
    predictions = inputs if name.startswith("Triplet") else inputs[:1]
    for each in predictions:
        each.requires_grad_()
    out = loss(*inputs)
    out.backward(from_numpy(np.linspace(0.5, 1.5, out.numel()).reshape(tuple(out.shape))))
    return loss, out, tuple(each.grad for each in predictions)


@pytest.mark.filterwarnings("ignore:.*kl_div")  # of both: the mean is not the divergence
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("row", LOSSES, ids=label)
def test_loss(row, reduction):
    torch = pytest.importorskip("torch")
    name, kwargs, arrays = row
    kwargs = {**kwargs, "reduction": reduction}
    ours, value, grads = run(nn, airi.from_numpy, name, kwargs, arrays)
    theirs, their_value, their_grads = run(torch.nn, torch.from_numpy, name, kwargs, arrays)
    assert_close(value, their_value, "value")
    assert_close(grads, their_grads, "gradients")
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_every_loss_is_in_the_table():
    elsewhere = {"CTCLoss", "LinearCrossEntropyLoss", "AdaptiveLogSoftmaxWithLoss"}
    names = {name for name in nn.__all__ if name.endswith("Loss")} - elsewhere
    assert names == {name for name, *_ in LOSSES}


def test_batchmean():
    torch = pytest.importorskip("torch")
    arrays = [log_probabilities(3, 4), probabilities(3, 4)]
    kwargs = {"reduction": "batchmean"}
    _, value, _ = run(nn, airi.from_numpy, "KLDivLoss", kwargs, arrays)
    _, their_value, _ = run(torch.nn, torch.from_numpy, "KLDivLoss", kwargs, arrays)
    assert_close(value, their_value, "value")


@pytest.mark.parametrize(
    ("size_average", "reduce", "reduction"),
    [(True, None, "mean"), (False, None, "sum"), (None, False, "none"), (None, True, "mean")],
)
def test_the_older_arguments(size_average, reduce, reduction):
    with pytest.warns(UserWarning, match="size_average and reduce are deprecated"):
        assert nn.MSELoss(size_average, reduce).reduction == reduction


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.MSELoss(reduction="average"), "MSELoss: reduction must be"),
        (lambda: nn.MultiMarginLoss(p=3), "p must be 1 or 2"),
        (lambda: nn.TripletMarginLoss(margin=0), "margin must be positive"),
        (lambda: nn.TripletMarginWithDistanceLoss(margin=-1), "margin must be positive"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("one_behind_another", [False, True])
def test_ctc_loss_behind_a_log_softmax(reduction, one_behind_another):
    torch = pytest.importorskip("torch")
    x, targets = real(12, 3, 5), np.array([[1, 2, 2, 4], [3, 3, 1, 2], [1, 1, 4, 3]])
    lengths = np.array([4, 2, 3])
    if one_behind_another:
        targets = np.concatenate([row[:n] for row, n in zip(targets, lengths)])
    results = []
    for framework in (airi, torch):
        leaf = framework.from_numpy(x.copy()).requires_grad_()
        loss = framework.nn.CTCLoss(reduction=reduction)
        out = loss(
            leaf.log_softmax(-1),
            framework.from_numpy(targets),
            framework.from_numpy(np.array([12, 9, 10])),
            framework.from_numpy(lengths),
        )
        out.sum().backward()
        results.append((out, leaf.grad))
    assert_close(results[0], results[1], "CTCLoss")


def linear_cross_entropy(framework, from_numpy):
    loss = framework.nn.LinearCrossEntropyLoss(
        4, 3, out_features=(2,), bias=True, weight=from_numpy(np.array([0.5, 1.0, 2.0])),
        ignore_index=1, label_smoothing=0.1, dtype=framework.float64,
    )  # fmt: skip
    weight = np.linspace(-1, 1, 24).reshape(6, 4)
    loss.load_state_dict({
        "weight": loss.weight,
        "linear.weight": from_numpy(weight),
        "linear.bias": from_numpy(weight[:, 0].copy()),
    })  # fmt: skip
    x = from_numpy(np.linspace(-2, 1, 20).reshape(5, 4)).requires_grad_()
    out = loss(x, from_numpy(np.array([[0, 1], [2, 2], [1, 0], [0, 0], [2, 1]])))
    out.backward()
    return repr(loss), (out, x.grad, loss.linear.weight.grad, loss.linear.bias.grad)


def test_linear_cross_entropy_loss():
    torch = pytest.importorskip("torch")
    text, ours = linear_cross_entropy(airi, airi.from_numpy)
    their_text, theirs = linear_cross_entropy(torch, torch.from_numpy)
    assert_close(ours, theirs, "LinearCrossEntropyLoss")
    assert text == their_text


@pytest.mark.parametrize("batched", [True, False])
def test_adaptive_log_softmax_with_loss(batched):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10], 2.0, head_bias=True).double()
    ours = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10], 2.0, head_bias=True).double()
    assert repr(ours) == repr(theirs)
    state = {key: airi.from_numpy(each.numpy().copy()) for key, each in theirs.state_dict().items()}
    ours.load_state_dict(state)
    x, target = real(6, 16), np.array([0, 3, 9, 4, 19, 2])
    if not batched:
        x, target = x[4], target[4]
    results = []
    for framework, module in ((airi, ours), (torch, theirs)):
        leaf = framework.tensor(x).requires_grad_()
        output, loss = module(leaf, framework.tensor(target))
        loss.backward()
        rows = leaf.detach() if batched else leaf.detach().unsqueeze(0)
        results.append(
            (output, loss, leaf.grad, module.head.weight.grad,
             module.log_prob(rows), module.predict(rows))
        )  # fmt: skip
    assert_close(results[0], results[1], "AdaptiveLogSoftmaxWithLoss")


@pytest.mark.parametrize("cutoffs", [[], [5, 3], [0, 2], [3, 3], [10]])
def test_adaptive_log_softmax_refuses_cutoffs(cutoffs):
    with pytest.raises(ValueError, match="cutoffs must"):
        nn.AdaptiveLogSoftmaxWithLoss(4, 10, cutoffs)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_mean_of_nothing_is_nan_and_its_gradient_zero(smoothing):
    x = airi.tensor(real(2, 3), requires_grad=True)
    loss = nn.CrossEntropyLoss(label_smoothing=smoothing)(x, airi.tensor([-100, -100]))
    loss.backward()
    assert loss.isnan()
    assert x.grad.tolist() == [[0.0] * 3] * 2
