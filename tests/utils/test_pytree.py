"""Trees of tuples, lists and dicts."""

from collections import OrderedDict, namedtuple

import pytest

from airi.utils._pytree import tree_flatten, tree_map, tree_map_only, tree_unflatten

Point = namedtuple("Point", "x y")


def test_taken_apart_and_put_together():
    tree = {"b": (1, [2, None]), "a": Point(3, OrderedDict(z=4))}
    leaves, spec = tree_flatten(tree)
    assert leaves == [1, 2, None, 3, 4]
    again = tree_unflatten(leaves, spec)
    assert again == tree
    assert isinstance(again["a"], Point)
    assert isinstance(again["a"].y, OrderedDict)
    assert str(spec) == "dict('b': tuple(*, list(*, *)), 'a': Point(*, OrderedDict('z': *)))"
    with pytest.raises(ValueError, match="2 leaves for a structure of 5"):
        tree_unflatten([1, 2], spec)


def test_maps():
    assert tree_map(lambda a, b: a + b, [1, (2,)], [3, (4,)]) == [4, (6,)]
    assert tree_map_only(int, lambda a: -a, (1, "x", [2])) == (-1, "x", [-2])
    with pytest.raises(ValueError, match="structures"):
        tree_map(lambda a, b: a, [1], [1, 2])
