"""Random numbers: ranges, moments, dtypes, seeds and generators."""

import copy
import pickle

import numpy as np
import pytest

import airi

N = 200_000  # standard errors of a mean are then about 0.002


@pytest.fixture(autouse=True)
def _seeded():
    airi.manual_seed(1234)


def moments(tensor):
    array = tensor.numpy().astype(np.float64)
    return array.mean(), array.std()


@pytest.mark.parametrize(
    ("make", "mean", "std"),
    [
        (lambda: airi.rand(N), 0.5, 1 / np.sqrt(12)),
        (lambda: airi.rand(N, dtype=airi.float16), 0.5, 1 / np.sqrt(12)),
        (lambda: airi.randn(N), 0, 1),
        (lambda: airi.randn(N, dtype=airi.float64), 0, 1),
        (lambda: airi.randint(-2, 3, (N,)), 0, np.sqrt(2)),
        (lambda: airi.normal(3.0, 2.0, (N,)), 3, 2),
        (lambda: airi.normal(airi.full((N,), 3.0), 2.0), 3, 2),
        (lambda: airi.bernoulli(airi.full((N,), 0.3)), 0.3, np.sqrt(0.21)),
        (lambda: airi.poisson(airi.full((N,), 4.0)), 4, 2),
        (lambda: airi.binomial(airi.full((N,), 10.0), airi.tensor(0.2)), 2, np.sqrt(1.6)),
        (lambda: airi.empty(N).uniform_(-1, 3), 1, 4 / np.sqrt(12)),
        (lambda: airi.empty(N).normal_(1, 0.5), 1, 0.5),
        (lambda: airi.empty(N).bernoulli_(0.25), 0.25, np.sqrt(3) / 4),
        (lambda: airi.empty(N).exponential_(2), 0.5, 0.5),
        (lambda: airi.empty(N).geometric_(0.5), 2, np.sqrt(2)),
        (lambda: airi.empty(N).log_normal_(0, 0.25), np.exp(1 / 32), 0.26211),
        (lambda: airi.empty(N).random_(5), 2, np.sqrt(2)),
    ],
)
def test_moments(make, mean, std):
    found_mean, found_std = moments(make())
    assert found_mean == pytest.approx(mean, abs=6 * std / np.sqrt(N))
    assert found_std == pytest.approx(std, rel=0.02)


def test_ranges():
    uniform = airi.rand(N, dtype=airi.float16).numpy()
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert set(airi.randint(3, 6, (500,)).tolist()) == {3, 4, 5}
    assert set(airi.empty(500).random_(2, 4).tolist()) == {2.0, 3.0}
    assert sorted(airi.randperm(100).tolist()) == list(range(100))
    assert airi.randperm(100).tolist() != list(range(100))
    assert np.median(airi.empty(N).cauchy_(5, 2).numpy()) == pytest.approx(5, abs=0.05)


@pytest.mark.parametrize("dtype", [airi.float32, airi.int64, airi.uint8, airi.int8, airi.bool])
def test_random_without_bounds_covers_the_dtype(dtype):
    values = airi.empty(2000, dtype=dtype).random_().numpy().astype(np.float64)
    limits = {airi.float32: 2**24, airi.bool: 1, airi.int64: 2**63 - 1}
    top = limits.get(dtype) or airi.iinfo(dtype).max
    assert values.min() >= 0
    assert top * 0.9 < values.max() <= top


def test_dtypes_and_shapes():
    x = airi.ones(2, 3, dtype=airi.float64)
    assert airi.rand(2, 3).dtype is airi.float32
    assert airi.rand(()).shape == ()
    assert airi.randint(5, (2,)).dtype is airi.int64
    assert airi.randint(5, (2,), dtype=airi.float32).dtype is airi.float32
    assert airi.randperm(3).dtype is airi.int64
    for like in (airi.rand_like(x), airi.randn_like(x), airi.randint_like(x, 5)):
        assert (like.shape, like.dtype) == (x.shape, airi.float64)
    assert airi.rand_like(x, dtype=airi.float32).dtype is airi.float32
    assert airi.normal(airi.zeros(3, 1), airi.ones(2)).shape == (3, 2)
    assert airi.normal(0.0, airi.ones(2, dtype=airi.float64)).dtype is airi.float64
    assert airi.bernoulli(x).dtype is airi.float64
    assert airi.rand(2, requires_grad=True).requires_grad


def test_the_default_dtype_is_drawn():
    airi.set_default_dtype(airi.float64)
    try:
        assert airi.randn(2).dtype is airi.float64
    finally:
        airi.set_default_dtype(airi.float32)


DRAWS = [
    lambda g: airi.rand(5, generator=g),
    lambda g: airi.randn(5, generator=g),
    lambda g: airi.randint(9, (5,), generator=g),
    lambda g: airi.randperm(9, generator=g),
    lambda g: airi.normal(0.0, 1.0, (5,), generator=g),
    lambda g: airi.bernoulli(airi.full((50,), 0.5), generator=g),
    lambda g: airi.poisson(airi.full((9,), 5.0), generator=g),
    lambda g: airi.binomial(airi.full((9,), 50.0), airi.tensor(0.5), generator=g),
    lambda g: airi.multinomial(airi.ones(9), 5, generator=g),
    lambda g: airi.multinomial(airi.ones(9), 5, True, generator=g),
    lambda g: airi.rand_like(airi.ones(5), generator=g),
    lambda g: airi.empty(5).uniform_(generator=g),
    lambda g: airi.empty(5).normal_(generator=g),
    lambda g: airi.empty(50).bernoulli_(generator=g),
    lambda g: airi.empty(5).random_(generator=g),
    lambda g: airi.empty(5).exponential_(generator=g),
    lambda g: airi.empty(9).geometric_(0.2, generator=g),
    lambda g: airi.empty(5).log_normal_(generator=g),
    lambda g: airi.empty(5).cauchy_(generator=g),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_a_seed_repeats_and_the_draws_differ(draw):
    airi.manual_seed(7)
    by_default = [draw(None).tolist() for _ in range(2)]
    generator = airi.Generator().manual_seed(7)
    before = airi.get_rng_state().tolist()
    by_generator = [draw(generator).tolist() for _ in range(2)]
    assert by_default == by_generator
    assert by_default[0] != by_default[1]
    assert airi.get_rng_state().tolist() == before, "the default generator was used"


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))]
)
def test_a_copied_generator_goes_on_alike(again):
    generator = airi.Generator().manual_seed(3)
    airi.randint(5, (3,), generator=generator)  # leaves half a draw behind
    twin = again(generator)
    assert twin.initial_seed() == 3
    assert airi.rand(4, generator=twin).tolist() == airi.rand(4, generator=generator).tolist()


def test_state_of_the_default_generator():
    state = airi.get_rng_state()
    assert state.dtype is airi.uint8
    first = airi.randn(5).tolist()
    airi.set_rng_state(state)
    assert airi.randn(5).tolist() == first
    airi.set_rng_state(state)
    with airi.random.fork_rng():
        airi.randn(100)
    assert airi.randn(5).tolist() == first


def test_seeds():
    assert airi.manual_seed(5) is airi.default_generator
    assert airi.initial_seed() == 5
    assert airi.seed() == airi.initial_seed() != 5
    assert airi.Generator().manual_seed(-1).initial_seed() == 2**64 - 1
    with pytest.raises(TypeError, match="str"):
        airi.manual_seed("1")
    with pytest.raises(RuntimeError, match="seed"):
        airi.manual_seed(2**64)
    with pytest.raises(TypeError, match="generator"):
        airi.rand(2, generator=5)
    with pytest.raises(RuntimeError, match="bytes"):
        airi.set_rng_state(airi.zeros(3, dtype=airi.uint8))
    with pytest.raises(TypeError, match="uint8"):
        airi.set_rng_state(airi.zeros(3))


class TestMultinomial:
    weights = airi.tensor([[0.0, 1.0, 3.0, 0.0], [4.0, 0.0, 1.0, 0.0]])

    def test_frequencies_with_replacement(self):
        drawn = airi.multinomial(self.weights, N, replacement=True)
        assert drawn.shape == (2, N)
        assert drawn.dtype is airi.int64
        for row, weights in zip(drawn.numpy(), self.weights.numpy()):
            shares = np.bincount(row, minlength=4) / N
            np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.006)
            assert (shares[weights == 0] == 0).all()

    def test_without_replacement(self):
        drawn = airi.multinomial(self.weights, 2)
        assert [sorted(row) for row in drawn.tolist()] == [[1, 2], [0, 2]]
        many = airi.multinomial(self.weights.repeat(1, 1).expand(2, 4), 1)
        assert many.shape == (2, 1)
        first = [airi.multinomial(self.weights[0], 1).item() for _ in range(3000)]
        assert np.mean(np.array(first) == 2) == pytest.approx(0.75, abs=0.04)

    def test_one_dimension(self):
        assert self.weights[0].multinomial(2).shape == (2,)

    @pytest.mark.parametrize(
        ("weights", "count", "words"),
        [
            (airi.zeros(3), 1, "above 0"),
            (airi.tensor([1.0, 0.0]), 2, "without replacement"),
            (airi.tensor([1.0, -1.0]), 1, "negative"),
            (airi.tensor([1.0, float("nan")]), 1, "finite"),
            (airi.ones(2, 2, 2), 1, "1 or 2 dimensions"),
            (airi.ones(2), 0, "positive"),
            (airi.ones(2, dtype=airi.int64), 1, "floating-point"),
        ],
    )
    def test_errors(self, weights, count, words):
        with pytest.raises(RuntimeError, match=words):
            airi.multinomial(weights, count)


@pytest.mark.parametrize(
    ("draw", "error", "words"),
    [
        (lambda: airi.rand(2, dtype=airi.int64), RuntimeError, "rand"),
        (lambda: airi.randint(5, 5, (2,)), RuntimeError, "less"),
        (lambda: airi.randint(5), TypeError, "size"),
        (lambda: airi.randperm(-1), RuntimeError, "negative"),
        (lambda: airi.normal(0.0, 1.0), TypeError, "size"),
        (lambda: airi.normal(0.0, -1.0, (2,)), RuntimeError, "std"),
        (lambda: airi.bernoulli(airi.full((2,), 1.5)), RuntimeError, "between 0 and 1"),
        (lambda: airi.poisson(airi.full((2,), -1.0)), RuntimeError, "poisson"),
        (lambda: airi.binomial(airi.ones(2), airi.tensor(1.5)), RuntimeError, "binomial"),
        (lambda: airi.empty(2).uniform_(1, 0), RuntimeError, "from"),
        (lambda: airi.empty(2).normal_(0, -1), RuntimeError, "std"),
        (lambda: airi.empty(2, dtype=airi.int64).normal_(), RuntimeError, "floating-point"),
        (lambda: airi.empty(2).geometric_(1.5), RuntimeError, "geometric_"),
        (lambda: airi.empty(2).exponential_(0), RuntimeError, "lambd"),
        (lambda: airi.empty(2).random_(1, 2, 3), TypeError, "random_"),
    ],
)
def test_errors(draw, error, words):
    with pytest.raises(error, match=words):
        draw()


def test_in_place_fills_follow_the_rules_of_writing():
    leaf = airi.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.uniform_()
    with airi.no_grad():
        leaf.normal_()
    assert leaf.is_leaf
    x = airi.ones(3, requires_grad=True)
    y = x * 1
    y[0:1].uniform_()  # what was random no longer depends on x
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 1]
    transposed = airi.zeros(2, 3).t()
    transposed.uniform_(1, 2)
    assert (transposed.numpy() >= 1).all()


def test_a_normal_draw_passes_zeros_to_mean_and_std():
    mean, std = airi.zeros(3, requires_grad=True), airi.ones(2, 3, requires_grad=True)
    airi.normal(mean, std).sum().backward()
    assert mean.grad.tolist() == [0.0] * 3
    assert std.grad.tolist() == [[0.0] * 3] * 2
