"""Products, attention and LSTM by the kernels, for every instruction set: as NumPy's, and as exact
as PyTorch's."""

import numpy as np
import pytest

import airi
from airi import nn, threads
from airi.nn import functional as F
from airi.ops import product

try:
    from airi.ops import product_ext
except ImportError:
    product_ext = None

pytestmark = pytest.mark.skipif(product_ext is None, reason="the extension is not built")
SETS = product_ext.instruction_sets() if product_ext else []
RNG = np.random.default_rng(0)


@pytest.fixture(params=SETS)
def compiled(request, monkeypatch):
    """Each instruction set in turn, also under --reference-kernels, and for arrays of any size."""
    monkeypatch.setattr(product, "_compiled", lambda: product_ext)
    for name in ("LEAST_MULTIPLICATIONS", "LEAST_ROWS", "LEAST_INNER", "LEAST_COLUMNS"):
        monkeypatch.setattr(product, name, 1)
    product_ext.use_instruction_set(request.param)
    yield request.param
    product_ext.use_instruction_set(SETS[0])


def by_numpy(function, *args, **settings):
    """The function without kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "_compiled", lambda: None)
        return function(*args, **settings)


def numbers(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def layouts(rows, columns):
    """Matrices of that shape that lie differently in memory."""
    yield numbers(rows, columns)
    yield numbers(columns, rows).T
    yield numbers(rows, columns + 3)[:, 2:-1]
    yield numbers(2 * rows, 3 * columns)[::-2, ::3]


# ---- products -----------------------------------------------------------------------------------

SIZES = [(1, 1, 1), (8, 16, 48), (7, 5, 49), (9, 33, 64), (17, 1, 31), (3, 400, 20), (200, 7, 500)]


@pytest.mark.parametrize(("rows", "inner", "columns"), SIZES)
def test_products_of_all_layouts(compiled, rows, inner, columns):
    bias = numbers(columns)
    for x in layouts(rows, inner):
        for y in layouts(inner, columns):
            expected = x.astype(np.float64) @ y
            found = product.matrix_product(x, y)
            assert found.dtype == np.float32
            assert found.flags.c_contiguous
            np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * (inner + 1))
            with_bias = product.matrix_product(x, y, bias)
            np.testing.assert_allclose(with_bias, expected + bias, rtol=0, atol=2e-6 * (inner + 1))


@pytest.mark.parametrize(
    ("x_batch", "y_batch"),
    [((3,), (3,)), ((2, 3), (2, 3)), ((3,), (2, 1)), ((2, 3), ()), ((), (2, 3)), ((1, 3), (2, 3))],
)
def test_batches_are_broadcast(compiled, x_batch, y_batch):
    x, y = numbers(*x_batch, 9, 20), numbers(*y_batch, 20, 17)
    np.testing.assert_allclose(
        product.matrix_product(x, y), x.astype(np.float64) @ y, rtol=0, atol=4e-5
    )
    turned = product.matrix_product(y.mT, x.mT)
    np.testing.assert_allclose(turned, y.mT.astype(np.float64) @ x.mT, rtol=0, atol=4e-5)


def test_numbers_beyond_the_edges_do_not_matter(compiled):
    x, y = numbers(9, 20), numbers(20, 17)
    around_x, around_y = (
        np.full((30, 40), np.nan, np.float32),
        np.full((40, 50), np.nan, np.float32),
    )
    around_x[5:14, 3:23], around_y[7:27, 11:28] = x, y
    np.testing.assert_array_equal(
        product.matrix_product(around_x[5:14, 3:23], around_y[7:27, 11:28]),
        product.matrix_product(x, y),
    )


def test_nan_and_infinity_reach_their_rows_and_columns_only(compiled):
    x, y = numbers(20, 30), numbers(30, 50)
    x[3, 4], x[5, 6], y[7, 8] = np.nan, np.inf, np.nan
    with np.errstate(invalid="ignore"):
        expected = np.matmul(x, y)
    found = product.matrix_product(x, y)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))


def test_wrong_shapes_are_numpys_error(compiled):
    with pytest.raises(ValueError, match="mismatch"):
        product.matrix_product(numbers(20, 30), numbers(31, 20))


def test_empty_and_other_dtypes(compiled):
    assert product.matrix_product(numbers(0, 3), numbers(3, 2)).shape == (0, 2)
    np.testing.assert_array_equal(
        product.matrix_product(numbers(2, 0), numbers(0, 3), np.float32([1, 2, 3])), [[1, 2, 3]] * 2
    )
    x = numbers(20, 30, dtype=np.float64)
    assert product.matrix_product(x, x.T).dtype == np.float64


@pytest.mark.parametrize("sizes", [(128, 3072, 100), (1024, 128, 512), (512, 1024, 128)], ids=str)
def test_errors_are_at_most_four_times_pytorchs(compiled, sizes):
    torch = pytest.importorskip("torch")
    rows, inner, columns = sizes
    x, y = numbers(rows, inner), numbers(inner, columns)
    exact = x.astype(np.float64) @ y

    def error(found):
        return np.sqrt(np.mean((found - exact) ** 2))

    by_pytorch = (torch.from_numpy(x) @ torch.from_numpy(y)).numpy()
    assert error(product.matrix_product(x, y)) <= 4 * error(by_pytorch)


def test_results_do_not_depend_on_the_number_of_threads(compiled):
    def results():
        x, w = airi.tensor(xs, requires_grad=True), airi.tensor(ws, requires_grad=True)
        q = airi.tensor(heads, requires_grad=True)
        F.linear(x, w).square().sum().backward()
        out = F.scaled_dot_product_attention(q, q, q, is_causal=True)
        out.sum().backward()
        return x.grad, w.grad, out, q.grad

    xs, ws, heads = numbers(300, 300), numbers(400, 300), numbers(1, 2, 300, 20)
    before, found = threads.get_num_threads(), []
    try:
        for count in (1, 3):
            threads.set_num_threads(count)
            found.append(results())
    finally:
        threads.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())


# ---- attention ----------------------------------------------------------------------------------


def attended(q, k, v, mask=None, dtype=np.float32, **settings):
    """The result and the gradients of a weighted sum of it."""
    tensors = [airi.tensor(each.astype(dtype), requires_grad=True) for each in (q, k, v)]
    if mask is not None:
        mask = airi.tensor(mask if mask.dtype == bool else mask.astype(dtype))
    out = F.scaled_dot_product_attention(*tensors, mask, **settings)
    weights = np.cos(np.arange(np.prod(out.shape))).reshape(tuple(out.shape)).astype(dtype)
    out.backward(airi.tensor(weights))
    return [out.detach().numpy(), *(each.grad.numpy() for each in tensors)]


SHAPES = [  # batch, queries, keys, features, features of values
    ((2, 3), 5, 7, 4, 6),
    ((2,), 70, 70, 32, 32),
    ((), 3, 130, 1, 17),
    ((1, 2, 2), 65, 33, 20, 49),
    ((1, 1), 1, 1, 1, 1),
]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_attention_is_numpys(compiled, shape, causal):
    batch, length, keys, features, values = shape
    inputs = (
        numbers(*batch, length, features), numbers(*batch, keys, features),
        numbers(*batch, keys, values),
    )  # fmt: skip
    exact = by_numpy(attended, *inputs, is_causal=causal, dtype=np.float64)
    for one, other in zip(attended(*inputs, is_causal=causal), exact, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 11), (3, 9, 11), (2, 1, 1, 11), (1, 3, 9, 1)], ids=str)
def test_masks_of_attention(compiled, shape):
    q, k, v = numbers(2, 3, 9, 8), numbers(2, 3, 11, 8), numbers(2, 3, 11, 8)
    seen = RNG.random(shape) < 0.6
    seen[..., 0, :] = shape[-2] == 1  # a query that sees nothing, where there are several
    seen = np.moveaxis(np.ascontiguousarray(np.moveaxis(seen, -1, 0)), 0, -1)
    for mask in (seen, numbers(*shape), np.where(seen, 0, -np.inf)):
        exact = by_numpy(attended, q, k, v, mask, dtype=np.float64)
        for one, other in zip(attended(q, k, v, mask), exact, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_heads_may_be_views_and_results_lie_as_they_do(compiled):
    x = airi.tensor(numbers(2, 40, 3 * 4 * 8), requires_grad=True)
    q, k, v = (each.view(2, 40, 4, 8).transpose(1, 2) for each in x.split(32, 2))
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert out.transpose(1, 2).is_contiguous()
    copies = [each.detach().clone().contiguous().requires_grad_() for each in (q, k, v)]
    expected = by_numpy(F.scaled_dot_product_attention, *copies, is_causal=True)
    assert airi.allclose(out, expected, atol=1e-6)
    out.square().sum().backward()
    by_numpy(expected.square().sum().backward)
    together = [each.grad.transpose(1, 2).reshape(2, 40, 32) for each in copies]
    assert airi.allclose(x.grad, airi.cat(together, 2), atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_nan_and_infinity_pass_through_attention_as_in_numpy(compiled, value, which):
    inputs = [numbers(2, 20, 8), numbers(2, 20, 8), numbers(2, 20, 8)]
    inputs[which][0, 3, 2] = value
    with np.errstate(all="ignore"):
        found, expected = attended(*inputs)[0], by_numpy(attended, *inputs)[0]
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))


@pytest.mark.parametrize("causal", [False, True])
def test_errors_of_attention_are_at_most_four_times_pytorchs(compiled, causal):
    torch = pytest.importorskip("torch")
    inputs = [numbers(2, 2, 128, 32) for _ in range(3)]
    exact = by_numpy(attended, *inputs, is_causal=causal, dtype=np.float64)
    tensors = [torch.tensor(each, requires_grad=True) for each in inputs]
    out = torch.nn.functional.scaled_dot_product_attention(*tensors, is_causal=causal)
    weights = np.cos(np.arange(out.numel())).reshape(out.shape).astype(np.float32)
    out.backward(torch.from_numpy(weights))
    theirs = [out.detach().numpy(), *(each.grad.numpy() for each in tensors)]
    for found, other, true in zip(attended(*inputs, is_causal=causal), theirs, exact, strict=True):
        of_kernel, of_pytorch = (np.sqrt(np.mean((x - true) ** 2)) for x in (found, other))
        assert of_kernel <= 4 * of_pytorch


# ---- LSTM ---------------------------------------------------------------------------------------


def lstm_results(layer, x, lengths):
    layer.zero_grad()
    x = airi.tensor(x, requires_grad=True)
    states = np.float32(STATES)[..., : layer.hidden_size]
    state = tuple(airi.tensor(each, requires_grad=True) for each in states)
    given = x
    if lengths is not None:
        given = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    out, (h, c) = layer(given, state)
    out = out if lengths is None else out.data
    loss = (out * out).sum() + (h * 3).sum() + (c * c * 2).sum()
    loss.backward()
    grads = [each.grad for each in (x, *state, *layer.parameters())]
    return [each.detach().numpy() for each in (out, h, c, *grads)]


STATES = RNG.standard_normal((2, 4, 5, 64))


@pytest.mark.parametrize("lengths", [None, [3, 7, 1, 5, 7]], ids=["equal", "packed"])
@pytest.mark.parametrize("size", [1, 16, 37, 64])
@pytest.mark.parametrize("count", [1, 3])
def test_lstm_is_numpys(compiled, monkeypatch, size, lengths, count):
    monkeypatch.setattr(threads, "get_num_threads", lambda: count)
    layer = nn.LSTM(6, size, num_layers=2, bidirectional=True)
    x = numbers(7, 5, 6)
    found = lstm_results(layer, x, lengths)
    expected = by_numpy(lstm_results, layer, x, lengths)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("lengths", [None, [30, 29, 30, 8, 17]], ids=["equal", "packed"])
@pytest.mark.parametrize("count", [1, 2])
def test_an_lstm_of_many_steps_and_inputs_is_numpys(compiled, monkeypatch, lengths, count):
    """More rows than the inputs' share is computed for at once, more inputs than a block has."""
    monkeypatch.setattr(threads, "get_num_threads", lambda: count)
    layer = nn.LSTM(400, 20, num_layers=2, bidirectional=True)
    x = numbers(30, 5, 400) * 0.1
    found = lstm_results(layer, x, lengths)
    expected = by_numpy(lstm_results, layer, x, lengths)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=5e-5)


def test_an_lstm_gives_the_gradients_that_are_wanted(compiled):
    layer = nn.LSTM(6, 16)
    x = airi.tensor(numbers(7, 5, 6), requires_grad=True)
    everything = airi.autograd.grad(layer(x)[0].sum(), (x, *layer.parameters()))
    for wanted, expected in zip((x, *layer.parameters()), everything, strict=True):
        others = [each for each in (x, *layer.parameters()) if each is not wanted]
        for each in others:
            each.requires_grad_(False)
        (found,) = airi.autograd.grad(layer(x)[0].sum(), wanted)
        for each in others:
            each.requires_grad_(True)
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
