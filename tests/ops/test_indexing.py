"""What the rows of indexing, masks, gathering and scattering cannot say: errors and odd indices."""

import numpy as np
import pytest

import airi

INDICES = {
    "mixed": ((slice(None), [0, 1], slice(None), [0, 1]), (2, 3, 4, 5)),
    "int beside tensor": ((0, slice(None), [0, 1]), (2, 3, 4)),
    "ints apart": ((slice(None), 0, [0, 1]), (2, 3, 4, 5)),
    "int after": (([0], slice(None), 0), (2, 3, 4)),
    "none between": ((slice(None), None, [0, 1], None, [0, 1]), (2, 3, 4, 5)),
    "bool beside tensor": ((True, slice(None), [0, 1]), (2, 3, 4)),
    "true": (True, (2, 3)),
    "false": (False, (2, 3)),
    "bool inside": ((slice(None), True, 0), (2, 3)),
    "ellipsis and tensor": ((..., [1, 1], 0), (2, 3, 4)),
    "broadcast": (([[0], [1]], [0, 2]), (2, 3)),
    "empty list": ([], (2, 3)),
    "0 dimensions": (None, ()),
    "0 dimensions, true": (True, ()),
    "numpy integer": (np.int64(1), (2, 3)),
    "range": (range(2), (2, 3)),
}


@pytest.mark.parametrize("name", INDICES)
def test_shapes_of_odd_indices_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    index, shape = INDICES[name]
    values = np.arange(float(np.prod(shape))).reshape(shape)
    theirs = torch.tensor([*index]) if isinstance(index, range) else index
    wanted, got = torch.tensor(values)[theirs], airi.tensor(values)[index]
    assert tuple(got.shape) == tuple(wanted.shape)
    np.testing.assert_array_equal(got.numpy(), wanted.numpy())


def test_tensor_of_0_dimensions_is_an_int_and_gives_a_view():
    x = airi.arange(24.0).reshape(2, 3, 4)
    part = x[:, airi.tensor(1)]
    assert part._base is x._base
    assert x[airi.tensor(1), :, [0, 1]].shape == (3, 2)
    assert x[airi.tensor(True)].shape == (1, 2, 3, 4)
    assert x[airi.tensor(0) : airi.tensor(1)].shape == (1, 3, 4)


def test_bytes_are_a_mask():
    x = airi.arange(3.0)
    assert x[airi.tensor([1, 0, 1], dtype=airi.uint8)].tolist() == [0, 2]


def test_numpy_arrays_index_and_later_changes_to_them_do_not_matter():
    x = airi.arange(3.0).requires_grad_()
    index = np.array([0, 2])
    out = x[index]
    index[:] = 1
    out.sum().backward()
    assert x.grad.tolist() == [1, 0, 1]


def test_index_changed_in_place_is_noticed():
    x = airi.arange(3.0).requires_grad_()
    index = airi.tensor([0, 2])
    out = x[index]
    index.fill_(1)
    with pytest.raises(RuntimeError, match=r"IndexBackward.*in place"):
        out.sum().backward()


ERRORS = [
    (lambda x: x[5], IndexError, "5.*size 2"),
    (lambda x: x[:, 3], IndexError, "3.*size 3"),
    (lambda x: x[0, 0, 0], IndexError, "too many indices"),
    (lambda x: x[:, :, :], IndexError, "too many indices"),
    (lambda x: x[1.5], IndexError, "float"),
    (lambda x: x["a"], IndexError, "str"),
    (lambda x: x[airi.tensor([0.0])], IndexError, "integer or bool"),
    (lambda x: x[airi.tensor([0, 5])], IndexError, "5.*size 2"),
    (lambda x: x[airi.tensor([-3])], IndexError, "-3.*size 2"),
    (lambda x: x[[True, False, True]], IndexError, "2.*3"),
    (lambda x: x[[0, 1], [0, 1, 2]], IndexError, "broadcast"),
    (lambda x: x[::-1], ValueError, "flip"),
    (lambda x: x[::0], ValueError, "step"),
    (lambda x: x[..., ...], IndexError, "Ellipsis"),
    (lambda x: airi.tensor(1.0)[0], IndexError, "0 dimensions"),
    (lambda x: x.index_select(0, airi.tensor([5])), IndexError, "index_select.*5.*size 2"),
    (lambda x: x.index_select(0, airi.tensor([-1])), IndexError, "index_select.*-1"),
    (lambda x: x.index_select(0, airi.tensor([[0]])), IndexError, "0 or 1 dimensions"),
    (lambda x: x.index_select(0, airi.tensor([0.0])), RuntimeError, "int64"),
    (lambda x: x.index_select(4, airi.tensor([0])), IndexError, "dim 4"),
    (lambda x: x.index_add(0, airi.tensor([0]), x), RuntimeError, r"\(1, 3\)"),
    (lambda x: x.index_add(0, airi.tensor([0]), x[:1].double()), RuntimeError, "dtype"),
    (lambda x: x.index_copy(0, airi.tensor([2]), x[:1]), IndexError, "index_copy.*2.*size 2"),
    (lambda x: x.index_fill(0, airi.tensor([0]), x), RuntimeError, "0-dimensional"),
    (lambda x: x.index_put((airi.tensor([7]),), airi.tensor(1.0)), IndexError, "index_put.*7"),
    (lambda x: x.index_put((airi.tensor([0]),), airi.zeros(2)), RuntimeError, "broadcast"),
    (lambda x: x.index_put((), airi.tensor(1.0)), IndexError, "at least one"),
    (lambda x: x.take(airi.tensor([6])), IndexError, "6.*size 6"),
    (lambda x: x.put(airi.tensor([0]), airi.zeros(2)), RuntimeError, "as many elements"),
    (lambda x: x.gather(0, airi.tensor([[2]])), IndexError, "gather.*2.*dimension 0.*size 2"),
    (lambda x: x.gather(0, airi.tensor([0])), RuntimeError, "dimensions"),
    (lambda x: x.gather(0, airi.zeros(1, 4, dtype=airi.int64)), RuntimeError, "larger"),
    (lambda x: x.gather(0, x), RuntimeError, "int64"),
    (lambda x: x.scatter(1, airi.tensor([[3]]), 1.0), IndexError, "scatter.*3.*size 3"),
    (lambda x: x.scatter(1, airi.tensor([[0, 1]]), airi.zeros(1, 1)), RuntimeError, "src"),
    (lambda x: x.scatter(1, airi.tensor([[0]]), x.double()), RuntimeError, "dtype"),
    (lambda x: x.scatter(1, airi.tensor([[0]])), TypeError, "src or value"),
    (lambda x: x.scatter(1, airi.tensor([[0]]), 1.0, reduce="sum"), RuntimeError, "reduce"),
    (lambda x: x.scatter_reduce(1, airi.tensor([[0]]), x, "max"), RuntimeError, "amax"),
    (lambda x: x.masked_fill(x, 1.0), RuntimeError, "bool"),
    (lambda x: x.masked_fill(x > 0, airi.zeros(1)), RuntimeError, "0-dimensional"),
    (lambda x: x[0].masked_fill_(x > 0, 1.0), RuntimeError, "broadcast"),
    (lambda x: x.masked_select(airi.tensor([True, False])), RuntimeError, "broadcast"),
    (lambda x: x.masked_scatter(x > -1, airi.zeros(5)), RuntimeError, "6 True"),
]


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors(number):
    function, kind, message = ERRORS[number]
    with pytest.raises(kind, match=message):
        function(airi.arange(6.0).reshape(2, 3))


def test_gradient_of_rows_taken_often_adds_up():
    table = airi.zeros(5, 3, dtype=airi.float64, requires_grad=True)
    numbers = np.random.default_rng(0).integers(0, 5, (7, 40))
    out = table[airi.tensor(numbers)]
    start = np.random.default_rng(1).standard_normal(out.shape)
    out.backward(airi.tensor(start))
    wanted = np.stack([start[numbers == row].sum(0) for row in range(5)])
    np.testing.assert_allclose(table.grad.numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize("name", ["index_add_", "scatter_add_", "index_put_"])
def test_adding_into_memory_that_is_not_contiguous(name):
    x = airi.zeros(3, 4).t()
    index = airi.tensor([0, 0, 2])
    if name == "index_add_":
        x.index_add_(0, index, airi.ones(3, 3))
    elif name == "scatter_add_":
        x.scatter_add_(0, index[:, None].expand(3, 3), airi.ones(3, 3))
    else:
        x.index_put_((index,), airi.ones(3), accumulate=True)
    assert x.tolist() == [[2] * 3, [0] * 3, [1] * 3, [0] * 3]


def test_scatter_with_reduction_of_numbers_and_larger_source():
    x = airi.ones(2, 3, dtype=airi.float64, requires_grad=True)
    index = airi.tensor([[0, 0]])
    assert x.scatter(1, index, 2.0, reduce="add")[0].tolist() == [5, 1, 1]
    assert x.scatter(1, index, 3.0, reduce="multiply")[0].tolist() == [9, 1, 1]
    src = airi.full((2, 3), 2.0, dtype=airi.float64, requires_grad=True)
    out = x.scatter(1, index, src, reduce="multiply")
    out.sum().backward()
    assert out.tolist() == [[4, 1, 1], [1, 1, 1]]
    assert x.grad.tolist() == [[4, 1, 1], [1, 1, 1]]
    assert src.grad.tolist() == [[2, 2, 0], [0, 0, 0]]


def test_product_with_zeros_has_the_gradient_of_the_other_factors():
    x = airi.tensor([2.0, 3.0, 0.0], requires_grad=True)
    src = airi.tensor([0.0, 5.0, 0.0, 7.0, 4.0], requires_grad=True)
    index = airi.tensor([0, 0, 1, 2, 2])
    x.scatter_reduce(0, index, src, "prod").sum().backward()
    assert x.grad.tolist() == [0, 0, 28]
    assert src.grad.tolist() == [10, 0, 3, 0, 0]


def test_scatter_reduce_of_integers():
    x = airi.tensor([1, 9, 4])
    index, src = airi.tensor([0, 0, 1]), airi.tensor([5, 6, -3])
    for reduce, wanted in {
        "sum": [11, -3, 4],
        "mean": [5, -3, 4],
        "prod": [30, -3, 4],
        "amax": [6, -3, 4],
        "amin": [5, -3, 4],
    }.items():
        assert x.scatter_reduce(0, index, src, reduce, include_self=False).tolist() == wanted


def test_0_dimensions():
    x = airi.tensor(2.0, dtype=airi.float64, requires_grad=True)
    zero = airi.tensor([0])
    assert x.index_select(0, zero).shape == ()
    assert x.gather(0, airi.tensor(0)).shape == ()
    nothing = airi.zeros(2, 0, dtype=airi.uint8)
    assert airi.ones(5).gather(0, nothing).shape == (2, 0)
    assert airi.ones(5).scatter_add(0, nothing, airi.ones(2, 0)).tolist() == [1] * 5
    assert x.scatter_add(0, zero, airi.tensor([3.0], dtype=airi.float64)).item() == 5
    assert x.index_add(0, zero, airi.tensor([3.0], dtype=airi.float64)).item() == 5
    y = (x * 1).index_fill_(0, zero, 7.0)
    assert y.shape == ()
    assert y.item() == 7


def test_masked_fill_with_infinity():
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    out = x.masked_fill(airi.tensor([True, False]), float("-inf"))
    out[1].backward()
    assert out.tolist() == [float("-inf"), 2]
    assert x.grad.tolist() == [0, 1]


def test_nonzero_shapes():
    assert airi.tensor(2.0).nonzero().shape == (1, 0)
    assert airi.tensor(0.0).nonzero().shape == (0, 0)
    assert [each.tolist() for each in airi.tensor(2.0).nonzero(as_tuple=True)] == [[0]]
    assert airi.zeros(3).nonzero().dtype == airi.int64
    x = airi.tensor([[0.0, 1.0], [2.0, 0.0]])
    assert x[x.nonzero(as_tuple=True)].tolist() == [1, 2]


def test_one_hot():
    one_hot = airi.nn.functional.one_hot
    out = one_hot(airi.tensor([[0, 2]]))
    assert out.tolist() == [[[1, 0, 0], [0, 0, 1]]]
    assert out.dtype == airi.int64
    assert one_hot(airi.tensor(1), 4).tolist() == [0, 1, 0, 0]
    assert one_hot(airi.zeros(0, dtype=airi.int64), 3).shape == (0, 3)
    for wrong, count, message in [
        ([-1], -1, "negative"),
        ([3], 2, "smaller"),
        ([1.0], -1, "int64"),
        ([1], 0, "smaller"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            one_hot(airi.tensor(wrong), count)
    with pytest.raises(RuntimeError, match="empty"):
        one_hot(airi.zeros(0, dtype=airi.int64))
