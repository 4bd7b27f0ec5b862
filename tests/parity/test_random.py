"""The same seed gives the numbers that it gives in PyTorch on a CPU.

PyTorch may take Bernoulli and exponential numbers from MKL, on processors of MKL's maker; then they
differ, and the tests of what is drawn that way are skipped.
"""

import numpy as np
import pytest

import airi

from .draws import mkl_draws

torch = pytest.importorskip("torch")


def seeded(framework, draw):
    framework.manual_seed(20)
    drawn = draw(framework)
    framework.manual_seed(20)
    draw(framework)
    after = framework.rand(2)  # both have used up as many words
    return np.asarray(drawn), np.asarray(after)


needs_plain_draws = pytest.mark.skipif(mkl_draws(torch), reason="PyTorch draws these with MKL here")

DRAWS = {
    "rand": lambda t: t.rand(5, 7),
    "rand float64": lambda t: t.rand(100, dtype=t.float64),
    "rand float16": lambda t: t.rand(10, dtype=t.float16),
    "rand complex": lambda t: t.rand(3, dtype=t.complex64),
    "randn few": lambda t: t.randn(7),
    "randn 16": lambda t: t.randn(4, 4),
    "randn with a tail": lambda t: t.randn(3, 333),
    "randn float64": lambda t: t.randn(50, dtype=t.float64),
    "randn few float64": lambda t: t.randn(3, dtype=t.float64),
    "randn half": lambda t: t.randn(40, dtype=t.float16),
    "randn complex": lambda t: t.randn(20, dtype=t.complex64),
    "randn twice": lambda t: t.cat([t.randn(3), t.rand(3), t.randn(4)]),
    "randint": lambda t: t.randint(-3, 10, (50,)),
    "randint wide": lambda t: t.randint(-(2**40), 2**40, (50,)),
    "randint at the border": lambda t: t.randint(0, 2**28, (9,)),
    "randint below the border": lambda t: t.randint(0, 2**28 - 1, (9,)),
    "randperm": lambda t: t.randperm(1000),
    "randperm of one": lambda t: t.randperm(1),
    "uniform_": lambda t: t.empty(1000).uniform_(-0.0713, 0.0713),
    "uniform_ float64": lambda t: t.empty(100, dtype=t.float64).uniform_(-2, 3),
    "normal_": lambda t: t.empty(100).normal_(0.3, 0.02),
    "normal_ few": lambda t: t.empty(5).normal_(0.3, 0.02),
    "normal of tensors": lambda t: t.normal(t.arange(20.0), t.full((20,), 0.5)),
    "normal of size": lambda t: t.normal(1.0, 2.0, (20,)),
    "random_ int64": lambda t: t.empty(5, dtype=t.int64).random_(),
    "random_ int32": lambda t: t.empty(5, dtype=t.int32).random_(),
    "random_ uint8": lambda t: t.empty(50, dtype=t.uint8).random_(),
    "random_ float32": lambda t: t.empty(5).random_(),
    "random_ float64": lambda t: t.empty(5, dtype=t.float64).random_(),
    "random_ bounds": lambda t: t.empty(9).random_(3, 17),
    "bernoulli of a tensor": lambda t: t.bernoulli(t.full((100,), 0.3)),
    "bernoulli of float64": lambda t: t.bernoulli(t.full((100,), 0.3, dtype=t.float64)),
    "bernoulli_ of a tensor": lambda t: t.empty(100).bernoulli_(t.full((100,), 0.3)),
    "geometric_": lambda t: t.empty(100).geometric_(0.2),
    "cauchy_": lambda t: t.empty(100, dtype=t.float64).cauchy_(1, 2),
    "log_normal_": lambda t: t.empty(21, dtype=t.float64).log_normal_(0.5, 0.5),
    "multinomial replaced": lambda t: t.multinomial(t.arange(1.0, 8), 20, replacement=True),
    "multinomial rows replaced": lambda t: t.multinomial(t.rand(3, 4), 9, replacement=True),
    "rrelu": lambda t: t.rrelu(t.linspace(-1, 1, 40), 0.1, 0.3, training=True),
}

PLAIN_DRAWS = {
    "bernoulli_": lambda t: t.empty(100).bernoulli_(0.3),
    "exponential_": lambda t: t.empty(100).exponential_(2.0),
    "multinomial": lambda t: t.multinomial(t.arange(1.0, 8), 3),
    "multinomial of one, replaced": lambda t: t.multinomial(t.rand(5, 4), 1, replacement=True),
    "multinomial of one": lambda t: t.multinomial(t.rand(5, 4), 1),
    "dropout": lambda t: t.nn.functional.dropout(t.ones(10, 20), 0.3),
    "dropout2d": lambda t: t.nn.functional.dropout2d(t.ones(3, 20, 4, 4), 0.3),
    "alpha_dropout": lambda t: t.nn.functional.alpha_dropout(t.ones(30), 0.3, training=True),
}


def check(draw):
    (ours, our_next), (theirs, their_next) = seeded(airi, draw), seeded(torch, draw)
    assert ours.dtype == theirs.dtype
    rounding = 0 if ours.dtype.kind in "iub" else 4 * np.finfo(ours.dtype).eps
    np.testing.assert_allclose(ours, theirs, rtol=rounding, atol=rounding)
    np.testing.assert_array_equal(our_next, their_next)


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_numbers(name):
    check(DRAWS[name])


@needs_plain_draws
@pytest.mark.parametrize("name", PLAIN_DRAWS)
def test_the_same_bernoulli_and_exponential_numbers(name):
    check(PLAIN_DRAWS[name])


def test_the_state_of_a_generator_is_pytorchs():
    ours = airi.Generator().manual_seed(5)
    theirs = torch.Generator().manual_seed(5)
    for draw in (3, 700, 1):
        np.testing.assert_array_equal(ours.get_state().numpy(), theirs.get_state().numpy())
        airi.rand(draw, generator=ours)
        torch.rand(draw, generator=theirs)
    airi.randn(1, generator=ours)  # half of a pair is left
    torch.randn(1, generator=theirs)
    received = airi.Generator().set_state(airi.tensor(theirs.get_state().numpy()))
    assert received.initial_seed() == 5
    expected = torch.randn(3, generator=theirs).numpy()
    np.testing.assert_allclose(airi.randn(3, generator=received).numpy(), expected, rtol=1e-6)
    sent = torch.Generator().set_state(torch.tensor(ours.get_state().numpy()))
    np.testing.assert_allclose(torch.randn(3, generator=sent).numpy(), expected, rtol=1e-6)


def test_batches_are_shuffled_alike():
    def batches(framework):
        framework.manual_seed(3)
        data = framework.utils.data.TensorDataset(framework.arange(23))
        split = framework.utils.data.random_split(data, [20, 3])
        loader = framework.utils.data.DataLoader(split[0], batch_size=6, shuffle=True)
        return [batch[0].tolist() for _ in range(2) for batch in loader]

    assert batches(airi) == batches(torch)


INITIALIZERS = {
    "orthogonal_": (),
    "sparse_": (0.4,),
    "trunc_normal_": (0.1, 0.5, -0.4, 0.9),
    "kaiming_uniform_": (),
    "kaiming_normal_": (),
    "xavier_uniform_": (),
    "xavier_normal_": (),
}


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers(name, shape):
    def draw(framework):
        weight = framework.empty(*shape, dtype=framework.float64)
        return getattr(framework.nn.init, name)(weight, *INITIALIZERS[name])

    check(draw)


def test_a_truncated_normal_far_from_the_mean():
    def draw(framework):
        return framework.nn.init.trunc_normal_(framework.empty(50), 0.0, 1.0, 1.5, 3.0)

    check(draw)


LAYERS = {
    "Linear": (4, 5),
    "Bilinear": (2, 3, 4),
    "Conv2d": (3, 8, 3),
    "ConvTranspose2d": (3, 4, 3),
    "Embedding": (10, 4),
    "EmbeddingBag": (10, 4),
    "LSTM": (4, 5, 2),
    "GRUCell": (4, 5),
    "MultiheadAttention": (8, 2),
    "TransformerEncoderLayer": (8, 2, 16),
    "TransformerDecoderLayer": (8, 2, 16),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_begin_with_the_same_weights(name):
    states = []
    for framework in (airi, torch):
        framework.manual_seed(1)
        states.append(getattr(framework.nn, name)(*LAYERS[name]).state_dict())
    ours, theirs = states
    assert list(ours) == list(theirs)
    for key in ours:
        np.testing.assert_allclose(ours[key].numpy(), theirs[key].numpy(), rtol=1e-6, atol=1e-7)
