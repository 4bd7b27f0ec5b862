"""Python numbers where PyTorch wants a Tensor are refused; where it takes them they are taken."""

import pytest

import airi

_INTEGERS = airi.tensor([1, 2, 3])


@pytest.mark.parametrize(
    "name",
    [
        "atan2",
        "fmax",
        "fmin",
        "heaviside",
        "hypot",
        "isclose",
        "ldexp",
        "logaddexp",
        "logical_and",
        "logical_or",
        "logical_xor",
        "maximum",
        "minimum",
    ],
)
def test_both_must_be_tensors(name):
    function = getattr(airi, name)
    for given in ((_INTEGERS, 2), (2, _INTEGERS), (2, 3)):
        with pytest.raises((TypeError, RuntimeError), match=name):
            function(*given)


@pytest.mark.parametrize(
    "name",
    ["clamp_max", "clamp_min", "copysign", "eq", "fmod", "ge", "gt", "le", "lt", "ne", "rsub"],
)
def test_only_the_second_may_be_a_number(name):
    function = getattr(airi, name)
    assert function(_INTEGERS, 2).shape == (3,)
    for given in ((2, _INTEGERS), (2, 3)):
        with pytest.raises(TypeError, match=name):
            function(*given)


@pytest.mark.parametrize("name", ["add", "bitwise_and", "mul", "pow", "remainder", "sub", "xlogy"])
def test_one_must_be_a_tensor(name):
    function = getattr(airi, name)
    assert function(_INTEGERS, 2).shape == function(2, _INTEGERS).shape == (3,)
    with pytest.raises(TypeError, match="expected a Tensor"):
        function(2, 3)


def test_a_tensor_of_one_integer_repeats_a_list():
    assert [0] * airi.tensor(3) == [0, 0, 0]
    assert airi.tensor(2) * (1, 2) == (1, 2, 1, 2)
    for call in (lambda: [1, 2] * airi.ones(2), lambda: airi.ones(2) * "a"):
        with pytest.raises(TypeError):
            call()


def test_a_float_divided_by_the_integer_0_is_inf_or_nan():
    x = airi.tensor([1.0, -1.0])
    assert (x // 0).tolist() == [float("inf"), float("-inf")]
    assert airi.div(x, 0, rounding_mode="trunc").tolist() == [float("inf"), float("-inf")]
    assert airi.remainder(x, 0).isnan().all()
    assert airi.fmod(x, 0).isnan().all()
    with pytest.raises(RuntimeError, match="division by zero"):
        airi.tensor([1]) // 0


def test_other_arguments():
    with pytest.raises(TypeError, match="numel: input must be a Tensor"):
        airi.numel([1])
    with pytest.raises(TypeError, match=r"complex: .* must be a Tensor"):
        airi.complex(airi.ones(1), 2)
    with pytest.raises(IndexError, match="roll"):
        airi.roll(airi.tensor(1.0), 0, 0)
    with pytest.raises(RuntimeError, match="narrow: start"):
        airi.narrow(airi.ones(3), 0, airi.tensor(True), 1)
