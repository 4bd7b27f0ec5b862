"""Nested tuples, lists and dicts of leaves: taken apart, put together, mapped over.

Named tuples keep their class, dicts their order; everything else, None too, is a leaf.
Source: ``torch.utils._pytree``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "TreeSpec",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_leaves",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_structure",
    "tree_unflatten",
]

_DICTS = (dict, OrderedDict)


@dataclass(frozen=True)
class TreeSpec:
    """The structure of a tree: the type of its root (None: a leaf), keys of a dict, children."""

    type: type | None
    context: Any = None
    children: tuple[TreeSpec, ...] = ()

    @property
    def num_leaves(self) -> int:
        if self.type is None:
            return 1
        return sum(child.num_leaves for child in self.children)

    def is_leaf(self) -> bool:
        return self.type is None

    def __str__(self) -> str:
        if self.type is None:
            return "*"
        inside = [str(child) for child in self.children]
        if isinstance(self.context, tuple):
            inside = [f"{key!r}: {child}" for key, child in zip(self.context, inside, strict=True)]
        return f"{self.type.__name__}({', '.join(inside)})"


LEAF = TreeSpec(None)


def _is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(type(value), "_fields")


def _opened(tree: Any) -> tuple[list[Any], Any] | None:
    """The children of a node and what else is needed to make it again; None for a leaf."""
    if type(tree) in _DICTS:
        return list(tree.values()), tuple(tree)
    if type(tree) in (tuple, list) or _is_namedtuple(tree):
        return list(tree), None
    return None


def _closed(spec: TreeSpec, children: list[Any]) -> Any:
    kind = spec.type
    assert kind is not None
    if kind in _DICTS:
        return kind(zip(spec.context, children, strict=True))
    return kind(*children) if hasattr(kind, "_fields") else kind(children)


def tree_flatten(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[Any], TreeSpec]:
    """The leaves from left to right, and the structure to put them back with `tree_unflatten`.

    Example: ``tree_flatten({"a": 1, "b": (2, 3)})[0]`` is ``[1, 2, 3]``.
    """
    opened = None if is_leaf is not None and is_leaf(tree) else _opened(tree)
    if opened is None:
        return [tree], LEAF
    children, context = opened
    leaves: list[Any] = []
    specs = []
    for child in children:
        below, spec = tree_flatten(child, is_leaf)
        leaves += below
        specs.append(spec)
    return leaves, TreeSpec(type(tree), context, tuple(specs))


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of that structure with these leaves; ValueError where their number is another."""
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten: {len(leaves)} leaves for a structure of {treespec.num_leaves}: "
            f"{treespec}"
        )
    return _unflatten(iter(leaves), treespec)


def _unflatten(leaves: Any, spec: TreeSpec) -> Any:
    if spec.type is None:
        return next(leaves)
    return _closed(spec, [_unflatten(leaves, child) for child in spec.children])


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves from left to right."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """The structure without the leaves."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(
    func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """The tree with ``func(leaf, *leaves of rests)`` for each leaf; the rests have its structure.

    Raises ValueError where they do not. Example: ``tree_map(abs, [-1, (2,)])`` is ``[1, (2,)]``.
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves]
    for rest in rests:
        below, other = tree_flatten(rest, is_leaf)
        if other != spec:
            raise ValueError(f"tree_map: the trees have structures {spec} and {other}")
        columns.append(below)
    return tree_unflatten([func(*each) for each in zip(*columns, strict=True)], spec)


def tree_map_(
    func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """Call func on each leaf for what it does; returns the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(
    kind: type | tuple[type, ...] | Callable[[Any], bool],
    func: Callable[[Any], Any],
    tree: Any,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:
    """`tree_map` for leaves of that type, or that the predicate holds of; others stay."""

    def mapped(leaf: Any) -> Any:
        chosen = isinstance(leaf, kind) if isinstance(kind, (type, tuple)) else kind(leaf)
        return func(leaf) if chosen else leaf

    return tree_map(mapped, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether the predicate holds of all leaves."""
    return all(map(pred, tree_leaves(tree)))


def tree_any(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether the predicate holds of any leaf."""
    return any(map(pred, tree_leaves(tree)))


def broadcast_prefix(prefix: Any, spec: TreeSpec) -> list[Any] | None:
    """For each leaf of `spec` the value that `prefix` has there or above; None if it does not fit.

    ``(0, None)`` over the structure of ``((x, y), z)`` is ``[0, 0, None]``.
    """
    opened = _opened(prefix)
    if opened is None:
        return [prefix] * spec.num_leaves
    children, context = opened
    if type(prefix) is not spec.type or len(children) != len(spec.children):
        return None
    if isinstance(context, tuple):
        by_key = dict(zip(context, children, strict=True))
        if by_key.keys() != set(spec.context):
            return None
        children = [by_key[key] for key in spec.context]
    result: list[Any] = []
    for child, below in zip(children, spec.children, strict=True):
        part = broadcast_prefix(child, below)
        if part is None:
            return None
        result += part
    return result
