"""What the op table cannot say of arithmetic, choice and rounding: ties, corners, errors."""

import math

import numpy as np
import pytest

import airi

INF, NAN = float("inf"), float("nan")


def leaf(*values):
    return airi.tensor(values, dtype=airi.float64, requires_grad=True)


def gradients(out, *leaves):
    return [each.tolist() for each in airi.autograd.grad(out.sum(), leaves)]


# Ties: PyTorch's choices


def test_maximum_shares_among_equals():
    x, y = leaf(1.0, 2.0, 3.0), leaf(1.0, 3.0, 2.0)
    assert gradients(airi.maximum(x, y), x, y) == [[0.5, 0.0, 1.0], [0.5, 1.0, 0.0]]
    assert gradients(airi.minimum(x, y), x, y) == [[0.5, 1.0, 0.0], [0.5, 0.0, 1.0]]


def test_fmax_gives_all_to_the_first_of_equals():
    x, y = leaf(1.0, NAN, 2.0), leaf(1.0, 3.0, NAN)
    assert airi.fmax(x, y).tolist() == [1.0, 3.0, 2.0]
    assert gradients(airi.fmax(x, y), x, y) == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    assert gradients(airi.fmin(x, y), x, y) == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]


def test_clamp_passes_the_gradient_at_its_bounds():
    x = leaf(-1.0, 0.0, 0.5, 1.0, 2.0, NAN)
    assert gradients(airi.clamp(x, 0, 1), x) == [[0.0, 1.0, 1.0, 1.0, 0.0, 0.0]]


def test_clamp_between_crossed_bounds_is_the_upper():
    x, low, high = leaf(0.0, 5.0), leaf(3.0, 3.0), leaf(2.0, 2.0)
    out = airi.clamp(x, low, high)
    assert out.tolist() == [2.0, 2.0]
    assert gradients(out, x, low, high) == [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]


def test_abs_has_no_slope_at_zero():
    x = leaf(0.0, -2.0)
    assert gradients(airi.abs(x), x) == [[0.0, -1.0]]


def test_where_does_not_mix_in_what_it_leaves_out():
    x = leaf(0.0, 4.0)
    out = airi.where(x > 0, airi.log(x), 0.0)
    assert out.tolist() == [0.0, math.log(4.0)]
    condition = airi.tensor([False, True, False])
    assert airi.where(condition, airi.tensor([INF, 1.0, NAN]), 0.0).tolist() == [0.0, 1.0, 0.0]
    assert airi.where(condition, 0.0, airi.tensor([1.0, NAN, -0.0])).tolist() == [1.0, 0.0, -0.0]
    assert airi.where(condition, airi.tensor([NAN, 2.0, NAN]), airi.tensor(3.0)).tolist() == [
        3.0,
        2.0,
        3.0,
    ]


# Powers


def test_power_corners():
    x = leaf(0.0, 0.0, 2.0)
    y = leaf(0.0, 2.0, 0.0)
    assert (x**y).tolist() == [1.0, 0.0, 1.0]
    assert gradients(x**y, x, y) == [[0.0, 0.0, 0.0], [0.0, 0.0, math.log(2.0)]]
    negative = leaf(-2.0)
    assert gradients(negative**3, negative) == [[12.0]]
    base, power = leaf(-2.0), leaf(3.0)
    slope, by_power = gradients(base**power, base, power)
    assert slope == [12.0]
    assert math.isnan(by_power[0])
    zero = leaf(0.0)
    assert gradients(zero**0, zero) == [[0.0]]


def test_integer_powers():
    x = airi.tensor([2, 1, -1, 0])
    assert (x**3).tolist() == [8, 1, -1, 0]
    assert (x ** airi.tensor([-1, -1, -3, -2])).tolist() == [0, 1, -1, 0]
    with pytest.raises(RuntimeError, match="negative power"):
        _ = x**-1
    with pytest.raises(RuntimeError, match="negative power"):
        x.pow_(-1)
    assert (2 ** airi.tensor([3])).tolist() == [8]


def test_power_of_a_number_saves_no_output():
    x = leaf(3.0)
    y = x**2
    with airi.no_grad():
        y.zero_()
    y.sum().backward()
    assert x.grad.tolist() == [6.0]


# Division


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
def test_integer_division_by_zero(name):
    with pytest.raises(RuntimeError, match="division by zero"):
        getattr(airi, name)(airi.tensor([1]), 0)
    with pytest.raises(RuntimeError, match="division by zero"):
        getattr(airi.tensor([1]), f"{name}_")(airi.tensor([0]))


def test_division_of_floats_by_zero():
    x = airi.tensor([1.0, -1.0, 0.0])
    assert (x / 0).tolist()[:2] == [INF, -INF]
    assert (x // 0.0).tolist()[:2] == [INF, -INF]
    assert math.isnan((x / 0).tolist()[2])
    assert airi.remainder(airi.tensor([-3.0, 3.0]), airi.tensor([2.0, -2.0])).tolist() == [
        1.0,
        -1.0,
    ]
    assert airi.fmod(airi.tensor([-3.0, 3.0]), 2).tolist() == [-1.0, 1.0]


def test_rounding_modes():
    x = airi.tensor([-7, 7])
    assert airi.div(x, 2, rounding_mode="trunc").tolist() == [-3, 3]
    assert airi.div(x, 2, rounding_mode="floor").tolist() == [-4, 3]
    assert (x // 2).dtype == airi.int64
    with pytest.raises(ValueError, match="rounding_mode"):
        airi.div(x, 2, rounding_mode="up")
    with pytest.raises(RuntimeError, match="cannot be written"):
        x.div_(2)
    assert x.div_(2, rounding_mode="floor").tolist() == [-4, 3]


# Special values


def test_nan_to_num():
    x = leaf(NAN, INF, -INF, 2.0)
    assert airi.nan_to_num(x, 1.0, 3.0, -3.0).tolist() == [1.0, 3.0, -3.0, 2.0]
    largest = np.finfo(np.float64).max
    assert airi.nan_to_num(x).tolist() == [0.0, largest, -largest, 2.0]
    assert gradients(airi.nan_to_num(x), x) == [[0.0, 0.0, 0.0, 1.0]]
    assert airi.tensor([NAN]).nan_to_num_(nan=4.0).tolist() == [4.0]


def test_heaviside():
    values = airi.tensor(0.5)
    assert airi.heaviside(airi.tensor([-1.0, 0.0, 2.0, NAN]), values).tolist() == [0, 0.5, 1, 0]
    assert airi.tensor([-1, 0]).heaviside_(airi.tensor(7)).tolist() == [0, 7]
    with pytest.raises(RuntimeError, match="one dtype"):
        airi.heaviside(airi.tensor([0, 1]), values)


def test_copysign_looks_at_the_sign_of_zero():
    assert airi.copysign(airi.tensor([1, 2]), -0.0).tolist() == [-1.0, -2.0]
    x = leaf(3.0, -3.0, 0.0)
    assert gradients(airi.copysign(x, -1.0), x) == [[-1.0, 1.0, 0.0]]


def test_sign_of_nan_is_zero():
    assert airi.sign(airi.tensor([NAN, -2.0, 0.0])).tolist() == [0.0, -1.0, 0.0]


def test_square_of_bools_is_an_integer():
    assert airi.square(airi.tensor([True])).dtype == airi.int64


# Refusals


def test_refusals_name_the_op():
    flags, whole = airi.tensor([True]), airi.tensor([1])
    for function, match in [
        (lambda: -flags, "neg.*logical_not"),
        (lambda: flags - flags, "sub.*logical_xor"),
        (lambda: airi.add(whole, whole, alpha=0.5), "add: alpha"),
        (lambda: whole.sub_(whole, alpha=0.5), "sub_: alpha"),
        (lambda: airi.clamp(whole), "clamp: at least one"),
        (lambda: airi.frac(whole), "frac.*floating-point"),
        (lambda: airi.lerp(whole, whole, 0.5), "lerp: expected floating-point"),
        (lambda: airi.lerp(leaf(1.0), airi.ones(1), 0.5), "lerp: both must be tensors of one"),
        (lambda: airi.heaviside(leaf(1.0), 0.5), "heaviside: both must be tensors.*float"),
        (lambda: airi.isclose(leaf(1.0), 1.0), "isclose: both must be tensors.*float"),
        (lambda: airi.addcdiv(whole, whole, whole), "addcdiv.*integers"),
        (lambda: airi.where(whole, 1.0, 2.0), "where.*bool"),
        (lambda: airi.ones(2) + airi.ones(3), r"add\(x: float32 \(2,\), y: float32 \(3,\)\)"),
        (lambda: airi.ones(1).float_power_(2), "float_power_"),
        (lambda: airi.tensor([1]).sqrt_(), "sqrt_.*cannot be written"),
    ]:
        with pytest.raises(RuntimeError, match=match):
            function()
    with pytest.raises(TypeError, match="expected a Tensor or a number"):
        airi.ones(1) + "one"


def test_float_power_is_float64():
    x = airi.tensor([2.0], requires_grad=True)
    out = airi.float_power(x, 3)
    assert out.dtype == airi.float64
    out.sum().backward()
    assert x.grad.tolist() == [12.0]
    assert x.grad.dtype == airi.float32


def test_add_with_alpha_on_small_integers_wraps():
    x = airi.tensor([1], dtype=airi.uint8)
    assert airi.addcmul(x, x, x, value=-2).tolist() == [255]
    assert airi.add(x, x, alpha=-2).tolist() == [255]


# Operators with what is no tensor


class _Foreign:
    def __radd__(self, other):
        return "radd"

    def __rsub__(self, other):
        return "rsub"

    def __rmul__(self, other):
        return "rmul"

    def __rtruediv__(self, other):
        return "rtruediv"


def test_operators_leave_other_classes_to_their_reflected_methods():
    x, other = airi.ones(3), _Foreign()
    assert [x + other, x - other, x * other, x / other] == ["radd", "rsub", "rmul", "rtruediv"]


@pytest.mark.parametrize("other", [None, object(), {}])
def test_operators_name_what_is_no_operand(other):
    with pytest.raises(TypeError, match="expected a Tensor or a number"):
        airi.ones(3) + other


@pytest.mark.parametrize("x", [airi.ones(3), airi.ones(3, dtype=airi.int64)])
@pytest.mark.parametrize("y", [True, airi.tensor(True), airi.tensor([True, False, True])])
def test_bools_cannot_be_subtracted(x, y):
    for subtract in (lambda: x - y, lambda: y - x, lambda: airi.sub(x, y), lambda: x.sub_(y)):
        with pytest.raises(RuntimeError, match="bools cannot be subtracted"):
            subtract()


@pytest.mark.parametrize("dtype", [airi.float32, airi.float64, airi.int32, airi.int64])
@pytest.mark.parametrize("columns", [1, 2, 4, 8, 16])
def test_a_column_is_negated_in_place(dtype, columns):
    """NumPy's own `negative` fails here for some numbers of columns."""
    x = airi.arange(1, 7 * columns + 1, dtype=dtype).reshape(7, columns)
    expected = x.numpy().copy()
    expected[:, -1] *= -1
    x[:, -1].neg_()
    np.testing.assert_array_equal(x.numpy(), expected)
