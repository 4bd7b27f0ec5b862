"""Derivatives of functions as functions: grad, vjp, jvp, jacrev, jacfwd, hessian."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from airi.autograd.mode import enable_grad
from airi.autograd.transforms import (
    Pushforward,
    Variables,
    one_hot,
    pullback,
    settled,
    wants_graph,
    zeros_like,
)
from airi.ops.joining import stack
from airi.tensor import Tensor
from airi.utils._pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten

Argnums = int | tuple[int, ...]


class _Call:
    """One call of a function, with variables in place of the tensors to differentiate by."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        argnums: Argnums,
        has_aux: bool,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.name = name
        ours = Variables()
        args_by = _chosen(name, argnums, args)
        leaves, self.inputs_spec = tree_flatten(args_by)
        for each in leaves:
            if not isinstance(each, Tensor):
                kind = type(each).__name__
                raise ValueError(
                    f"{name}: arguments to differentiate by must be Tensors, got {kind}"
                )
        with enable_grad():
            self.inputs = [ours.alias(each) for each in leaves]
            given = tree_unflatten(self.inputs, self.inputs_spec)
            result = func(*_replaced(args, argnums, given), **kwargs)
        self.aux = None
        if has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    f"{name}: with has_aux=True the function must return (output, aux), got "
                    f"{type(result).__name__}"
                )
            result, self.aux = result
        self.outputs, self.outputs_spec = tree_flatten(result)
        for each in self.outputs:
            if not isinstance(each, Tensor):
                kind = type(each).__name__
                raise RuntimeError(f"{name}: expected the function to return Tensors, got {kind}")
        # From here on only what the arguments and closures bring along counts as a graph.
        ours.close()
        self.record = wants_graph(self.outputs)

    def value(self) -> Any:
        return tree_unflatten([settled(each) for each in self.outputs], self.outputs_spec)

    def settled_aux(self) -> Any:
        return tree_map(settled, self.aux)

    def like_inputs(self, leaves: Sequence[Any]) -> Any:
        return tree_unflatten(leaves, self.inputs_spec)

    def like_outputs(self, leaves: Sequence[Any]) -> Any:
        return tree_unflatten(leaves, self.outputs_spec)


def _chosen(name: str, argnums: Argnums, args: tuple[Any, ...]) -> Any:
    """The arguments at `argnums`: one, or a tuple for a tuple."""
    several = isinstance(argnums, tuple)
    if not several and not isinstance(argnums, int):
        kind = type(argnums).__name__
        raise RuntimeError(f"{name}: argnums must be an int or a tuple of ints, got {kind}")
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers or len({n % (len(args) or 1) for n in numbers}) != len(numbers):
        raise RuntimeError(f"{name}: argnums must be different positions, got {argnums}")
    for each in numbers:
        if not -len(args) <= each < len(args):
            raise RuntimeError(f"{name}: argnums has {each}, but {len(args)} positional arguments")
    chosen = tuple(args[each] for each in numbers)
    return chosen if several else chosen[0]


def _replaced(args: tuple[Any, ...], argnums: Argnums, chosen: Any) -> list[Any]:
    result = list(args)
    if isinstance(argnums, tuple):
        for number, each in zip(argnums, chosen, strict=True):
            result[number] = each
    else:
        result[argnums] = chosen
    return result


def _filled(gradients: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    return [
        zeros_like(other) if each is None else each
        for each, other in zip(gradients, like, strict=True)
    ]


def _matching(
    name: str, what: str, given: Any, tensors: Sequence[Any], spec: TreeSpec
) -> list[Any]:
    """The leaves of `given`, which must have that structure and the tensors' shapes."""
    leaves, structure = tree_flatten(given)
    if structure != spec:
        raise RuntimeError(f"{name}: {what} have structure {structure}, expected {spec}")
    for each, tensor in zip(leaves, tensors, strict=True):
        if not isinstance(each, Tensor):
            raise ValueError(f"{name}: {what} must be Tensors, got {type(each).__name__}")
        if each.shape != tensor.shape:
            raise RuntimeError(
                f"{name}: {what} must have the shape {tuple(tensor.shape)}, got {tuple(each.shape)}"
            )
    return leaves


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns ``(gradient, value)`` of func, whose value has 0 dimensions.

    With `has_aux` func returns ``(value, aux)`` and the result is ``(gradient, (value, aux))``.
    Everything else as in `grad`. Source: ``torch.func.grad_and_value``.
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        call = _Call("grad", func, argnums, has_aux, args, kwargs)
        (output, *more) = call.outputs
        if more or call.outputs_spec.type is not None or output.ndim:
            got = "several" if call.outputs_spec.type is not None else f"{output.ndim} dimensions"
            raise RuntimeError(
                f"grad: the function must return one Tensor of 0 dimensions, got {got}; vjp and "
                "jacrev take others"
            )
        gradients = pullback([output], call.inputs, list(one_hot(output)), call.record)
        result = call.like_inputs(_filled(gradients, call.inputs))
        value = call.value()
        return result, ((value, call.settled_aux()) if has_aux else value)

    return gradient


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of func, which returns one 0-dimensional Tensor.

    The gradient has the structure of the argument at `argnums`; for a tuple of positions it is a
    tuple. With `has_aux` func returns ``(value, aux)`` and the result is ``(gradient, aux)``.
    Raises RuntimeError for other outputs, ValueError for arguments that are no Tensors. Example:
    ``grad(grad(airi.sin))(x)`` is ``-airi.sin(x)``. Source: ``torch.func.grad``.
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        result, value = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """``(func(*primals), pull)``: pull(v) is the product of v with the Jacobian, from the left.

    ``pull`` takes the structure of the output and returns a tuple, one entry per primal. With
    `has_aux` func returns ``(output, aux)`` and aux is a third result. Raises RuntimeError where
    v's structure or shapes are not the output's. Source: ``torch.func.vjp``.
    """
    call = _Call("vjp", func, tuple(range(len(primals))), has_aux, primals, {})

    def pull(
        cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None
    ) -> tuple[Any, ...]:
        v = _matching("vjp", "cotangents", cotangents, call.outputs, call.outputs_spec)
        record = wants_graph([*call.outputs, *v]) if create_graph is None else create_graph
        gradients = pullback(call.outputs, call.inputs, v, record)
        return call.like_inputs(_filled(gradients, call.inputs))

    value = call.value()
    return (value, pull, call.settled_aux()) if has_aux else (value, pull)


def jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """``(func(*primals), its derivative along tangents)``, and aux as third where `has_aux`.

    Both tuples have one structure and the same shapes, else RuntimeError is raised; with `strict`
    also where an output does not depend on the primals, which otherwise gives zeros.
    Source: ``torch.func.jvp``.
    """
    for name, each in (("primals", primals), ("tangents", tangents)):
        if not isinstance(each, tuple):
            raise RuntimeError(f"jvp: {name} must be a tuple, got {type(each).__name__}")
    if not primals:
        raise RuntimeError("jvp: primals must not be empty")
    call = _Call("jvp", func, tuple(range(len(primals))), has_aux, primals, {})
    t = _matching("jvp", "tangents", tangents, call.inputs, call.inputs_spec)
    record = wants_graph([*call.outputs, *t])
    along = Pushforward(call.outputs, call.inputs)(t, record)
    if strict and any(each is None for each in along):
        raise RuntimeError("jvp: an output does not depend on the primals; not with strict=True")
    result = call.value(), call.like_outputs(_filled(along, call.outputs))
    return (*result, call.settled_aux()) if has_aux else result


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """``(func(*primals), push)``: push(*tangents) is the derivative there, without calling func.

    Worth it for many tangents at one point. Source: ``torch.func.linearize``.
    """
    call = _Call("linearize", func, tuple(range(len(primals))), False, primals, {})
    pushforward = Pushforward(call.outputs, call.inputs)

    def push(*tangents: Any) -> Any:
        t = _matching("linearize", "tangents", tangents, call.inputs, call.inputs_spec)
        along = pushforward(t, wants_graph([*call.outputs, *t]))
        return call.like_outputs(_filled(along, call.outputs))

    return call.value(), push


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of func, one backward pass per output element.

    For each output a tensor of shape (*output.shape, *input.shape), nested as the output and in it
    as the arguments at `argnums`. With `has_aux` as in `grad`. `chunk_size`, a bound on memory in
    PyTorch, changes nothing. Example: ``jacrev(airi.sin)(x)`` is ``airi.diag(airi.cos(x))``.
    Source: ``torch.func.jacrev``.
    """
    _check_chunk_size("jacrev", chunk_size)

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        call = _Call("jacrev", func, argnums, has_aux, args, kwargs)
        blocks = []
        for output in call.outputs:
            rows = [
                _filled(pullback([output], call.inputs, [seed], call.record), call.inputs)
                for seed in one_hot(output)
            ]
            columns = [
                _stacked([row[i] for row in rows], (*output.shape, *each.shape), output)
                for i, each in enumerate(call.inputs)
            ]
            blocks.append(call.like_inputs(columns))
        result = call.like_outputs(blocks)
        return (result, call.settled_aux()) if has_aux else result

    return jacobian


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    chunk_size: int | None = None,
    randomness: str = "error",
) -> Callable[..., Any]:
    """`jacrev` the other way: one derivative along each input element, for few inputs.

    The function is called once, so that `randomness` of its columns never differs.
    Source: ``torch.func.jacfwd``.
    """
    _check_chunk_size("jacfwd", chunk_size)

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        call = _Call("jacfwd", func, argnums, has_aux, args, kwargs)
        push = Pushforward(call.outputs, call.inputs)
        blocks: list[list[Any]] = [[] for _ in call.outputs]  # per output, then per input
        for at, each in enumerate(call.inputs):
            columns = []
            for seed in one_hot(each):
                tangents = [seed if i == at else None for i in range(len(call.inputs))]
                columns.append(_filled(push(tangents, call.record), call.outputs))
            for number, output in enumerate(call.outputs):
                parts = [column[number].reshape(-1) for column in columns]
                block = _stacked(parts, (each.numel(), output.numel()), output).T
                blocks[number].append(block.reshape((*output.shape, *each.shape)))
        result = call.like_outputs([call.like_inputs(block) for block in blocks])
        return (result, call.settled_aux()) if has_aux else result

    return jacobian


def _check_chunk_size(function: str, chunk_size: int | None) -> None:
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"{function}: chunk_size must be None or positive, got {chunk_size}")


def _stacked(parts: list[Any], shape: tuple[int, ...], like: Any) -> Any:
    return stack(parts).reshape(shape) if parts else like.new_zeros(shape)


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of func: ``jacfwd(jacrev(func))``.

    Example: ``hessian(lambda x: (x ** 3).sum())(x)`` is ``airi.diag(6 * x)``.
    Source: ``torch.func.hessian``.
    """
    return jacfwd(jacrev(func, argnums), argnums)
