"""Losses: weights, second derivatives, the deprecated arguments, special values, refusals."""

import math

import numpy as np
import pytest

import airi
from airi.nn import functional as F
from tests.second_order import assert_agrees_with_pytorch

RNG = np.random.default_rng(6)
LABELS = np.array([2, 0, -100, 2, 1])
WEIGHTS = np.array([0.5, 2.0, 0.0])


def normal(*shape):
    return RNG.standard_normal(shape)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "settings", [{}, {"ignore_index": 2}, {"label_smoothing": 0.3}], ids=["", "ignore", "smooth"]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_is_pytorchs_to_second_order(reduction, settings, weighted):
    labels = np.where(LABELS == -100, settings.get("ignore_index", -100), LABELS)

    def program(library, f, x):
        weight = library.tensor(WEIGHTS) if weighted else None
        return f.cross_entropy(x, library.tensor(labels), weight, reduction=reduction, **settings)

    assert_agrees_with_pytorch(program, normal(5, 3))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_class_weights_over_images(reduction):
    labels = RNG.integers(0, 3, (2, 4, 5))

    def program(library, f, x):
        arguments = library.tensor(labels), library.tensor(WEIGHTS)
        nll = f.nll_loss(x, *arguments, reduction=reduction, ignore_index=1)
        return nll + f.cross_entropy(x, *arguments, reduction=reduction)

    assert_agrees_with_pytorch(program, normal(2, 3, 4, 5))


@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_against_probabilities(weighted):
    def program(library, f, x, p):
        weight = library.tensor(WEIGHTS) if weighted else None
        return f.cross_entropy(x, p, weight, label_smoothing=0.1)

    assert_agrees_with_pytorch(program, normal(4, 3, 2), RNG.random((4, 3, 2)))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_binary_losses_with_weights(reduction):
    def program(library, f, x, y):
        weight, positive = library.tensor(weights), library.tensor(WEIGHTS)
        settings = {"weight": weight, "reduction": reduction}
        with_logits = f.binary_cross_entropy_with_logits(x, y, pos_weight=positive, **settings)
        return with_logits + f.binary_cross_entropy(x.sigmoid(), y, **settings)

    weights = RNG.random((4, 3))
    assert_agrees_with_pytorch(program, normal(4, 3), RNG.random((4, 3)), atol=1e-8)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.filterwarnings("ignore:.*target.* size:UserWarning", "ignore:.*broadcast")
def test_regression_losses_broadcast(name, reduction):
    def program(_, f, x, y):
        return getattr(f, name)(x, y, reduction=reduction)

    assert_agrees_with_pytorch(program, normal(4, 3), normal(4, 1))
    assert_agrees_with_pytorch(program, normal(1, 3), normal(4, 3))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_a_target_of_another_shape_is_warned_of(name):
    with pytest.warns(UserWarning, match=r"\(4, 1\) differs from the input's \(4,\)"):
        getattr(F, name)(airi.zeros(4), airi.zeros(4, 1))


def test_triplets_and_pairs_to_second_order():
    signs = np.array([1, -1, 1])

    def program(library, f, a, b, c):
        pairs = f.cosine_embedding_loss(a, b, library.tensor(signs), margin=-0.5)
        return pairs + f.triplet_margin_loss(a, b, c, margin=4.0, p=3, swap=True)

    assert_agrees_with_pytorch(program, *(normal(3, 4) for _ in range(3)), atol=1e-7)


def test_weights_of_classes_in_multi_margin_loss():
    labels = np.array([0, 1, 0])

    def program(library, f, x):
        arguments = library.tensor(labels), 2, 0.7, library.tensor(WEIGHTS)
        return f.multi_margin_loss(x, *arguments)

    assert_agrees_with_pytorch(program, normal(3, 3), second=False)  # PyTorch has no second one


def test_kl_div_warns_of_its_default_mean():
    with pytest.warns(UserWarning, match="batchmean"):
        F.kl_div(airi.zeros(2, 3), airi.ones(2, 3))


def test_kl_div_of_a_zero_probability():
    target = airi.tensor([0.0, 1.0])
    assert F.kl_div(airi.tensor([-math.inf, 0.0]).exp().log1p(), target, reduction="sum").isfinite()


@pytest.mark.parametrize(
    ("arguments", "same"),
    [
        ({"size_average": False}, "sum"),
        ({"size_average": True}, "mean"),
        ({"reduce": False}, "none"),
        ({"size_average": False, "reduce": True}, "sum"),
    ],
)
def test_the_old_names_of_reductions(arguments, same):
    x, y = airi.randn(3, 2), airi.randn(3, 2)
    with pytest.warns(UserWarning, match=f"reduction='{same}'"):
        got = F.mse_loss(x, y, **arguments)
    assert got.tolist() == F.mse_loss(x, y, reduction=same).tolist()


def test_large_logits_do_not_overflow():
    x = airi.tensor([[1000.0, -1000.0], [-1000.0, 1000.0]], requires_grad=True)
    loss = F.cross_entropy(x, airi.tensor([0, 0]), reduction="none")
    assert loss.tolist() == [0, 2000]
    loss.sum().backward()
    assert x.grad.tolist() == [[0, 0], [-1, 1]]
    bce = F.binary_cross_entropy_with_logits(x, airi.zeros(2, 2), reduction="none")
    assert bce.tolist() == [[1000, 0], [0, 1000]]


def test_a_class_that_is_excluded_by_minus_infinity():
    x = airi.tensor([[0.0, -math.inf, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, airi.tensor([0]))
    loss.backward()
    np.testing.assert_allclose(loss.item(), math.log(2), rtol=1e-6)
    np.testing.assert_allclose(x.grad.tolist(), [[-0.5, 0, 0.5]])


def test_an_ignored_example_counts_nothing_even_if_infinite():
    x = airi.tensor([[-math.inf, 0.0], [-1.0, -2.0]], requires_grad=True)
    loss = F.nll_loss(x, airi.tensor([-100, 1]))
    loss.backward()
    assert loss.item() == 2
    assert x.grad.tolist() == [[0, 0], [0, -1]]


def test_the_mean_of_nothing_is_nan():
    nothing = airi.zeros(0, 3), airi.zeros(0, dtype=airi.int64)
    assert math.isnan(F.cross_entropy(*nothing).item())
    assert math.isnan(F.mse_loss(airi.zeros(0), airi.zeros(0)).item())
    assert math.isnan(F.cross_entropy(airi.zeros(2, 3), airi.tensor([-100, -100])).item())
    assert F.cross_entropy(*nothing, reduction="sum").item() == 0


def test_labels_may_be_overwritten_before_backward():
    x, labels = airi.randn(2, 3).requires_grad_(), airi.tensor([0, 1])
    loss = F.cross_entropy(x, labels)
    labels.fill_(2)
    loss.backward()
    wanted = x.detach().softmax(1) - F.one_hot(airi.tensor([0, 1]), 3)
    np.testing.assert_allclose(x.grad.numpy(), wanted.numpy() / 2, rtol=1e-5, atol=1e-7)


def test_binary_cross_entropy_at_its_ends_is_cut_off():
    x = airi.tensor([0.0, 1.0, 0.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, airi.tensor([1.0, 0.0, 0.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [100, 100, 0]
    assert airi.isfinite(x.grad).all()


def test_variances_below_eps_still_get_a_gradient():
    var = airi.tensor([1e-9], requires_grad=True)
    loss = F.gaussian_nll_loss(airi.tensor([1.0]), airi.tensor([0.0]), var, eps=0.5)
    loss.backward()
    assert var.grad.item() == pytest.approx((1 / 0.5 - 1 / 0.5**2) / 2)
    assert var.item() == pytest.approx(1e-9)


LOGITS = airi.zeros(4, 3)


def labels(*values, dtype=None):
    return airi.tensor(values, dtype=dtype)


@pytest.mark.parametrize(
    ("error", "make", "message"),
    [
        (
            IndexError,
            lambda: F.cross_entropy(LOGITS, labels(0, 1, 2, 3)),
            "target 3 is out of bounds: there are 3 classes",
        ),
        (IndexError, lambda: F.nll_loss(LOGITS, labels(0, -1, 2, 0)), "target -1 is out of bounds"),
        (
            RuntimeError,
            lambda: F.cross_entropy(LOGITS, labels(0, 1, 2, 0, dtype=airi.int32)),
            "int64 or uint8, got airi.int32",
        ),
        (
            ValueError,
            lambda: F.cross_entropy(LOGITS, labels(0, 1)),
            r"batch size.*\(4, 3\).*\(2,\)",
        ),
        (
            RuntimeError,
            lambda: F.nll_loss(airi.zeros(4, 3, 2), airi.zeros(4, 5).long()),
            r"\(4, 2\)",
        ),
        (ValueError, lambda: F.nll_loss(LOGITS[0], labels(0, 1)), "single target"),
        (
            RuntimeError,
            lambda: F.cross_entropy(LOGITS, labels(0, 1, 2, 0), airi.ones(4)),
            r"weight must have shape \(3,\)",
        ),
        (
            RuntimeError,
            lambda: F.cross_entropy(LOGITS, labels(0, 1, 2, 0), label_smoothing=2.0),
            "label_smoothing must lie in 0 to 1",
        ),
        (
            RuntimeError,
            lambda: F.cross_entropy(LOGITS, LOGITS, ignore_index=1),
            "not probabilities",
        ),
        (
            ValueError,
            lambda: F.mse_loss(LOGITS, LOGITS, reduction="average"),
            "reduction must be",
        ),
        (RuntimeError, lambda: F.mse_loss(LOGITS.long(), LOGITS.long()), "floating-point tensors"),
        (
            ValueError,
            lambda: F.mse_loss(LOGITS, LOGITS, weight=LOGITS[0]),
            "weight must have the input",
        ),
        (RuntimeError, lambda: F.huber_loss(LOGITS, LOGITS, delta=0), "delta must be positive"),
        (RuntimeError, lambda: F.smooth_l1_loss(LOGITS, LOGITS, beta=-1), "must not be negative"),
        (RuntimeError, lambda: F.binary_cross_entropy(LOGITS + 2, LOGITS), "between 0 and 1"),
        (ValueError, lambda: F.binary_cross_entropy(LOGITS, LOGITS[0]), "one shape"),
        (ValueError, lambda: F.gaussian_nll_loss(LOGITS, LOGITS, -LOGITS - 1), "negative"),
        (ValueError, lambda: F.gaussian_nll_loss(LOGITS, LOGITS, airi.ones(2)), r"\(2,\)"),
        (
            ValueError,
            lambda: F.triplet_margin_loss(LOGITS, LOGITS, LOGITS, margin=0),
            "greater than 0",
        ),
        (
            RuntimeError,
            lambda: F.margin_ranking_loss(LOGITS, LOGITS, LOGITS[0]),
            "number of dimens",
        ),
        (RuntimeError, lambda: F.cosine_embedding_loss(LOGITS, LOGITS, LOGITS), r"target \(N,\)"),
        (
            RuntimeError,
            lambda: F.cosine_embedding_loss(LOGITS, LOGITS, airi.ones(9)),
            r"cosine_embedding_loss: the shapes do not fit: .* target \(9,\)",
        ),
        (
            TypeError,
            lambda: F.mse_loss(LOGITS, None),
            "mse_loss: target must be a Tensor",
        ),
        (TypeError, lambda: F.l1_loss([1.0], LOGITS), "l1_loss: input must be a Tensor, got list"),
        (
            ValueError,
            lambda: F.multi_margin_loss(LOGITS, labels(0, 1, 2, 0), p=3),
            "p must be 1 or 2",
        ),
    ],
)
def test_refusals_say_what_was_given(error, make, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("name", ["mse_loss", "soft_margin_loss", "huber_loss", "kl_div"])
def test_an_unknown_reduction_names_the_function(name):
    with pytest.raises(ValueError, match=f"{name}: reduction must be.*'average'"):
        getattr(F, name)(airi.ones(2), airi.ones(2), reduction="average")


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_an_array_or_a_list_in_the_place_of_a_tensor_is_named(name):
    loss = getattr(F, name)
    with pytest.raises(TypeError, match=f"{name}: target must be a Tensor, got ndarray"):
        loss(LOGITS, np.array([0, 1, 2, 0]))
    with pytest.raises(TypeError, match=f"{name}: input must be a Tensor, got list"):
        loss([[0.0, 1.0]], labels(0))


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss"])
def test_a_loss_module_made_of_the_tensors_it_should_be_called_with(name):
    with pytest.raises(TypeError, match=f"{name}: .* made first .* loss = {name}\\(\\)"):
        getattr(airi.nn, name)(airi.ones(3), airi.ones(3))
