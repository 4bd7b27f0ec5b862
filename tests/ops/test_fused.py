"""The fused kernels, for every instruction set: as NumPy's form, and PyTorch's error at most."""

import os
import subprocess
import sys

import numpy as np
import pytest

import airi
import airi.nn.functional as F
from airi.ops import fused
from tests.kernels.implementations import use_no_fused_kernels

try:
    from airi.ops import fused_ext
except ImportError:
    fused_ext = None

pytestmark = pytest.mark.skipif(fused_ext is None, reason="the extension is not built")
SETS = fused_ext.instruction_sets() if fused_ext else []

# Lengths of rows around those of vectors and of the blocks of sums.
COLUMNS = [4, 5, 15, 16, 17, 31, 33, 100, 2047, 2049, 9001]


@pytest.fixture(params=SETS)
def compiled(request, monkeypatch):
    """Each instruction set in turn, also under --reference-kernels, and for arrays of any size."""
    monkeypatch.setattr(fused, "_compiled", lambda: fused_ext)
    monkeypatch.setattr(fused, "LEAST_ELEMENTS", 1)
    monkeypatch.setattr(fused_ext, "least_elements", 1)
    monkeypatch.setattr(fused, "LEAST_IN_ROWS", 1)
    fused_ext.use_instruction_set(request.param)
    yield request.param
    fused_ext.use_instruction_set(SETS[0])


def by_numpy(function, *args):
    """The function without kernels."""
    with pytest.MonkeyPatch.context() as patch:
        use_no_fused_kernels(patch)
        return function(*args)


def numbers(*shape, seed=0, scale=1.0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return (values * scale).astype(np.float32)


def with_gradients(function, arrays, seed=1, lib=airi):
    """The output and the gradients of a weighted sum of it."""
    tensors = [lib.tensor(each).requires_grad_() for each in arrays]
    out = function(*tensors)
    weights = numbers(*out.shape, seed=seed).astype(arrays[0].dtype)
    out.backward(lib.tensor(weights.reshape(tuple(out.shape))))
    return [out.detach().numpy(), *(each.grad.numpy() for each in tensors)]


def _channel_sums(lib, x):
    return lib.reshape(x, (1, *x.shape)).sum_to_size((x.shape[0], 1))


def _with_a_seed(lib, dropout):
    def run(x):
        lib.manual_seed(0)
        return dropout(lib.reshape(x, (x.shape[0], 1, x.shape[1], 1)), 0.3)

    return run


# A name, the function by (the library, its functional), and the shapes of arguments by columns.
ELEMENTWISE = {
    "exp": lambda lib, functional: lib.exp,
    "tanh": lambda lib, functional: lib.tanh,
    "sigmoid": lambda lib, functional: lib.sigmoid,
    "silu": lambda lib, functional: functional.silu,
    "relu": lambda lib, functional: lib.relu,
    "gelu": lambda lib, functional: functional.gelu,
    "gelu_tanh": lambda lib, functional: lambda x: functional.gelu(x, approximate="tanh"),
}
# What tests/kernels says more about.
ALSO_ELEMENTWISE = {
    "leaky_relu": lambda lib, functional: functional.leaky_relu,
    "relu6": lambda lib, functional: functional.relu6,
    "clamp": lambda lib, functional: lambda x: lib.clamp(x, -0.5, 0.7),
    "clamp_min": lambda lib, functional: lambda x: lib.clamp_min(x, 0.1),
    "hardsigmoid": lambda lib, functional: functional.hardsigmoid,
    "hardswish": lambda lib, functional: functional.hardswish,
    "softplus": lambda lib, functional: functional.softplus,
    "logsigmoid": lambda lib, functional: functional.logsigmoid,
    "elu": lambda lib, functional: functional.elu,
    "softshrink": lambda lib, functional: functional.softshrink,
    "hardshrink": lambda lib, functional: functional.hardshrink,
    "threshold": lambda lib, functional: lambda x: functional.threshold(x, 0.1, 0.5),
    "abs": lambda lib, functional: lib.abs,
    "sign": lambda lib, functional: lib.sign,
    "reciprocal": lambda lib, functional: lambda x: lib.reciprocal(lib.abs(x) + 0.25),
    "rsqrt": lambda lib, functional: lambda x: lib.rsqrt(lib.abs(x) + 0.25),
    "cube": lambda lib, functional: lambda x: x**3,
    "l1_loss": lambda lib, functional: lambda x: functional.l1_loss(x, x * 2 + 1),
    "huber_loss": lambda lib, functional: lambda x: functional.huber_loss(x, x * 2 + 1),
    "mse_loss": lambda lib, functional: lambda x: functional.mse_loss(x, x * 2 + 1),
    "dropout_of_rows": lambda lib, functional: _with_a_seed(lib, functional.dropout2d),
}
ROWS = {
    "softmax": lambda lib, functional: lambda x: lib.softmax(x, -1),
    "log_softmax": lambda lib, functional: lambda x: lib.log_softmax(x, -1),
    "layer_norm": lambda lib, functional: lambda x, w, b: functional.layer_norm(x, w.shape, w, b),
    "layer_norm_alone": lambda lib, functional: lambda x: functional.layer_norm(x, x.shape[1:]),
    "rms_norm": lambda lib, functional: lambda x, w: functional.rms_norm(x, w.shape, w),
    "rms_norm_alone": lambda lib, functional: lambda x: functional.rms_norm(x, x.shape[1:]),
    "sum": lambda lib, functional: lambda x: lib.sum(x),
    "sum_rows": lambda lib, functional: lambda x: lib.sum(x, 1),
    "sum_to_channels": lambda lib, functional: lambda x: _channel_sums(lib, x),
    "mean": lambda lib, functional: lambda x: lib.mean(x),
    "mean_rows": lambda lib, functional: lambda x: lib.mean(x, -1, keepdim=True),
}
PARAMETERS = {"layer_norm": 2, "rms_norm": 1}
PLANES = {
    "batch_norm": lambda functional, x, w, b: functional.batch_norm(x, None, None, w, b, True),
    "group_norm": lambda functional, x, w, b: functional.group_norm(x, 2, w, b),
    "instance_norm": lambda functional, x, w, b: functional.instance_norm(x, None, None, w, b),
}


def arguments(name, rows, columns):
    vectors = [numbers(columns, seed=2 + i) for i in range(PARAMETERS.get(name, 0))]
    return [numbers(rows, columns), *vectors]


def assert_close(found, expected, tolerance=3e-6):
    for ours, theirs in zip(found, expected):
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        largest = max(np.abs(theirs).max(), 1e-3)
        assert np.abs(ours - theirs).max() <= tolerance * largest


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("name", [*ELEMENTWISE, *ALSO_ELEMENTWISE, *ROWS])
def test_as_numpy_for_every_length(compiled, name, columns):
    function = {**ELEMENTWISE, **ALSO_ELEMENTWISE, **ROWS}[name](airi, F)
    args = arguments(name, 3, columns)
    tolerance = 2e-5 if "norm" in name else 3e-6  # gradients of norms cancel in short rows
    assert_close(
        with_gradients(function, args), by_numpy(with_gradients, function, args), tolerance
    )


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(2, 4, 32), (3, 4, 5, 7), (1, 6, 50, 50), (2, 2, 3, 4, 5)])
@pytest.mark.parametrize("name", PLANES)
def test_norms_by_channel_as_numpy(compiled, name, shape, affine):
    args = [numbers(*shape), *[numbers(shape[1], seed=i) for i in (2, 3)]][: 3 if affine else 1]

    def function(x, w=None, b=None):
        return PLANES[name](F, x, w, b)

    assert_close(with_gradients(function, args), by_numpy(with_gradients, function, args), 1e-5)


def test_running_statistics_as_numpy(compiled):
    x = numbers(4, 6, 9, 9, scale=3.0) + 7

    def statistics():
        mean, var = airi.zeros(6), airi.ones(6)
        F.batch_norm(airi.tensor(x), mean, var, training=True)
        return mean.numpy(), var.numpy()

    assert_close(statistics(), by_numpy(statistics))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("classes", [4, 10, 17, 1000])
def test_cross_entropy_as_numpy(compiled, classes, reduction):
    labels = np.random.default_rng(0).integers(0, classes, 40)
    labels[3] = -100
    weight = np.abs(numbers(classes, seed=5))

    def function(x):
        target, each = airi.tensor(labels), airi.tensor(weight)
        return F.cross_entropy(x, target, each, reduction=reduction)

    args = [numbers(40, classes, scale=5.0)]
    assert_close(with_gradients(function, args), by_numpy(with_gradients, function, args))


@pytest.mark.parametrize("rows", [3, 300])
@pytest.mark.parametrize("scale", [0.1, 1.0, 8.0])
@pytest.mark.parametrize("name", [*ELEMENTWISE, *ROWS])
def test_error_beside_pytorch(compiled, name, scale, rows):
    """At most 4 times PyTorch's error against float64, or some roundings to float32."""
    torch = pytest.importorskip("torch")
    make = {**ELEMENTWISE, **ROWS}[name]
    args = arguments(name, rows, 391)
    args[0] *= scale
    ours = with_gradients(make(airi, F), args)
    functional = torch.nn.functional
    theirs = with_gradients(make(torch, functional), args, lib=torch)
    exact = with_gradients(
        make(torch, functional), [each.astype(np.float64) for each in args], lib=torch
    )
    added = np.abs(args[0]).sum() / (args[0].size if name == "mean" else 1)  # before it cancels
    for mine, other, true in zip(ours, theirs, exact):
        size = added if name in ("sum", "mean") else np.abs(true).max()
        error, allowed = np.abs(mine - true).max(), np.abs(other - true).max()
        assert error <= max(4 * allowed, 3e-7 * size)


@pytest.mark.parametrize("name", ["exp", "sigmoid"])
def test_relative_error_of_each_element(compiled, name):
    x = np.linspace(-87, 88, 100_003, dtype=np.float32)
    true = {"exp": np.exp, "sigmoid": lambda v: 1 / (1 + np.exp(-v))}[name](x.astype(np.float64))
    error = np.abs(fused.each(name, x) - true) / true
    assert error.max() < 2 * np.finfo(np.float32).eps


def test_exp_at_the_ends_of_its_range(compiled):
    x = np.array([88.7, 88.8, 200, -87.4, -100, -103.9, -105, -1e30, 0.0, -0.0], np.float32)
    with np.errstate(over="ignore", under="ignore"):
        expected = np.exp(x.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(fused.each("exp", x), expected, rtol=3e-7, atol=1.5e-45)


SPECIAL = np.array(
    [[0, 1, -1, np.nan, 2], [np.inf, 1, 2, 3, 4], [-np.inf, 1, 2, 3, 4], [-np.inf] * 5, [1e38] * 5],
    np.float32,
)


@pytest.mark.parametrize("name", [*ELEMENTWISE, "softmax", "log_softmax", "sum", "sum_rows"])
def test_nan_and_infinity_as_in_pytorch(compiled, name):
    torch = pytest.importorskip("torch")
    make = {**ELEMENTWISE, **ROWS}[name]
    x = np.repeat(SPECIAL, 7, axis=1)  # longer than a vector, with a rest
    if name == "gelu":
        x[1, :7] = 5  # of infinity PyTorch makes NaN in float32, infinity in float64
    ours = with_gradients(make(airi, F), [x])
    theirs = with_gradients(make(torch, torch.nn.functional), [x], lib=torch)
    for mine, other in zip(ours, theirs):
        np.testing.assert_allclose(mine, other, rtol=3e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["layer_norm_alone", "rms_norm_alone"])
def test_a_nan_spoils_its_row_alone(compiled, name):
    x = numbers(3, 50)
    x[1, 49] = np.nan
    out, dx = with_gradients(ROWS[name](airi, F), [x])
    for values in (out, dx):
        assert np.isnan(values[1]).all()
        assert np.isfinite(values[[0, 2]]).all()


@pytest.mark.parametrize("name", [*ELEMENTWISE, *ROWS])
def test_every_number_of_threads_gives_the_same(compiled, name):
    function = {**ELEMENTWISE, **ROWS}[name](airi, F)
    args = arguments(name, 301, 1003)
    before = airi.get_num_threads()
    results = []
    for threads in (1, 2, 3):
        airi.set_num_threads(threads)
        results.append(with_gradients(function, args))
    airi.set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other):
            assert np.array_equal(one, two)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *ROWS])
def test_arrays_that_do_not_suit_are_computed_as_before(compiled, name):
    function = {**ELEMENTWISE, **ROWS}[name](airi, F)
    args = arguments(name, 40, 60)
    args[0] = args[0].T.copy().T  # columns first
    contiguous = [each.copy(order="C") for each in args]
    assert_close(with_gradients(function, args), with_gradients(function, contiguous), 1e-5)
    doubled = [each.astype(np.float64) for each in args]
    assert with_gradients(function, doubled)[0].dtype == np.float64
    empty = [args[0][:0], *args[1:]]
    if not name.startswith("mean"):
        assert with_gradients(function, empty)[1].shape == (0, 60)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *ROWS])
def test_a_gradient_that_is_not_contiguous(compiled, name):
    function = {**ELEMENTWISE, **ROWS}[name](airi, F)
    args = [airi.tensor(each).requires_grad_() for each in arguments(name, 6, 40)]
    function(*args).sum().backward()  # the gradient is one number, repeated
    found = [each.grad.numpy() for each in args]
    expected = with_gradients(lambda *args: function(*args).sum().reshape(1), [
        each.detach().numpy() for each in args
    ])  # fmt: skip
    weight = numbers(1, seed=1)[0]
    assert_close([each * weight for each in found], expected[1:], 1e-4)


def test_second_derivatives_go_through_the_rules(compiled):
    x = airi.tensor(numbers(4, 20)).requires_grad_()

    def second(function):
        out = function(x)
        (first,) = airi.autograd.grad(out.square().sum(), x, create_graph=True)
        return airi.autograd.grad(first.square().sum(), x)[0].numpy()

    for name in [*ELEMENTWISE, *ROWS]:
        if name not in PARAMETERS:
            function = {**ELEMENTWISE, **ROWS}[name](airi, F)
            assert_close([second(function)], [by_numpy(second, function)], 2e-4)


def test_what_reaches_the_statistics_goes_on_to_the_input(compiled):
    from airi.ops.norm import LayerNorm

    def gradient():
        x = airi.tensor(numbers(5, 40)).requires_grad_()
        out, mean, var = LayerNorm.apply(
            x, None, None, view=(5, 40), dims=(1,), affine=(), eps=1e-5
        )
        (out.square().sum() + (mean * 3).sum() + var.square().sum()).backward()
        return [x.grad.numpy()]

    assert_close(gradient(), by_numpy(gradient), 1e-5)


def test_half_precision_and_integers_are_left_to_numpy(compiled):
    assert fused.each("exp", np.ones(10, np.float16)) is None
    assert fused.sum_last(np.ones((40, 40), np.int64), None, False) is None
    assert F.gelu(airi.ones(5000, dtype=airi.float16)).dtype == airi.float16


def test_an_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="use_instruction_set: 'mmx' is not one of"):
        fused_ext.use_instruction_set("mmx")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_computes():
    script = """
import os, numpy as np, airi
airi.set_num_threads(2)
x = airi.ones(1000, 1000)
airi.softmax(x, 1)
pid = os.fork()
if not pid:
    os._exit(0 if abs(airi.softmax(x, 1).sum().item() - 1000) < 1e-2 else 1)
assert os.waitpid(pid, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize("shapes", [((3, 7), (3, 7)), ((5, 33), (33,)), ((2, 3, 1000), (1000,))])
def test_sums_of_two(compiled, shapes, monkeypatch):
    monkeypatch.setattr(fused, "LEAST_SUMMANDS", 1)
    x, y = numbers(*shapes[0]), numbers(*shapes[1], seed=1)
    x.flat[:3], y.flat[1:4] = (np.nan, np.inf, -np.inf), (np.inf, np.inf, np.nan)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(fused.add(x, y), x + y)


def test_sums_of_two_that_are_left_to_numpy(compiled, monkeypatch):
    monkeypatch.setattr(fused, "LEAST_SUMMANDS", 1)
    x = numbers(40, 40)
    for y in (1.0, x.astype(np.float64), x[:1], x.T, x[:, :1], numbers(40, 40, 40)):
        assert fused.add(x, y) is None
