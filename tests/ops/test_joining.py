"""What the rows of joining, splitting, diagonals and padding cannot say: errors, dtypes, memory."""

import numpy as np
import pytest

import airi
from airi.nn.functional import pad


def test_cat_has_the_common_dtype():
    whole, single = airi.tensor([1, 2]), airi.tensor([0.5], requires_grad=True)
    joined = airi.cat([whole, single])
    assert joined.dtype == airi.float32
    assert airi.stack([whole, whole.double()]).dtype == airi.float64
    assert airi.cat([whole.to(airi.int32), whole]).dtype == airi.int64
    joined.sum().backward()
    assert single.grad.tolist() == [1]


def test_cat_skips_empty_vectors_but_for_their_dtype():
    empty = airi.zeros(0, dtype=airi.float64, requires_grad=True)
    x = airi.ones(2, 3)
    joined = airi.cat([x, empty], 1)
    assert joined.shape == (2, 3)
    assert joined.dtype == airi.float64
    joined.sum().backward()
    assert empty.grad.shape == (0,)


def test_names_of_cat():
    assert airi.concat is airi.concatenate is airi.cat
    assert airi.cat([airi.ones(2)], axis=0).tolist() == [1, 1]


ERRORS = [
    (lambda x: airi.cat([]), ValueError, "at least one"),
    (lambda x: airi.cat(x), TypeError, "tuple or list"),
    (lambda x: airi.cat([x, 3]), TypeError, "int at position 1"),
    (lambda x: airi.cat([x, airi.ones(3)]), RuntimeError, r"\(3,\) at position 1"),
    (lambda x: airi.cat([x, airi.ones(3, 4)]), RuntimeError, r"\(3, 4\) at position 1"),
    (lambda x: airi.cat([airi.tensor(1.0)]), RuntimeError, "stack"),
    (lambda x: airi.cat([x], 2), IndexError, "dim 2"),
    (lambda x: airi.stack([x, x[0]]), RuntimeError, "one shape"),
    (lambda x: airi.stack([x], 4), IndexError, "dim 4"),
    (lambda x: x.repeat(2), RuntimeError, "2 dimensions"),
    (lambda x: x.repeat(-1, 1), RuntimeError, ">= 0"),
    (lambda x: x.repeat_interleave(airi.tensor([1, 2, 3])), RuntimeError, "6"),
    (lambda x: x.repeat_interleave(-1), RuntimeError, "negative"),
    (lambda x: x.repeat_interleave(airi.tensor([1.0])), RuntimeError, "integer"),
    (lambda x: x.repeat_interleave(2, output_size=5), RuntimeError, "output_size"),
    (lambda x: x.flip(0, 0), RuntimeError, "twice"),
    (lambda x: x[0].fliplr(), RuntimeError, "2 dimensions"),
    (lambda x: x.roll((1, 2), 0), RuntimeError, "2 shifts but 1 dims"),
    (lambda x: x.roll((1, 2)), RuntimeError, "no dims"),
    (lambda x: x.rot90(1, (0, 0)), RuntimeError, "differ"),
    (lambda x: airi.meshgrid(x), RuntimeError, "1 dimension"),
    (lambda x: airi.meshgrid(x[0], indexing="yx"), RuntimeError, "indexing"),
    (lambda x: airi.broadcast_tensors(x, airi.ones(4)), RuntimeError, "broadcast"),
    (lambda x: airi.cartesian_prod(x), RuntimeError, "vectors"),
    (lambda x: airi.combinations(x), RuntimeError, "vector"),
    (lambda x: airi.block_diag(airi.ones(1, 1, 1)), RuntimeError, "2 dimensions"),
    (lambda x: x.split(0), RuntimeError, "positive"),
    (lambda x: x.split([1, 2]), RuntimeError, "add up"),
    (lambda x: x.chunk(0), RuntimeError, "positive"),
    (lambda x: airi.tensor(1.0).unbind(), RuntimeError, "0-dimensional"),
    (lambda x: x.tensor_split(0), RuntimeError, "above 0"),
    (lambda x: x.hsplit(2), RuntimeError, "equal parts"),
    (lambda x: x.hsplit("abc"), TypeError, "split: expected ints"),
    (lambda x: x.narrow(0, 0.5, 1), TypeError, "narrow: start"),
    (lambda x: x[0].vsplit(1), RuntimeError, "2 dimensions"),
    (lambda x: x.diagonal(0, 1, 1), RuntimeError, "differ"),
    (lambda x: airi.diag(airi.ones(1, 1, 1)), RuntimeError, "1 or 2 dimensions"),
    (lambda x: airi.diag_embed(airi.tensor(1.0)), IndexError, "1 dimension"),
    (lambda x: x[0].triu(), RuntimeError, "2 dimensions"),
    (lambda x: x.permute(0, 0), RuntimeError, "once"),
    (lambda x: x.reshape(4), RuntimeError, "6 elements"),
    (lambda x: x.expand(2, 4), RuntimeError, "expand"),
    (lambda x: x.narrow(0, 1, 2), RuntimeError, "exceeds"),
    (lambda x: x.select(0, 2), IndexError, "size 2"),
    (lambda x: x.unfold(0, 3, 1), RuntimeError, "size"),
    (lambda x: airi.ones(2, 2, 2).t(), RuntimeError, "2 dimensions"),
    (lambda x: pad(x, (1,)), RuntimeError, "pairs"),
    (lambda x: pad(x, (1, 1) * 3), RuntimeError, "at most 2"),
    (lambda x: pad(x, (-2, -2)), RuntimeError, "cuts off"),
    (lambda x: pad(x, (3, 0), "reflect"), RuntimeError, "at most 2"),
    (lambda x: pad(x, (4, 0), "circular"), RuntimeError, "at most 3"),
    (lambda x: pad(x, (1, 1), "reflect", 2.0), RuntimeError, "no value"),
    (lambda x: pad(x, (1, 1), "mirror"), NotImplementedError, "mirror"),
    (lambda x: pad(x.to(airi.uint8), (1, 1), value=-1), RuntimeError, "range"),
]


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors(number):
    function, kind, message = ERRORS[number]
    with pytest.raises(kind, match=message):
        function(airi.arange(6.0).reshape(2, 3))


def test_tensor_split_takes_any_cuts():
    parts = airi.arange(5).tensor_split((1, 7, 2))
    assert [each.tolist() for each in parts] == [[0], [1, 2, 3, 4], [], [2, 3, 4]]
    parts = airi.arange(5).tensor_split(airi.tensor([1, 3]))
    assert [each.tolist() for each in parts] == [[0], [1, 2], [3, 4]]


def test_forms_of_arguments():
    x = airi.arange(6.0).reshape(2, 3)
    assert x.flip(0, 1).tolist() == x.flip((0, 1)).tolist() == [[5, 4, 3], [2, 1, 0]]
    assert x.flip(dims=[0]).tolist() == airi.flip(x, dims=(0,)).tolist() == [[3, 4, 5], [0, 1, 2]]
    assert airi.reshape(x, shape=(3, 2)).shape == x.permute(dims=(1, 0)).shape == (3, 2)
    assert x.repeat(repeats=(1, 2)).shape == airi.tile(x, dims=(1, 2)).shape == (2, 6)
    assert x[:1].expand(size=(4, 3)).shape == (4, 3)
    with pytest.raises(TypeError, match="twice"):
        x.flip(0, dims=(0,))
    assert x.flip(()).tolist() == x.tolist()
    assert x[None].squeeze(()).shape == (1, 2, 3)
    assert x.tile(2).shape == (2, 6)
    assert x.tile(2, 1, 1).shape == (2, 2, 3)
    assert [each.shape for each in airi.atleast_2d([airi.tensor(1.0), x])] == [(1, 1), (2, 3)]
    assert airi.repeat_interleave(airi.tensor([1, 0, 2])).tolist() == [0, 2, 2]
    assert airi.combinations(airi.arange(3), 0).shape == (0,)
    assert airi.block_diag().shape == (1, 0)
    assert airi.broadcast_tensors() == ()
    assert airi.tril_indices(3, 3, dtype=airi.int32).dtype == airi.int32


def test_padding_keeps_the_dtype():
    assert pad(airi.tensor([1, 2]), (1, 0), value=1.5).tolist() == [1, 1, 2]
    assert pad(airi.tensor([True]), (0, 1)).tolist() == [True, False]
    assert pad(airi.ones(2, dtype=airi.float16), (1, 1), "replicate").dtype == airi.float16


def test_results_own_their_memory():
    x = airi.arange(6.0).reshape(2, 3)
    for out in (x.flip(()), x.rot90(0), x.diag(), pad(x, (0, 0)), pad(x, (0, -1)), airi.cat([x])):
        assert not np.may_share_memory(out._array, x._array)
