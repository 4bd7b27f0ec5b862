"""The convolution and pooling kernels: NumPy reference against loops and PyTorch, and the compiled
kernels, for every instruction set of this processor, against the reference."""

import itertools
import os
import subprocess
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from airi import threads
from airi.ops import conv_ref, conv_shapes, kernels

try:
    from airi.ops import conv_ext
except ImportError:
    conv_ext = None

needs_extension = pytest.mark.skipif(conv_ext is None, reason="the extension is not built")
SETS = conv_ext.instruction_sets() if conv_ext else []


@pytest.fixture(params=["reference", *SETS])
def module(request):
    """Each implementation in turn."""
    if request.param == "reference":
        yield conv_ref
        return
    conv_ext.use_instruction_set(request.param)
    yield conv_ext
    conv_ext.use_instruction_set(SETS[0])


@pytest.fixture(params=SETS)
def compiled(request):
    """The compiled kernels for each instruction set."""
    conv_ext.use_instruction_set(request.param)
    yield conv_ext
    conv_ext.use_instruction_set(SETS[0])


@dataclass(frozen=True)
class Case:
    """One convolution."""

    batch: int = 2
    channels: int = 3
    size: tuple[int, int] = (9, 11)
    filters: int = 4
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def steps(self):
        return self.stride, self.padding, self.dilation, self.groups

    def arrays(self, dtype, seed=0):
        """x, w, bias and a gradient of the output."""
        rng = np.random.default_rng(seed)
        out_size = conv_shapes.conv_output_size(
            self.size, self.kernel, self.stride, self.padding, self.dilation
        )
        shapes = [
            (self.batch, self.channels, *self.size),
            (self.filters, self.channels // self.groups, *self.kernel),
            (self.filters,),
            (self.batch, self.filters, *out_size),
        ]
        return [rng.standard_normal(shape).astype(dtype) for shape in shapes]

    def run(self, module, dtype=np.float64):
        """The three convolutions by `module`."""
        x, w, bias, g = self.arrays(dtype)
        return (
            module.conv2d_forward(x, w, bias, *self.steps),
            module.conv2d_input_grad(g, w, self.size, *self.steps),
            module.conv2d_weight_grad(g, x, self.kernel, *self.steps),
        )


def random_case(seed):
    rng = np.random.default_rng(seed)

    def pair(low, high):
        return (int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1)))

    groups = int(rng.integers(1, 4))
    kernel, stride, dilation, padding = pair(1, 5), pair(1, 3), pair(1, 3), pair(0, 4)
    extra = (int(rng.integers(0, 14)), int(rng.integers(0, 40)))
    size = tuple(
        max(1, dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]) + extra[i] for i in range(2)
    )
    return Case(
        batch=int(rng.integers(1, 4)),
        channels=groups * int(rng.integers(1, 6)),
        filters=groups * int(rng.integers(1, 20)),
        **{
            "size": size,
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
        },
        groups=groups,
    )


SMALL_CASES = [
    Case(),
    Case(stride=(2, 3), padding=(2, 1)),
    Case(dilation=(2, 3), padding=(1, 4)),
    Case(stride=(3, 2), dilation=(2, 1), padding=(3, 0), kernel=(2, 4)),
    Case(channels=4, filters=6, groups=2),
    Case(channels=4, filters=4, groups=4, padding=(1, 1)),
    Case(kernel=(1, 1), stride=(2, 2)),
    Case(kernel=(9, 11)),
    Case(size=(1, 30), kernel=(1, 7), padding=(0, 3)),
    Case(size=(2, 2), kernel=(1, 1), padding=(5, 5)),
]

# Sizes that need several blocks of channels, filters, taps or pixels.
LARGE_CASES = [
    Case(channels=70, filters=230, padding=(1, 1)),
    Case(batch=1, channels=300, size=(8, 8), filters=20, kernel=(3, 2)),
    Case(size=(40, 300), channels=6, filters=10, kernel=(7, 5), stride=(2, 2), groups=2),
    Case(batch=1, channels=2, size=(2, 2500), kernel=(1, 600), padding=(5, 5)),
    Case(batch=1, channels=1, size=(700, 700), filters=1, padding=(1, 1)),
    Case(batch=40, size=(9, 9), stride=(2, 2), padding=(1, 1), dilation=(2, 2)),
    Case(batch=9, channels=8, size=(12, 12), filters=8, padding=(1, 1), groups=8),
    Case(batch=1, channels=1, size=(60, 60), filters=2, kernel=(33, 33), padding=(16, 16)),
    Case(batch=3, channels=16, size=(28, 28), filters=16, kernel=(5, 5)),
    Case(batch=5, channels=40, size=(7, 7), filters=50, padding=(1, 1)),
    Case(batch=3, channels=1, size=(28, 28), filters=10, padding=(1, 1)),
    Case(batch=2, channels=2, size=(33, 61), filters=7, stride=(1, 2)),
    Case(batch=2, channels=20, size=(30, 41), filters=9, kernel=(1, 1)),
]


def assert_near(got, expected, relative):
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    assert got.flags.c_contiguous
    scale = np.abs(expected).max(initial=1e-30)
    assert np.abs(got - expected).max(initial=0) <= relative * scale


def convolution_by_loops(x, w, bias, stride, padding, dilation, groups):
    """The formula, element by element."""
    batch, _channels, height, width = x.shape
    filters, group_channels, kernel_height, kernel_width = w.shape
    size = conv_shapes.conv_output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    out = np.zeros((batch, filters, *size))
    for n, f, y, x_ in np.ndindex(out.shape):
        first = f // (filters // groups) * group_channels
        out[n, f, y, x_] = bias[f]
        for c, i, j in np.ndindex(group_channels, kernel_height, kernel_width):
            row = y * stride[0] + i * dilation[0] - padding[0]
            column = x_ * stride[1] + j * dilation[1] - padding[1]
            if 0 <= row < height and 0 <= column < width:
                out[n, f, y, x_] += w[f, c, i, j] * x[n, first + c, row, column]
    return out


# ---- convolution --------------------------------------------------------------------------------


@pytest.mark.parametrize("case", SMALL_CASES, ids=repr)
def test_forward_is_the_formula(module, case):
    x, w, bias, _ = case.arrays(np.float64)
    expected = convolution_by_loops(x, w, bias, *case.steps)
    assert_near(module.conv2d_forward(x, w, bias, *case.steps), expected, 1e-13)


@pytest.mark.parametrize("case", SMALL_CASES, ids=repr)
def test_gradients_are_the_adjoints_of_forward(module, case):
    """<g, conv(x, w)> = <input_grad(g, w), x> = <weight_grad(g, x), w>, for every x, w and g."""
    x, w, _bias, g = case.arrays(np.float64)
    out = module.conv2d_forward(x, w, None, *case.steps)
    _, input_grad, weight_grad = case.run(module)
    assert np.vdot(input_grad, x) == pytest.approx(np.vdot(g, out), rel=1e-11)
    assert np.vdot(weight_grad, w) == pytest.approx(np.vdot(g, out), rel=1e-11)


@pytest.mark.parametrize("seed", range(20))
def test_reference_equals_pytorch(seed):
    torch = pytest.importorskip("torch")
    case = random_case(seed)
    x, w, bias, g = (torch.tensor(array, requires_grad=True) for array in case.arrays(np.float64))
    out = torch.nn.functional.conv2d(x, w, bias, *case.steps)
    out.backward(g.detach())
    for got, expected in zip(case.run(conv_ref), (out, x.grad, w.grad), strict=True):
        assert_near(got, expected.detach().numpy(), 1e-12)


@needs_extension
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-5)])
@pytest.mark.parametrize("seeds", [range(i, i + 20) for i in range(0, 80, 20)], ids=str)
def test_compiled_equals_reference(compiled, seeds, dtype, tolerance):
    for case in map(random_case, seeds):
        for got, expected in zip(case.run(compiled, dtype), case.run(conv_ref, dtype), strict=True):
            assert_near(got, expected, tolerance)


@needs_extension
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 2e-5)])
@pytest.mark.parametrize("case", LARGE_CASES, ids=repr)
def test_compiled_equals_reference_over_many_blocks(compiled, case, dtype, tolerance):
    for got, expected in zip(case.run(compiled, dtype), case.run(conv_ref, dtype), strict=True):
        assert_near(got, expected, tolerance)


def test_any_strides_and_read_only_inputs(module):
    case = Case(padding=(1, 1))
    x, w, bias, g = case.arrays(np.float32)
    expected = case.run(module, np.float32)
    x = np.asfortranarray(x)
    w = np.repeat(w, 2, axis=3)[..., ::2]
    bias = np.repeat(bias, 3)[::3]
    g = np.ascontiguousarray(g[:, ::-1])[:, ::-1]
    for array in (x, w, bias, g):
        array.flags.writeable = False
    np.testing.assert_array_equal(module.conv2d_forward(x, w, bias, *case.steps), expected[0])
    input_grad = module.conv2d_input_grad(g, w, case.size, *case.steps)
    np.testing.assert_array_equal(input_grad, expected[1])
    weight_grad = module.conv2d_weight_grad(g, x, case.kernel, *case.steps)
    np.testing.assert_array_equal(weight_grad, expected[2])


def test_empty_batch(module):
    out, input_grad, weight_grad = Case(batch=0).run(module, np.float32)
    assert out.shape == (0, 4, 7, 9)
    assert input_grad.shape == (0, 3, 9, 11)
    np.testing.assert_array_equal(weight_grad, np.zeros((4, 3, 3, 3), np.float32))


def test_no_channels_leave_the_bias(module):
    x, w = np.zeros((1, 0, 3, 3)), np.zeros((2, 0, 1, 1))
    out = module.conv2d_forward(x, w, np.array([1.0, 2.0]), (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_array_equal(out[0, 1], np.full((3, 3), 2.0))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity_reach_exactly_their_windows(module, value, dtype):
    case = Case(size=(12, 20), padding=(2, 2), kernel=(3, 3), filters=5)
    x, w, bias, g = case.arrays(dtype)
    x[0, 1, 4, 0] = value
    out = module.conv2d_forward(x, w, bias, *case.steps)
    reached = np.zeros(out.shape, bool)
    reached[0, :, 4:7, 0:3] = True
    np.testing.assert_array_equal(~np.isfinite(out), reached)
    g[1, 2, 0, 0] = value
    grad = module.conv2d_input_grad(g, w, case.size, *case.steps)
    reached = np.zeros(grad.shape, bool)
    reached[1, :, :1, :1] = True  # the window of output (0, 0) holds one pixel of the image
    np.testing.assert_array_equal(~np.isfinite(grad), reached)


@needs_extension
def test_nan_that_lay_in_working_memory_does_not_leak(compiled):
    case = Case(channels=16, filters=16, size=(13, 15), padding=(2, 2), kernel=(5, 5))
    expected = case.run(compiled, np.float32)
    poisoned = Case(channels=40, size=(30, 30), filters=16, kernel=(5, 5))
    x, w, _, g = poisoned.arrays(np.float32)
    x[...], g[...] = np.nan, np.nan
    compiled.conv2d_forward(x, w, None, *poisoned.steps)
    compiled.conv2d_weight_grad(g, x, poisoned.kernel, *poisoned.steps)
    for got, before in zip(case.run(compiled, np.float32), expected, strict=True):
        np.testing.assert_array_equal(got, before)


ACCURACY_CASES = [
    Case(batch=16, channels=16, size=(28, 28), filters=16, kernel=(5, 5)),
    Case(channels=64, size=(28, 28), filters=64, padding=(1, 1)),
    Case(batch=4, channels=256, size=(14, 14), filters=64, padding=(1, 1)),
]


@needs_extension
@pytest.mark.parametrize("case", ACCURACY_CASES, ids=repr)
def test_float32_is_about_as_accurate_as_pytorch(compiled, case):
    """In the mean over all results: the largest error of some thousand is a matter of luck."""
    torch = pytest.importorskip("torch")
    arrays = [array.astype(np.float64) for array in case.arrays(np.float32)]
    exact = (
        conv_ref.conv2d_forward(*arrays[:3], *case.steps),
        conv_ref.conv2d_input_grad(arrays[3], arrays[1], case.size, *case.steps),
        conv_ref.conv2d_weight_grad(arrays[3], arrays[0], case.kernel, *case.steps),
    )
    x, w, bias, g = (torch.tensor(a, requires_grad=True) for a in case.arrays(np.float32))
    out = torch.nn.functional.conv2d(x, w, bias, *case.steps)
    out.backward(g.detach())
    for got, theirs, true in zip(
        case.run(compiled, np.float32), (out, x.grad, w.grad), exact, strict=True
    ):
        error = np.square(got - true).mean()
        assert error <= 4**2 * np.square(theirs.detach().numpy() - true).mean()


# ---- Winograd's method --------------------------------------------------------------------------


@pytest.fixture
def winograd(compiled):
    """The compiled kernels with Winograd's method wherever it can be used."""
    compiled.use_winograd("always")
    yield compiled
    compiled.use_winograd("faster")


def winograd_case(seed):
    rng = np.random.default_rng(seed)
    kernel = int(rng.choice([3, 4, 5]))
    padding = tuple(int(p) for p in rng.integers(0, 7, 2))  # beyond kernel - 1 too
    size = tuple(int(rng.integers(max(1, kernel - 2 * p), 33)) for p in padding)
    return Case(
        batch=int(rng.integers(1, 6)),
        channels=int(rng.integers(1, 40)),
        size=size,
        filters=int(rng.integers(1, 90)),
        kernel=(kernel, kernel),
        padding=padding,
        stride=(2, 2) if kernel == 4 else (1, 1),
    )


@needs_extension
@pytest.mark.parametrize("seeds", [range(i, i + 8) for i in range(0, 32, 8)], ids=str)
def test_winograd_equals_reference(winograd, seeds):
    for case in map(winograd_case, seeds):
        got, expected = case.run(winograd, np.float32), case.run(conv_ref, np.float64)
        for each, exact in zip(got, expected, strict=True):
            assert_near(each, exact.astype(np.float32), 1e-5)


@needs_extension
@pytest.mark.parametrize(
    "case",
    [
        Case(batch=1, channels=20, size=(5, 700), filters=100, padding=(1, 1)),
        Case(batch=1, channels=150, size=(9, 9), filters=130, padding=(1, 1)),
        Case(batch=70, channels=16, size=(6, 6), filters=16, kernel=(5, 5)),
        Case(batch=20, channels=70, size=(21, 30), filters=60, kernel=(4, 4), stride=(2, 2)),
    ],
    ids=repr,
)
def test_winograd_equals_reference_over_many_blocks(winograd, case):
    got, expected = case.run(winograd, np.float32), case.run(conv_ref, np.float64)
    for each, exact in zip(got, expected, strict=True):
        assert_near(each, exact.astype(np.float32), 1e-5)


@needs_extension
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (4, 2), (5, 1)])
def test_winograd_leaves_what_is_not_finite_to_the_direct_method(winograd, value, kernel, stride):
    """What spreads or overflows at the points of a tile is computed again, to the same numbers."""
    case = Case(
        channels=5, size=(12, 21), filters=18, kernel=(kernel, kernel), padding=(1, 1),
        stride=(stride, stride),
    )  # fmt: skip
    x, w, bias, g = case.arrays(np.float32)
    x[1, 4, 11, 20] = g[0, 17, 3, 5] = value
    w *= 0.1

    def run():
        return (
            winograd.conv2d_forward(x, w, bias, *case.steps),
            winograd.conv2d_input_grad(g, w, case.size, *case.steps),
            winograd.conv2d_weight_grad(g, x, case.kernel, *case.steps),
        )

    got = run()
    winograd.use_winograd("never")
    for each, direct in zip(got, run(), strict=True):
        np.testing.assert_array_equal(each, direct)
    w[2, 3, 0, 1] = value
    direct = run()[:2]
    winograd.use_winograd("always")
    for each, expected in zip(run(), direct, strict=False):
        np.testing.assert_array_equal(each, expected)


@needs_extension
def test_winograd_gives_the_same_for_any_number_of_threads(winograd):
    case = Case(batch=7, channels=33, size=(15, 17), filters=40, padding=(1, 1))
    results = []
    before = threads.get_num_threads()
    try:
        for count in (1, 3):
            threads.set_num_threads(count)
            results.append(case.run(winograd, np.float32))
    finally:
        threads.set_num_threads(before)
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)


@needs_extension
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case(channels=16, filters=16, padding=(1, 1)), "always"),
        (Case(channels=16, filters=16, size=(12, 12), kernel=(5, 5)), "always"),
        (Case(channels=1, filters=16, padding=(1, 1)), "never"),  # few lanes in use
        (Case(batch=1, channels=256, size=(5, 5), filters=256, padding=(1, 1)), "never"),  # 4 tiles
        (Case(channels=16, filters=16, stride=(2, 2)), "never"),
        (Case(channels=32, size=(28, 28), filters=32, kernel=(4, 4), stride=(2, 2)), "always"),
        (Case(channels=3, size=(28, 28), filters=32, kernel=(4, 4), stride=(2, 2)), "never"),
    ],
    ids=repr,
)
def test_winograd_is_used_where_it_is_faster(compiled, case, expected):
    x, w, bias, _ = case.arrays(np.float32)
    results = {}
    for when in ("always", "never", "faster"):
        compiled.use_winograd(when)
        results[when] = compiled.conv2d_forward(x, w, bias, *case.steps)
    np.testing.assert_array_equal(results["faster"], results[expected])


@needs_extension
def test_unknown_use_of_winograd_is_refused():
    with pytest.raises(ValueError, match="'always', 'never' or 'faster'"):
        conv_ext.use_winograd("sometimes")


# ---- matrices packed for products ---------------------------------------------------------------


@pytest.mark.parametrize(
    "sizes",
    [(1, 1, 1), (3, 5, 7), (8, 0, 3), (33, 17, 49), (200, 100, 10), (97, 16, 64), (15, 70, 150)],
    ids=str,
)
def test_packed_matrix_multiplies(module, sizes):
    rows, inner, columns = sizes
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, inner), dtype=np.float32)
    for matrix in (
        rng.standard_normal((inner, columns), dtype=np.float32),
        rng.standard_normal((columns, inner), dtype=np.float32).T,
        rng.standard_normal((2 * inner, 3 * columns), dtype=np.float32)[::-2, ::3],
    ):
        matrix.flags.writeable = False
        out = np.full((rows, columns), np.nan, np.float32)
        packed = module.PackedMatrix(matrix)
        for count in (rows, rows // 2):  # for any number of rows
            result = packed.multiply(x[:count], out[:count])
            assert np.shares_memory(result, out) or result.size == 0
            expected = x[:count].astype(np.float64) @ matrix
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6 * (inner + 1))


def test_packed_matrix_takes_other_strides_and_refuses_other_shapes(module):
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    x, out = np.ones((3, 2), np.float32).T, np.zeros((4, 2), np.float32).T
    np.testing.assert_array_equal(module.PackedMatrix(matrix).multiply(x, out), x @ matrix)
    with pytest.raises(ValueError, match="mismatch"):
        module.PackedMatrix(matrix).multiply(np.ones((2, 4), np.float32), out)
    with pytest.raises(ValueError, match="shape"):
        module.PackedMatrix(matrix[0])
    with pytest.raises(TypeError, match="float64"):
        module.PackedMatrix(matrix.astype(np.float64))


@needs_extension
def test_packed_matrix_gives_the_same_for_any_number_of_threads(compiled):
    rng = np.random.default_rng(0)
    x, matrix = (rng.standard_normal((300, 300), dtype=np.float32) for _ in range(2))
    results = []
    before = threads.get_num_threads()
    try:
        for count in (1, 3):
            threads.set_num_threads(count)
            results.append(compiled.PackedMatrix(matrix).multiply(x, np.empty_like(x)))
    finally:
        threads.set_num_threads(before)
    np.testing.assert_array_equal(*results)


WRONG = [
    ({"x": np.zeros((2, 3, 5))}, ValueError, "4 dimensions"),
    ({"x": np.zeros((2, 3, 5, 5), np.int64)}, TypeError, "float32 or float64"),
    ({"x": np.zeros((2, 3, 5, 5), np.float32)}, TypeError, "x is float32 but w is float64"),
    ({"x": np.zeros((2, 4, 5, 5))}, ValueError, "4 channels"),
    ({"x": np.zeros((2, 3, 2, 5))}, ValueError, "covers more than"),
    ({"bias": np.zeros(3)}, ValueError, "bias has shape"),
    ({"groups": 3}, ValueError, "9"),
    ({"groups": 0}, ValueError, "groups"),
    ({"stride": (0, 1)}, ValueError, "stride"),
    ({"padding": (-1, 0)}, ValueError, "padding"),
    ({"dilation": 2}, TypeError, "dilation must be a pair"),
]


@pytest.mark.parametrize(("change", "error", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_arguments_are_named(module, change, error, message):
    arguments = {
        "x": np.zeros((2, 3, 5, 5)), "w": np.zeros((4, 3, 3, 3)), "bias": None,
        "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1,
    }  # fmt: skip
    with pytest.raises(error, match=message):
        module.conv2d_forward(**(arguments | change))


def test_gradient_of_another_size_is_refused(module):
    g, w, x = np.zeros((2, 4, 3, 4)), np.zeros((4, 3, 3, 3)), np.zeros((2, 3, 5, 5))
    steps = ((1, 1), (0, 0), (1, 1), 1)
    with pytest.raises(ValueError, match=r"g has shape \(2, 4, 3, 4\)"):
        module.conv2d_input_grad(g, w, (5, 5), *steps)
    with pytest.raises(ValueError, match=r"gives \(2, 4, 3, 3\)"):
        module.conv2d_weight_grad(g, x, (3, 3), *steps)


# ---- pooling ------------------------------------------------------------------------------------


def pool_output_size(size, kernel, stride, padding, dilation=(1, 1), ceil_mode=False):
    sizes = []
    for axis in range(2):
        room = size[axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1
        steps = -(-room // stride[axis]) if ceil_mode else room // stride[axis]
        if ceil_mode and steps * stride[axis] >= size[axis] + padding[axis]:
            steps -= 1
        sizes.append(steps + 1)
    return tuple(sizes)


POOLS = list(
    itertools.product(
        [((2, 2), (2, 2)), ((3, 3), (2, 1)), ((3, 2), (3, 3))],
        [(0, 0), (1, 1)],
        [(1, 1), (2, 1)],
        [False, True],
    )
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("windows", "padding", "dilation", "ceil_mode"), POOLS)
def test_max_pool_equals_pytorch(module, windows, padding, dilation, ceil_mode, dtype):
    torch = pytest.importorskip("torch")
    (kernel, stride), rng = windows, np.random.default_rng(1)
    x = rng.standard_normal((2, 3, 9, 14)).round(1).astype(dtype)
    x[0, 0, 3:5, 4:8], x[0, 1, :, 2], x[1, 2, 5:, :] = np.nan, np.inf, -np.inf
    size = pool_output_size(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    theirs = torch.tensor(x, requires_grad=True)
    expected, positions = torch.nn.functional.max_pool2d(
        theirs, kernel, stride, padding, dilation, ceil_mode, return_indices=True
    )
    out, indices = module.max_pool2d_forward(x, kernel, stride, padding, dilation, size)
    np.testing.assert_array_equal(out, expected.detach().numpy())
    np.testing.assert_array_equal(indices, positions.numpy())
    assert out.dtype == dtype
    assert indices.dtype == np.int64

    g = rng.standard_normal(out.shape).astype(dtype)
    expected.backward(torch.tensor(g))
    grad = module.max_pool2d_backward(g, indices, x.shape[2:])
    np.testing.assert_allclose(grad, theirs.grad.numpy(), rtol=1e-6, atol=1e-6)

    steps = (kernel, stride, padding, dilation)
    again, places = module.max_pool2d_forward(x, *steps, size, True)
    np.testing.assert_array_equal(again, out)
    assert places.dtype == np.uint8
    positions = conv_shapes.indices_of_places(places, x.shape[2:], *steps)
    np.testing.assert_array_equal(positions, indices)
    grad = module.max_pool2d_backward_by_places(g, places, x.shape[2:], *steps)
    np.testing.assert_allclose(grad, theirs.grad.numpy(), rtol=1e-6, atol=1e-6)


WIDE_POOLS = [  # kernel, stride, padding, size of the image
    ((2, 2), (2, 2), (0, 0), (6, 38)),
    ((2, 2), (2, 2), (0, 0), (9, 67)),
    ((3, 3), (2, 2), (1, 1), (11, 70)),
    ((3, 3), (1, 1), (1, 1), (5, 50)),
    ((5, 4), (3, 3), (2, 1), (23, 90)),
    ((2, 3), (3, 5), (1, 0), (17, 81)),
    ((1, 7), (1, 1), (0, 3), (1, 100)),
    ((7, 9), (4, 2), (3, 4), (20, 45)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kernel", "stride", "padding", "image"), WIDE_POOLS, ids=repr)
def test_pools_of_wide_images_equal_the_reference(compiled, kernel, stride, padding, image, dtype):
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2, 3, *image)).round(1).astype(dtype)
    x[1, 1, :, -2:], x[0, 2, -1, :3] = np.nan, -np.inf
    steps = (kernel, stride, padding)
    size = pool_output_size(image, *steps)
    g = rng.standard_normal((2, 3, *size)).astype(dtype)
    for in_window in (False, True):
        arguments = (x, *steps, (1, 1), size, in_window)
        for got, expected in zip(
            compiled.max_pool2d_forward(*arguments),
            conv_ref.max_pool2d_forward(*arguments),
            strict=True,
        ):
            np.testing.assert_array_equal(got, expected)
    places = conv_ref.max_pool2d_forward(x, *steps, (1, 1), size, True)[1]
    back = (g, places, image, *steps, (1, 1))
    expected = conv_ref.max_pool2d_backward_by_places(*back)
    got = compiled.max_pool2d_backward_by_places(*back)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)

    mean = compiled.avg_pool2d_forward(x, *steps, size, False, None)
    expected = conv_ref.avg_pool2d_forward(x, *steps, size, False, None)
    np.testing.assert_allclose(mean, expected, rtol=1e-5, atol=1e-6)
    grad = compiled.avg_pool2d_backward(g, image, *steps, True, None)
    expected = conv_ref.avg_pool2d_backward(g, image, *steps, True, None)
    np.testing.assert_allclose(grad, expected, rtol=1e-5, atol=1e-6)


def test_places_are_checked(module):
    g = np.zeros((1, 1, 2, 2))
    windows = ((2, 2), (2, 2), (0, 0), (1, 1))
    with pytest.raises(TypeError, match="uint8"):
        module.max_pool2d_backward_by_places(g, np.zeros(g.shape, int), (4, 4), *windows)
    wrong, x = np.zeros((1, 1, 2), np.uint8), np.zeros((1, 1, 20, 20))
    with pytest.raises(ValueError, match=r"places have \(1, 1, 2\)"):
        module.max_pool2d_backward_by_places(g, wrong, (4, 4), *windows)
    with pytest.raises(ValueError, match="more than 256 places"):
        module.max_pool2d_forward(x, (17, 17), (1, 1), (0, 0), (1, 1), (4, 4), True)


def test_max_pool_of_ties_nan_and_overlap(module):
    x = np.array([[[[1.0, 1.0, np.nan, np.nan, 0.0]]]])
    out, indices = module.max_pool2d_forward(x, (1, 2), (1, 1), (0, 0), (1, 1), (1, 4))
    np.testing.assert_array_equal(out[0, 0, 0], [1, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(indices[0, 0, 0], [0, 2, 3, 3])
    grad = module.max_pool2d_backward(np.array([[[[1.0, 2.0, 4.0, 8.0]]]]), indices, (1, 5))
    np.testing.assert_array_equal(grad[0, 0, 0], [1, 0, 2, 12, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("divisor_override", [None, 5])
@pytest.mark.parametrize(("windows", "padding", "_", "ceil_mode"), POOLS[::3])
def test_avg_pool_equals_pytorch(
    module, windows, padding, _, ceil_mode, count_include_pad, divisor_override, dtype
):
    torch = pytest.importorskip("torch")
    (kernel, stride), rng = windows, np.random.default_rng(2)
    x = rng.standard_normal((2, 3, 9, 14)).astype(dtype)
    size = pool_output_size(x.shape[2:], kernel, stride, padding, ceil_mode=ceil_mode)
    theirs = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.avg_pool2d(
        theirs, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
    last = (count_include_pad, divisor_override)
    out = module.avg_pool2d_forward(x, kernel, stride, padding, size, *last)
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    assert out.dtype == dtype

    g = rng.standard_normal(out.shape).astype(dtype)
    expected.backward(torch.tensor(g))
    grad = module.avg_pool2d_backward(g, x.shape[2:], kernel, stride, padding, *last)
    np.testing.assert_allclose(grad, theirs.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_avg_pool_backward_is_the_adjoint(module):
    rng = np.random.default_rng(3)
    x, g = rng.standard_normal((2, 3, 7, 8)), rng.standard_normal((2, 3, 4, 4))
    windows = ((3, 3), (2, 2), (1, 1))
    out = module.avg_pool2d_forward(x, *windows, (4, 4), False, None)
    grad = module.avg_pool2d_backward(g, (7, 8), *windows, False, None)
    assert np.vdot(grad, x) == pytest.approx(np.vdot(g, out), rel=1e-12)


def test_pools_of_an_empty_batch(module):
    x = np.zeros((0, 3, 4, 4), np.float32)
    out, indices = module.max_pool2d_forward(x, (2, 2), (2, 2), (0, 0), (1, 1), (2, 2))
    assert out.shape == indices.shape == (0, 3, 2, 2)
    assert module.max_pool2d_backward(out, indices, (4, 4)).shape == (0, 3, 4, 4)
    mean = module.avg_pool2d_forward(x, (2, 2), (2, 2), (0, 0), (2, 2), True, None)
    assert module.avg_pool2d_backward(mean, (4, 4), *[(2, 2)] * 2, (0, 0), True, None).size == 0


def test_pools_refuse_what_lies_outside(module):
    x = np.zeros((1, 1, 4, 4))
    with pytest.raises(ValueError, match="wholly in the padding"):
        module.max_pool2d_forward(x, (2, 2), (2, 2), (0, 0), (1, 1), (3, 2))
    with pytest.raises(ValueError, match=r"0 \.\.\. 15"):
        module.max_pool2d_backward(np.zeros((1, 1, 1, 1)), np.full((1, 1, 1, 1), 16), (4, 4))
    with pytest.raises(ValueError, match="divisor_override"):
        module.avg_pool2d_forward(x, (2, 2), (2, 2), (0, 0), (2, 2), True, 0)


# ---- threads and the choice of the implementation -----------------------------------------------


@pytest.fixture
def keep_threads():
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


@needs_extension
@pytest.mark.parametrize("case", [LARGE_CASES[0], LARGE_CASES[6], LARGE_CASES[8]], ids=repr)
def test_results_do_not_depend_on_the_number_of_threads(case, keep_threads):
    threads.set_num_threads(1)
    expected = case.run(conv_ext, np.float32)
    for count in (2, 3, 5):
        threads.set_num_threads(count)
        for got, one in zip(case.run(conv_ext, np.float32), expected, strict=True):
            np.testing.assert_array_equal(got, one)


@needs_extension
def test_several_python_threads_at_once():
    case = LARGE_CASES[8]
    expected, results = case.run(conv_ext, np.float32), {}

    def work(number):
        results[number] = [case.run(conv_ext, np.float32) for _ in range(5)]

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for got in itertools.chain.from_iterable(results.values()):
        for mine, one in zip(got, expected, strict=True):
            np.testing.assert_array_equal(mine, one)


@needs_extension
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_kernels_work_in_a_forked_child():
    program = """
import os, sys, warnings
import numpy as np
from airi import threads
from airi.ops import conv_ext
threads.set_num_threads(2)
x, w = np.ones((8, 3, 9, 9)), np.ones((4, 3, 3, 3))
run = lambda: conv_ext.conv2d_forward(x, w, None, (1, 1), (0, 0), (1, 1), 1)
expected = run()
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    threads.set_num_threads(2)
    same = threads.get_num_threads() == 1 and np.array_equal(run(), expected)
    os._exit(0 if same else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@needs_extension
def test_kernels_beside_blas_in_threads_and_after_a_fork():
    """Matrix products are right from several Python threads at once, and after a fork."""
    program = """
import os, sys, threading
import numpy as np
from airi import threads
from airi.ops import kernels
kernels.implementation()
threads.set_num_threads(2)
x, w = np.ones((8, 3, 9, 9)), np.ones((4, 3, 3, 3))
wrong = []

def work(seed):
    a = np.random.default_rng(seed).standard_normal((200, 200))
    square = np.einsum("ij,jk->ik", a, a, optimize=False)
    for _ in range(3):
        kernels.conv2d_forward(x, w, None, (1, 1), (0, 0), (1, 1), 1)
        if not np.allclose(a @ a, square):
            wrong.append(seed)

workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
if hasattr(os, "fork"):
    child = os.fork()
    if child == 0:
        work(5)
        os._exit(len(wrong))
    wrong += [5] * os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(len(wrong))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=100)


@needs_extension
def test_openblas_is_told_to_sleep_also_after_numpy_and_products_stay_right():
    program = """
import numpy as np
a = np.random.default_rng(0).standard_normal((300, 300))
before = a @ a
import airi
from airi import threads
threads.set_num_threads(2)
assert threads._timeout_comes_late
for _ in range(3):
    airi.nn.functional.conv2d(airi.ones(8, 3, 9, 9), airi.ones(4, 3, 3, 3))
    assert np.allclose(a @ a, before)
    assert np.allclose(np.linalg.solve(a, before), a)
assert not threads._timeout_comes_late
"""
    unset = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    subprocess.run([sys.executable, "-c", program], env=unset, check=True, timeout=100)


def test_openblas_threads_sleep_when_airi_comes_first():
    program = "import airi, os; print(os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    unset = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    for asked, expected in (({}, "4"), ({"OPENBLAS_THREAD_TIMEOUT": "9"}, "9")):
        command = [sys.executable, "-c", program]
        got = subprocess.check_output(command, env={**unset, **asked}, text=True)
        assert got.strip() == expected


def test_num_threads_at_start_and_on_request(keep_threads):
    program = "from airi import threads; print(threads.get_num_threads())"
    for value, expected in (("3", 3), ("2,4", 2)):
        environment = dict(os.environ, OMP_NUM_THREADS=value)
        got = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
        assert int(got) == expected
    threads.set_num_threads(2)
    assert threads.get_num_threads() == 2
    with pytest.raises(ValueError, match="at least 1"):
        threads.set_num_threads(0)
    with pytest.raises(TypeError, match="float"):
        threads.set_num_threads(1.0)


def test_without_the_extension_one_warning_and_the_reference(monkeypatch, recwarn):
    monkeypatch.setitem(sys.modules, "airi.ops.conv_ext", None)
    monkeypatch.delattr("airi.ops.conv_ext", raising=False)
    monkeypatch.setattr(kernels, "_module", None)
    assert not recwarn.list
    assert kernels.implementation() is conv_ref
    assert kernels.implementation() is conv_ref
    assert len(recwarn.list) == 1
    assert "build_ext --inplace" in str(recwarn.list[0].message)


@needs_extension
def test_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="baseline"):
        conv_ext.use_instruction_set("mmx")
