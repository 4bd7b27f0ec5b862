"""New tensors: values, dtypes and errors."""

import numpy as np
import pytest

import airi

# Each expression is evaluated with t=airi and with t=torch: values, shape and dtype must agree.
EXPRESSIONS = [
    "t.tensor([1, 2.5])",
    "t.tensor([True, 2])",
    "t.tensor(1.5)",
    "t.tensor([[]])",
    "t.tensor([[], []])",
    "t.tensor(range(3))",
    "t.tensor([np.float64(1)])",
    "t.tensor([np.float32(1), 2.0])",
    "t.tensor(np.int32(1))",
    "t.tensor(np.ones((2, 2)))",
    "t.tensor([t.tensor(1.0, dtype=t.float64), 2.0])",
    "t.tensor([t.tensor(1.0), 2.0])",
    "t.tensor([1.5, -2.5], dtype=t.int64)",
    "t.tensor([1e40], dtype=t.float32)",
    "t.as_tensor(np.float32(3))",
    "t.asarray([1, 2.0])",
    "t.asarray(np.ones(2), dtype=t.float32, copy=True)",
    "t.scalar_tensor(3)",
    "t.zeros(2, 3)",
    "t.zeros((2, 3), dtype=t.int32)",
    "t.zeros([])",
    "t.zeros(())",
    "t.zeros(size=(2,))",
    "t.zeros(np.int64(2), t.tensor(2))",
    "t.zeros(2, dtype=float)",
    "t.zeros(2, dtype=bool)",
    "t.ones(2, 0)",
    "t.ones(2, layout=t.strided, pin_memory=False)",
    "t.full((2,), 1)",
    "t.full((2,), True)",
    "t.full((2,), 1.5)",
    "t.full((2,), 1.5, dtype=t.int64)",
    "t.full((2,), t.tensor(1.5, dtype=t.float64))",
    "t.full((), -2)",
    "t.full((2,), float('inf'))",
    "t.zeros_like(t.ones(2, 3, dtype=t.int64))",
    "t.ones_like(t.zeros(2, 3), dtype=t.bool, memory_format=t.preserve_format)",
    "t.full_like(t.ones(2, dtype=t.int64), 1.5)",
    "t.arange(5)",
    "t.arange(True)",
    "t.arange(3.0)",
    "t.arange(1, 2, 0.25)",
    "t.arange(5, 0, -2)",
    "t.arange(0, 5.5, dtype=t.int64)",
    "t.arange(0.5, 5.5, 1, dtype=t.int64)",
    "t.arange(0, 1, 0.1, dtype=t.int32)",
    "t.arange(3, dtype=t.float64)",
    "t.arange(start=1, end=4)",
    "t.arange(end=4)",
    "t.arange(1, end=4, step=2)",
    "t.arange(t.tensor(3))",
    "t.arange(3, 3)",
    "t.arange(0, 1, 0.1)",
    "t.linspace(0, 1, 7)",
    "t.linspace(-3, 3, 4, dtype=t.float64)",
    "t.linspace(0, 10, 4, dtype=t.int32)",
    "t.linspace(4.3, -3, 50, dtype=t.int64)",
    "t.linspace(t.tensor(4.5), t.tensor(1), 3, dtype=t.uint8)",
    "t.linspace(0, 1, 1)",
    "t.linspace(0, 1, 0)",
    "t.linspace(start=0, end=1, steps=3)",
    "t.logspace(0, 2, 3)",
    "t.logspace(0, 3, 4, base=2, dtype=t.int64)",
    "t.logspace(4.3, 0, 2, 2.0, dtype=t.uint8)",
    "t.eye(2, 3)",
    "t.eye(3, dtype=t.bool)",
    "t.ones(2).new_zeros(2, 3)",
    "t.ones(2, dtype=t.int32).new_ones((2,))",
    "t.ones(2).new_tensor([1, 2])",
    "t.ones(2).new_tensor(np.ones(2))",
    "t.ones(2).new_full((2,), 1)",
    "t.ones(2, dtype=t.int64).new_full((2,), 1.5)",
    "t.ones(2).double().new([1, 2])",
    "t.Tensor([1, 2])",
    "t.Tensor((2, 3))",
    "t.Tensor(range(3))",
    "t.Tensor(np.ones(2, dtype=np.int64))",
    "t.Tensor()",
    "t.FloatTensor([1, 2])",
    "t.LongTensor([1.5])",
    "t.ByteTensor([1, 0])",
    "t.BoolTensor([1, 0])",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values_shape_and_dtype_are_pytorchs(expression):
    torch = pytest.importorskip("torch")
    ours = eval(expression, {"t": airi, "np": np})
    theirs = eval(expression, {"t": torch, "np": np})
    assert str(ours.dtype).removeprefix("airi.") == str(theirs.dtype).removeprefix("torch.")
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_sizes_only_constructors():
    assert airi.empty(2, 3).shape == (2, 3)
    assert airi.empty_like(airi.ones(2, 3, dtype=airi.int8)).dtype is airi.int8
    assert airi.Tensor(2, 3).shape == (2, 3)
    assert airi.Tensor(airi.Size((2, 3))).shape == (2, 3)
    assert airi.LongTensor(3).dtype is airi.int64
    assert airi.ones(2).new_empty(4).shape == (4,)
    assert airi.ones(2).new(2, 3).shape == (2, 3)


def test_uninitialised_in_a_layout():
    assert airi.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert airi.empty_strided((0, 3), (3, 1)).shape == (0, 3)
    assert airi.ones(2, dtype=airi.int8).new_empty_strided((2, 2), (2, 1)).dtype is airi.int8
    pictures = airi.empty_permuted((8, 3, 4, 5), (0, 2, 3, 1))
    assert (pictures.shape, pictures.stride()) == ((8, 3, 4, 5), (60, 1, 15, 3))
    with pytest.raises(RuntimeError, match=r"empty_strided: .* differ in length"):
        airi.empty_strided((2, 3), (1,))
    with pytest.raises(RuntimeError, match=r"empty_permuted: .* must name each of 2"):
        airi.empty_permuted((2, 3), (0, 0))


@pytest.mark.parametrize(
    ("expression", "error", "words"),
    [
        ("t.tensor([[1, 2], [3]])", ValueError, "inhomogeneous"),
        ("t.tensor('a')", TypeError, "tensor: expected numbers.* got 'a'"),
        ("t.tensor(['a', 'b'])", TypeError, "tensor: expected numbers.* got 'a'"),
        ("t.tensor(None)", TypeError, "tensor: .* NoneType"),
        ("t.arange('3')", TypeError, "arange: end must be a number, got '3'"),
        ("t.tensor(300, dtype=t.uint8)", RuntimeError, "uint8"),
        ("t.tensor(2**63)", RuntimeError, "int64"),
        ("t.zeros()", TypeError, "size is missing"),
        ("t.zeros(2, -1)", RuntimeError, "negative"),
        ("t.zeros(2.0)", TypeError, "ints"),
        ("t.zeros(2, size=(2,))", TypeError, "twice"),
        ("t.zeros(2, colour=1)", TypeError, "colour"),
        ("t.zeros(2, dtype=t.int64, requires_grad=True)", RuntimeError, "floating-point"),
        ("t.zeros(2, device='cuda')", RuntimeError, "CPU"),
        ("t.full((1,), 300, dtype=t.uint8)", RuntimeError, "300"),
        ("t.full((1,), 'a')", TypeError, "full"),
        ("t.arange(5, 0)", RuntimeError, "away"),
        ("t.arange(0, 5, 0)", RuntimeError, "step"),
        ("t.arange(float('inf'))", RuntimeError, "finite"),
        ("t.arange()", TypeError, "end"),
        ("t.arange(1, 2, 3, 4)", TypeError, "at most"),
        ("t.linspace(0, 1, -1)", RuntimeError, "steps"),
        ("t.linspace(0, 1, 2.0)", TypeError, "linspace: steps"),
        ("t.logspace(0, t.zeros(2), 2)", RuntimeError, "logspace: end"),
        ("t.scalar_tensor(-5, dtype=t.uint8)", RuntimeError, "scalar_tensor: -5"),
        ("t.eye(-1)", RuntimeError, "negative"),
        ("t.from_numpy([1])", TypeError, "list"),
        ("t.from_numpy(np.array(['a']))", TypeError, "dtype"),
        ("t.zeros_like(3)", TypeError, "int"),
        ("t.asarray([1], copy=False)", ValueError, "copy"),
        ("t.Tensor(2.0)", TypeError, "tensor"),
        ("t.Tensor([1.0], requires_grad=True)", TypeError, "requires_grad"),
    ],
)
def test_errors_say_what_is_wrong(expression, error, words):
    with pytest.raises(error, match=words):
        eval(expression, {"t": airi, "np": np})


def test_what_shares_memory_and_what_does_not():
    array = np.zeros(3, np.float32)
    for shared in (airi.from_numpy(array), airi.as_tensor(array), airi.asarray(array)):
        shared[0] += 1
    assert array[0] == 3
    for copied in (airi.tensor(array), airi.asarray(array, copy=True)):
        copied[0] = 100
    assert array[0] == 3


def test_as_tensor_of_a_tensor_is_itself_or_keeps_its_graph():
    x = airi.ones(2, requires_grad=True)
    assert airi.as_tensor(x) is x
    airi.as_tensor(x, dtype=airi.float64).sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_tensor_of_a_tensor_is_a_new_leaf():
    x = airi.ones(2, requires_grad=True)
    copy = airi.tensor(x * 2)
    assert copy.is_leaf
    assert not copy.requires_grad


def test_requires_grad_makes_a_leaf():
    for made in (airi.zeros(2, requires_grad=True), airi.tensor([1.0], requires_grad=True)):
        assert made.requires_grad
        assert made.is_leaf


def test_like_functions_of_an_array_give_an_array():
    array = np.ones((2, 3), np.float32)
    for like in (airi.zeros_like(array), airi.ones_like(array), airi.empty_like(array)):
        assert type(like) is np.ndarray
        assert like.dtype == np.float32
    assert airi.full_like(array, 2.0).tolist() == [[2.0] * 3] * 2


def test_floats_follow_the_default_dtype():
    airi.set_default_dtype(airi.float64)
    try:
        for made in (airi.tensor(1.0), airi.zeros(1), airi.full((1,), 1.0), airi.arange(1.0)):
            assert made.dtype is airi.float64
        assert airi.Tensor([1]).dtype is airi.float64
    finally:
        airi.set_default_dtype(airi.float32)
