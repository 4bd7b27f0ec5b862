import numpy as np
import pytest

import airi
from airi.utils.data import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def generator(seed=0):
    return airi.Generator().manual_seed(seed)


def test_sequential():
    sampler = SequentialSampler("abc")
    assert list(sampler) == [0, 1, 2]
    assert len(sampler) == 3


def test_random_order_visits_everything_once_and_changes_with_every_pass():
    sampler = RandomSampler(range(50), generator=generator())
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(50))
    assert len({tuple(first), tuple(second), tuple(range(50))}) == 3
    again = RandomSampler(range(50), generator=generator())
    assert [list(again), list(again)] == [first, second]
    assert list(RandomSampler(range(50), generator=generator(1))) != first


def test_random_order_follows_the_global_seed():
    orders = []
    for _ in range(2):
        airi.manual_seed(5)
        orders.append(list(RandomSampler(range(20))))
    assert orders[0] == orders[1]


def test_more_samples_than_items_take_whole_new_orders():
    drawn = list(RandomSampler(range(5), num_samples=12, generator=generator()))
    assert len(drawn) == 12
    assert sorted(drawn[:5]) == sorted(drawn[5:10]) == list(range(5))
    assert len(set(drawn[10:])) == 2


def test_replacement_draws_items_again():
    sampler = RandomSampler(range(1000), replacement=True, generator=generator())
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == 1000
    assert 550 < len(set(drawn)) < 720  # 632 expected
    assert all(type(index) is int and 0 <= index < 1000 for index in drawn)


def test_an_empty_source_gives_nothing():
    assert list(RandomSampler([])) == []


def test_subset_in_random_order():
    indices = [3, 1, 4, 15, 9, 2, 6]
    sampler = SubsetRandomSampler(indices, generator())
    assert sorted(sampler) == sorted(indices)
    assert len(sampler) == 7
    assert list(SubsetRandomSampler(indices, generator(2))) == list(
        SubsetRandomSampler(indices, generator(2))
    )


def test_weights_are_the_shares():
    sampler = WeightedRandomSampler([1, 0, 3], 4000, generator=generator())
    counts = np.bincount(list(sampler), minlength=3)
    assert counts[1] == 0
    assert counts[2] / 4000 == pytest.approx(0.75, abs=0.03)
    without = WeightedRandomSampler([1, 0, 3, 1], 3, replacement=False, generator=generator())
    assert sorted(without) == [0, 2, 3]
    with pytest.raises(ValueError, match=r"\(1, 2\)"):
        WeightedRandomSampler([[1, 2]], 2)


def test_batches():
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    for size in range(7):
        for drop_last in (True, False):
            sampler = BatchSampler(range(size), 3, drop_last)
            assert len(sampler) == len(list(sampler))


@pytest.mark.parametrize("count", [0, -1, 2.0, True])
def test_counts_must_be_positive_integers(count):
    for make in (
        lambda: BatchSampler(range(5), count, False),
        lambda: RandomSampler(range(5), num_samples=count),
        lambda: WeightedRandomSampler([1.0], count),
    ):
        with pytest.raises(ValueError, match="positive integer"):
            make()


def test_replacement_must_be_a_bool():
    with pytest.raises(TypeError, match="RandomSampler: replacement must be True or False, got 2"):
        RandomSampler(range(5), replacement=2)
    with pytest.raises(ValueError, match="WeightedRandomSampler: replacement must be True"):
        WeightedRandomSampler([1.0], 1, replacement=1)
