import numpy as np
import pytest

import airi
from airi.utils.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Letters(Dataset):
    def __init__(self, letters):
        self.letters = letters

    def __getitem__(self, index):
        return self.letters[index]

    def __len__(self):
        return len(self.letters)


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def test_tensor_dataset_pairs_rows():
    x, y = airi.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([7, 8, 9])
    data = TensorDataset(x, y)
    assert len(data) == 3
    image, label = data[-1]
    assert image.tolist() == [5.0, 6.0]
    assert label.item() == 9
    images, labels = data.get_batch([2, 0])
    assert images.tolist() == [[5.0, 6.0], [1.0, 2.0]]
    assert labels.tolist() == [9, 7]
    assert labels.dtype is airi.int64
    y[2] = 1
    assert data[2][1].item() == 1, "an array shares its memory"


@pytest.mark.parametrize("shapes", [[(3, 2), (4,)], [()], []], ids=str)
def test_tensor_dataset_needs_one_length(shapes):
    with pytest.raises(ValueError, match="first dimension"):
        TensorDataset(*(np.zeros(shape) for shape in shapes))


def test_concatenation_goes_from_one_to_the_next():
    data = Letters("abc") + Letters("") + Letters("de")
    assert isinstance(data, ConcatDataset)
    assert [data[index] for index in range(len(data))] == list("abcde")
    assert data[-1] == "e"
    assert data[-5] == "a"
    for outside in (5, -6):
        with pytest.raises(IndexError, match=str(outside)):
            data[outside]
    with pytest.raises(TypeError, match="ChainDataset"):
        ConcatDataset([Stream("ab")])
    with pytest.raises(ValueError, match="at least one"):
        ConcatDataset([])


def test_streams_are_chained():
    assert list(Stream("ab") + Stream("c")) == ["a", "b", "c"]
    with pytest.raises(TypeError, match="Letters"):
        ChainDataset([Letters("ab")])


def test_stacking_puts_items_side_by_side():
    assert StackDataset(Letters("ab"), Letters("cd"))[1] == ("b", "d")
    named = StackDataset(image=Letters("ab"), text=Letters("cd"))
    assert named[0] == {"image": "a", "text": "c"}
    assert len(named) == 2
    with pytest.raises(ValueError, match=r"\[2, 1\]"):
        StackDataset(Letters("ab"), Letters("c"))
    for wrong in (lambda: StackDataset(), lambda: StackDataset(Letters("a"), b=Letters("b"))):
        with pytest.raises(ValueError, match="keyword"):
            wrong()


def test_subset_indexes_through():
    part = Subset(Subset(Letters("abcdef"), [5, 3, 1]), [2, 0])
    assert [part[0], part[1], len(part)] == ["b", "f", 2]
    tensors = Subset(TensorDataset(airi.tensor([10, 20, 30])), [2, 0, 1])
    assert tensors[[0, 2]][0].tolist() == [30, 20]


def test_random_split_deals_every_item_once():
    data = Letters("abcdefghij")
    parts = random_split(data, [5, 3, 2], airi.Generator().manual_seed(1))
    assert [len(part) for part in parts] == [5, 3, 2]
    letters = [letter for part in parts for letter in part]
    assert sorted(letters) == list("abcdefghij")
    assert letters != list("abcdefghij")
    again = random_split(data, [5, 3, 2], airi.Generator().manual_seed(1))
    assert [part.indices for part in again] == [part.indices for part in parts]


@pytest.mark.parametrize(
    ("total", "fractions"),
    [(10, [0.5, 0.3, 0.2]), (10, [1 / 3] * 3), (11, [0.9, 0.1]), (7, [0.25] * 4), (1, [1])],
)
def test_fractions_give_the_sizes_that_pytorch_gives(total, fractions):
    torch = pytest.importorskip("torch")
    expected = torch.utils.data.random_split(range(total), fractions)
    parts = random_split(range(total), fractions)
    assert [len(part) for part in parts] == [len(part) for part in expected]


@pytest.mark.parametrize("lengths", [[5, 4], [0.5, 0.6], [2.5, 7.5], [-1, 11], [1.5, -0.5]])
def test_random_split_refuses_what_does_not_add_up(lengths):
    with pytest.raises(ValueError, match="random_split"):
        random_split(Letters("abcdefghij"), lengths)


def test_an_empty_part_is_warned_of():
    with pytest.warns(UserWarning, match="part 1 is empty"):
        random_split(Letters("a"), [0.5, 0.5])
