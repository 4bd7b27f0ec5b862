"""Batches of sequences of different lengths, padded or packed. Source: ``torch.nn.utils.rnn``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.ops.creation import as_tensor
from airi.ops.index_along import index_select
from airi.ops.packing import Pack, Pad, PadSequences
from airi.ops.sorting import sort
from airi.ops.views import transpose
from airi.tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences of different lengths without padding, as recurrent layers take them.

    `data` (N, *) holds the rows in order of time, those of one step together, the longest sequence
    first; `batch_sizes` says how many sequences reach each step. `sorted_indices` are the places
    that the sequences had before they were sorted by length, `unsorted_indices` the inverse; None
    where nothing was sorted. Made by `pack_padded_sequence` and `pack_sequence`.
    Source: ``torch.nn.utils.rnn.PackedSequence``.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise TypeError(
                    "PackedSequence: expected data and batch_sizes, or a pair of both, got "
                    f"{type(data).__name__}"
                )
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert `data`, as ``Tensor.to``; the PackedSequence itself where nothing changes."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def cpu(self) -> Self:
        """The PackedSequence itself: it is there already."""
        return self

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """Raises RuntimeError: there is no GPU."""
        return self._replace(data=self.data.cuda(*args, **kwargs))

    def pin_memory(self) -> Self:
        """The PackedSequence itself; accepted for scripts that call it."""
        return self

    def is_pinned(self) -> bool:
        """False: no memory is pinned."""
        return False

    @property
    def is_cuda(self) -> bool:
        """False: airi computes on the CPU."""
        return False

    def double(self) -> Self:
        """`data` in float64."""
        return self.to(dtypes.float64)

    def float(self) -> Self:
        """`data` in float32."""
        return self.to(dtypes.float32)

    def half(self) -> Self:
        """`data` in float16."""
        return self.to(dtypes.float16)

    def long(self) -> Self:
        """`data` in int64."""
        return self.to(dtypes.int64)

    def int(self) -> Self:
        """`data` in int32."""
        return self.to(dtypes.int32)

    def short(self) -> Self:
        """`data` in int16."""
        return self.to(dtypes.int16)

    def char(self) -> Self:
        """`data` in int8."""
        return self.to(dtypes.int8)

    def byte(self) -> Self:
        """`data` in uint8."""
        return self.to(dtypes.uint8)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another; None of None."""
    return None if permutation is None else wrap(np.argsort(permutation._array))


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Leave out the padding of a batch (T, B, *), or (B, T, *) with `batch_first`.

    The sequences must be in order of decreasing `lengths`, unless ``enforce_sorted=False``: then
    they are sorted, and results come back in the old order. Raises RuntimeError where lengths are
    not sorted, not positive, not one for each sequence or larger than the input, ValueError where
    there are none. Example: ``packed = pack_padded_sequence(x, [5, 3, 2])``.
    Source: ``torch.nn.utils.rnn.pack_padded_sequence``.
    """
    function = "pack_padded_sequence"
    if not isinstance(input, Tensor):
        raise TypeError(f"{function}: input must be a Tensor, got {type(input).__name__}")
    if lengths is None:
        raise TypeError(f"{function}: lengths must be a Tensor or a list of ints, got None")
    if input.ndim < 2:
        raise RuntimeError(
            f"{function}: input needs 2 dimensions at least, got shape {tuple(input.shape)}"
        )
    wanted = as_tensor(lengths, dtype=dtypes.int64)
    if wanted.ndim != 1 or wanted.shape[0] != input.shape[0 if batch_first else 1]:
        raise RuntimeError(
            f"{function}: expected a length for each of {input.shape[0 if batch_first else 1]} "
            f"sequences, got lengths of shape {tuple(wanted.shape)}"
        )
    sorted_indices = None
    if not enforce_sorted:
        wanted, sorted_indices = sort(wanted, stable=True, descending=True)
        input = index_select(input, 0 if batch_first else 1, sorted_indices)
    padded = transpose(input, 0, 1) if batch_first else input
    batch_sizes = _batch_sizes(wanted._array, padded.shape[0])
    data = Pack.apply(padded, batch_sizes=tuple(batch_sizes.tolist()))
    return PackedSequence(data, wrap(batch_sizes), sorted_indices)


def _batch_sizes(lengths: np.ndarray, longest: int) -> np.ndarray:
    """How many sequences reach each step, given lengths in decreasing order."""
    function = "pack_padded_sequence"
    if not lengths.size:
        raise RuntimeError(f"{function}: cannot pack an empty batch")
    if (np.diff(lengths) > 0).any():
        raise RuntimeError(
            f"{function}: lengths must be sorted in decreasing order, got {lengths.tolist()}; pass "
            "enforce_sorted=False to have the sequences sorted"
        )
    if lengths[-1] <= 0:
        raise RuntimeError(f"{function}: lengths must be positive, got {lengths.tolist()}")
    if lengths[0] > longest:
        raise RuntimeError(f"{function}: length {lengths[0]} exceeds the input's {longest} steps")
    return (lengths[None, :] > np.arange(lengths[0])[:, None]).sum(1)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo `pack_padded_sequence`: the padded batch, and the lengths.

    Shape (T, B, *), or (B, T, *) with `batch_first`; T is `total_length` or that of the longest
    sequence. Raises ValueError where `total_length` is too short.
    Source: ``torch.nn.utils.rnn.pad_packed_sequence``.
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(
            "pad_packed_sequence: sequence must be a PackedSequence, got "
            f"{type(sequence).__name__}; pack_padded_sequence makes one"
        )
    batch_sizes = sequence.batch_sizes._array
    longest = length = len(batch_sizes)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                f"pad_packed_sequence: total_length {total_length} is less than the length "
                f"{longest} of the longest sequence"
            )
        length = total_length
    settings = {"batch_sizes": tuple(batch_sizes.tolist()), "length": length}
    padded = Pad.apply(sequence.data, value=padding_value, **settings)
    if batch_first:
        padded = transpose(padded, 0, 1)
    lengths = (batch_sizes[:, None] > np.arange(batch_sizes[0])).sum(0)
    if sequence.unsorted_indices is not None:
        padded = index_select(padded, 0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices._array]
    return padded, wrap(lengths)


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Tensors (T_i, *) side by side as (T, B, *), or (B, T, *), filled up with `padding_value`.

    Raises RuntimeError where there are no sequences, where they differ in more than their length,
    or for another side than "left" and "right".
    Example: ``pad_sequence([airi.ones(3), airi.ones(2)]).shape`` is (3, 2).
    Source: ``torch.nn.utils.rnn.pad_sequence``.
    """
    if not isinstance(sequences, Iterable):
        kind = type(sequences).__name__
        raise RuntimeError(f"pad_sequence: expected an iterable of Tensors, got {kind}")
    given = tuple(sequences)
    if not given:
        raise RuntimeError("pad_sequence: expected at least one sequence, got none")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"pad_sequence: padding_side must be 'left' or 'right', got {padding_side!r}"
        )
    for number, each in enumerate(given):
        if not isinstance(each, Tensor):
            kind = type(each).__name__
            raise TypeError(f"pad_sequence: expected Tensors, got {kind} at position {number}")
        if each.ndim == 0 or each.shape[1:] != given[0].shape[1:] or each.dtype != given[0].dtype:
            raise RuntimeError(
                "pad_sequence: sequences may differ in their first dimension only; got "
                f"{each.dtype} {tuple(each.shape)} at position {number} beside {given[0].dtype} "
                f"{tuple(given[0].shape)}"
            )
    left = padding_side == "left"
    return PadSequences.apply(*given, batch_first=batch_first, value=padding_value, left=left)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Undo `pad_sequence` (on the right): a list of Tensors (T_i, *).

    Source: ``torch.nn.utils.rnn.unpad_sequence``.
    """
    by_sequence = padded_sequences if batch_first else transpose(padded_sequences, 0, 1)
    wanted = lengths.tolist()
    if len(wanted) != len(by_sequence):
        raise ValueError(f"unpad_sequence: {len(by_sequence)} sequences but {len(wanted)} lengths")
    return [each[:length].clone() for each, length in zip(by_sequence, wanted, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of Tensors (T_i, *), see `pack_padded_sequence`.

    Example: ``pack_sequence([airi.ones(3, 4), airi.ones(2, 4)])``.
    Source: ``torch.nn.utils.rnn.pack_sequence``.
    """
    lengths = [each.shape[0] for each in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo `pack_sequence`: the list of Tensors. Source: ``torch.nn.utils.rnn.unpack_sequence``."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
