"""Packed and padded sequences beside PyTorch's."""

import copy

import numpy as np
import pytest

import airi
from airi.nn.utils import rnn
from airi.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)
from tests.nn.parity import assert_same

RNG = np.random.default_rng(2)
X = RNG.standard_normal((5, 4, 3))


@pytest.mark.parametrize("lengths", [[5, 3, 3, 1], [1, 4, 2, 4], [2, 2, 2, 2]])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("total", [None, 7])
def test_round_trip_is_pytorchs(lengths, batch_first, total):
    def program(library):
        utils = library.nn.utils.rnn
        x = library.tensor(X.swapaxes(0, 1) if batch_first else X, requires_grad=True)
        packed = utils.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
        padded, got = utils.pad_packed_sequence(packed, batch_first, -1.0, total)
        (padded * library.arange(padded.numel()).reshape(tuple(padded.shape))).sum().backward()
        return list(packed), padded, got, str(got.dtype).split(".")[1], x.grad

    assert_same(program)


def test_labels_can_be_packed():
    def program(library):
        utils = library.nn.utils.rnn
        labels, lengths = library.arange(12).reshape(4, 3), library.tensor([4, 2, 1])
        packed = utils.pack_padded_sequence(labels, lengths)
        return list(packed), utils.pad_packed_sequence(packed, padding_value=-100)

    assert_same(program)


def test_lists_of_sequences_are_pytorchs():
    def program(library):
        utils = library.nn.utils.rnn
        sequences = [library.tensor(X[:length, 0]) for length in (2, 5, 3)]
        packed = utils.pack_sequence(sequences, enforce_sorted=False)
        padded = utils.pad_sequence(sequences, True, 9.0)
        lengths = library.tensor([2, 5, 3])
        return (
            list(packed),
            utils.unpack_sequence(packed),
            utils.unpad_sequence(padded, lengths, batch_first=True),
            utils.pad_sequence(sequences, padding_side="left"),
            utils.pad_sequence(library.tensor(X)),
        )

    assert_same(program)


def test_sequences_that_were_unpacked_are_copies():
    padded = airi.zeros(2, 3)
    for each in unpad_sequence(padded, airi.tensor([2, 1, 2])):
        each.add_(1)
    assert padded.tolist() == [[0, 0, 0]] * 2


def test_a_packed_sequence_is_a_named_tuple():
    packed = pack_sequence([airi.ones(3), airi.ones(2)])
    data, batch_sizes, sorted_indices, unsorted_indices = packed
    assert packed._fields == ("data", "batch_sizes", "sorted_indices", "unsorted_indices")
    assert data.tolist() == [1] * 5
    assert batch_sizes.tolist() == [2, 2, 1]
    assert sorted_indices is unsorted_indices is None
    assert repr(packed).startswith("PackedSequence(data=tensor(")


def test_packed_sequences_convert():
    packed = pack_sequence([airi.ones(2), airi.ones(3)], enforce_sorted=False)
    assert packed.double().data.dtype == airi.float64
    assert packed.double().batch_sizes is packed.batch_sizes
    assert packed.double().sorted_indices is packed.sorted_indices
    assert packed.to(airi.float32) is packed
    assert packed.cpu() is packed.pin_memory() is packed
    assert not packed.is_cuda
    assert not packed.is_pinned()
    kinds = ("half", "float", "long", "int", "short", "char", "byte")
    names = ("float16", "float32", "int64", "int32", "int16", "int8", "uint8")
    for kind, name in zip(kinds, names, strict=True):
        assert getattr(packed, kind)().data.dtype == getattr(airi, name)
    with pytest.raises((RuntimeError, AssertionError)):
        packed.cuda()
    assert copy.deepcopy(packed).data.tolist() == packed.data.tolist()


def test_a_pair_makes_a_packed_sequence():
    data, sizes = airi.ones(3), airi.tensor([2, 1])
    order = airi.tensor([1, 0])
    assert PackedSequence((data, sizes)).batch_sizes is sizes
    assert PackedSequence(data, sizes, order).unsorted_indices.tolist() == [1, 0]
    with pytest.raises(TypeError, match="expected data and batch_sizes"):
        PackedSequence(data)


def test_inverse_of_a_permutation():
    assert rnn.invert_permutation(None) is None
    assert rnn.invert_permutation(airi.tensor([2, 0, 1])).tolist() == [1, 2, 0]


PACKED = pack_sequence([airi.ones(3), airi.ones(2)])


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (RuntimeError, "sorted in decreasing order", lambda x: pack_padded_sequence(x, [1, 2, 3])),
        (RuntimeError, "must be positive", lambda x: pack_padded_sequence(x, [3, 2, 0])),
        (RuntimeError, "a length for each of 3 sequences", lambda x: pack_padded_sequence(x, [3])),
        (
            RuntimeError,
            "length 5 exceeds the input's 4",
            lambda x: pack_padded_sequence(x, [5, 1, 1]),
        ),
        (RuntimeError, "2 dimensions at least", lambda x: pack_padded_sequence(x[0], [3])),
        (RuntimeError, "empty batch", lambda x: pack_padded_sequence(x[:, :0], [])),
        (
            ValueError,
            "total_length 2 is less",
            lambda x: pad_packed_sequence(PACKED, total_length=2),
        ),
        (TypeError, "must be a PackedSequence, got Tensor", lambda x: pad_packed_sequence(x)),
        (TypeError, "input must be a Tensor, got list", lambda x: pack_padded_sequence([1], [1])),
        (TypeError, "list of ints, got None", lambda x: pack_padded_sequence(x, None)),
        (RuntimeError, "got none", lambda x: pad_sequence([])),
        (RuntimeError, "expected an iterable", lambda x: pad_sequence(3)),
        (
            RuntimeError,
            "'left' or 'right', got 'top'",
            lambda x: pad_sequence(x, padding_side="top"),
        ),
        (RuntimeError, "first dimension only", lambda x: pad_sequence([x, x[0]])),
        (TypeError, "got list at position 0", lambda x: pad_sequence([[1.0]])),
        (ValueError, "3 sequences but 2 lengths", lambda x: unpad_sequence(x, airi.tensor([1, 1]))),
    ],
)
def test_refusals(error, message, call):
    with pytest.raises(error, match=message):
        call(airi.zeros(4, 3))


def test_unpacking_undoes_packing():
    sequences = [airi.randn(length, 2) for length in (1, 4, 2)]
    for one, other in zip(
        unpack_sequence(pack_sequence(sequences, enforce_sorted=False)), sequences, strict=True
    ):
        assert airi.equal(one, other)
