"""Jacobians, Hessians and their products with vectors, of a function at given inputs.

The function takes the inputs, a Tensor or a tuple of them, and returns a Tensor or a tuple. What is
returned has the structure of both: one entry per output, in it one per input, each left out where
there was no tuple. `airi.func` has the same as transforms of functions. Rows are computed one by
one (``vectorize`` changes nothing), the products with tangents as `transforms` explains.

Source: ``torch.autograd.functional``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from airi.autograd import graph
from airi.autograd.mode import enable_grad
from airi.autograd.transforms import (
    Pushforward,
    Variables,
    one_hot,
    pullback,
    settled,
    zeros_like,
)
from airi.ops.joining import stack

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_STRATEGIES = ("reverse-mode", "forward-mode")


class _Call:
    """One call of the user's function with aliases of its inputs."""

    def __init__(self, name: str, func: Callable[..., Any], inputs: Any) -> None:
        self.name = name
        self.one_input = not isinstance(inputs, (tuple, list))
        given = (inputs,) if self.one_input else tuple(inputs)
        _require_tensors(name, "inputs", given)
        self._variables = Variables()
        with enable_grad():
            self.inputs = tuple(self._variables.alias(each) for each in given)
            out = func(*self.inputs)
            self.one_output = not isinstance(out, (tuple, list))
            self.outputs = (out,) if self.one_output else tuple(out)
        _require_tensors(name, "the outputs of func", self.outputs)

    def close(self, results: Sequence[Any], create_graph: bool) -> list[Any]:
        """The results as the caller gets them."""
        self._variables.close()
        return [settled(each) if create_graph else each.detach() for each in results]

    def like_outputs(self, results: Sequence[Any]) -> Any:
        return results[0] if self.one_output else tuple(results)

    def like_inputs(self, results: Sequence[Any]) -> Any:
        return results[0] if self.one_input else tuple(results)

    def require_scalar(self) -> None:
        if not self.one_output or self.outputs[0].numel() != 1:
            got = "a tuple" if not self.one_output else f"shape {tuple(self.outputs[0].shape)}"
            raise RuntimeError(
                f"{self.name}: func must return a single Tensor of one element, got {got}"
            )

    def refuse_independent(self, gradients: Sequence[Any], strict: bool, which: str) -> None:
        """With strict, RuntimeError where an output does not depend on an input."""
        if not strict:
            return
        for number, each in enumerate(gradients):
            if each is None:
                raise RuntimeError(
                    f"{self.name}: {which} does not depend on input {number}; not allowed with "
                    "strict=True"
                )


def _require_tensors(name: str, what: str, values: Sequence[Any]) -> None:
    for number, each in enumerate(values):
        if not isinstance(each, graph.Tensor):
            kind = type(each).__name__
            raise TypeError(f"{name}: {what} must be Tensors, got {kind} at position {number}")


def _vectors(name: str, v: Any, like: Sequence[Any]) -> tuple[Any, ...]:
    """`v` as a tuple of the shapes of `like`; 1 where it is left out for a single element."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"{name}: v can be left out only for a single element")
        return tuple(one_hot(like[0]))
    given = tuple(v) if isinstance(v, (tuple, list)) else (v,)
    _require_tensors(name, "v", given)
    if len(given) != len(like):
        raise RuntimeError(f"{name}: v has {len(given)} tensors, expected {len(like)}")
    for number, (each, other) in enumerate(zip(given, like, strict=True)):
        if each.shape != other.shape:
            raise RuntimeError(
                f"{name}: v at position {number} has shape {tuple(each.shape)}, expected "
                f"{tuple(other.shape)}"
            )
    return given


def _filled(gradients: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    return [
        zeros_like(other) if each is None else each
        for each, other in zip(gradients, like, strict=True)
    ]


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """``(func(*inputs), v^T J)``: the Jacobian's product with a vector from the left.

    `v` has the outputs' shapes and may be left out for a single element. `create_graph` keeps the
    results differentiable; `strict` raises RuntimeError where no output depends on an input, which
    otherwise gives zeros. Source: ``torch.autograd.functional.vjp``.
    """
    call = _Call("vjp", func, inputs)
    vectors = _vectors("vjp", v, call.outputs)
    gradients = pullback(call.outputs, call.inputs, vectors, create_graph)
    call.refuse_independent(gradients, strict, "the output")
    outputs = call.close(call.outputs, create_graph)
    products = call.close(_filled(gradients, call.inputs), create_graph)
    return call.like_outputs(outputs), call.like_inputs(products)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """``(func(*inputs), J v)``: the derivative of the outputs along v, of the inputs' shapes.

    `v` may be left out for a single input element. `create_graph` and `strict` as in `vjp`.
    Source: ``torch.autograd.functional.jvp``.
    """
    call = _Call("jvp", func, inputs)
    vectors = _vectors("jvp", v, call.inputs)
    tangents = Pushforward(call.outputs, call.inputs)(vectors, create_graph)
    if strict and any(each is None for each in tangents):
        raise RuntimeError("jvp: an output does not depend on the inputs; not with strict=True")
    outputs = call.close(call.outputs, create_graph)
    products = call.close(_filled(tangents, call.outputs), create_graph)
    return call.like_outputs(outputs), call.like_outputs(products)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All first derivatives: for an output and an input, shape (*output.shape, *input.shape).

    "reverse-mode" takes a backward pass per output element, "forward-mode" one per input element.
    `create_graph` and `strict` as in `vjp`; `vectorize` is accepted. Raises ValueError for another
    strategy. Example: ``jacobian(airi.exp, x)`` is ``airi.diag(airi.exp(x))``.
    Source: ``torch.autograd.functional.jacobian``.
    """
    if strategy not in _STRATEGIES:
        raise ValueError(f"jacobian: strategy must be one of {_STRATEGIES}, got {strategy!r}")
    call = _Call("jacobian", func, inputs)
    if strategy == "forward-mode":
        if strict:
            raise RuntimeError("jacobian: strict=True is not for forward-mode")
        blocks = _columns(call, create_graph)
    else:
        blocks = _rows(call, create_graph, strict)
    blocks = [call.close(row, create_graph) for row in blocks]
    return call.like_outputs([call.like_inputs(row) for row in blocks])


def _rows(call: _Call, create_graph: bool, strict: bool) -> list[list[Any]]:
    """For each output and each input, the derivatives, computed one output element at a time."""
    blocks = []
    for number, output in enumerate(call.outputs):
        rows = []
        for seed in one_hot(output):
            gradients = pullback([output], call.inputs, [seed], create_graph)
            call.refuse_independent(gradients, strict, f"output {number}")
            rows.append(_filled(gradients, call.inputs))
        blocks.append(
            [
                _stacked([row[i] for row in rows], (*output.shape, *each.shape), each)
                for i, each in enumerate(call.inputs)
            ]
        )
    return blocks


def _columns(call: _Call, create_graph: bool) -> list[list[Any]]:
    """The same, computed one input element at a time."""
    push = Pushforward(call.outputs, call.inputs)
    blocks: list[list[Any]] = [[] for _ in call.outputs]
    for at, each in enumerate(call.inputs):
        columns = []
        for seed in one_hot(each):
            tangents = [seed if i == at else None for i in range(len(call.inputs))]
            columns.append(_filled(push(tangents, create_graph), call.outputs))
        for number, output in enumerate(call.outputs):
            of_output = [column[number].reshape(-1) for column in columns]
            block = _stacked(of_output, (each.numel(), output.numel()), output).T
            blocks[number].append(block.reshape((*output.shape, *each.shape)))
    return blocks


def _stacked(parts: list[Any], shape: tuple[int, ...], like: Any) -> Any:
    return stack(parts).reshape(shape) if parts else like.new_zeros(shape)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a function with one element: the Jacobian of its gradient.

    For inputs i and j the shape is (*i.shape, *j.shape). The arguments are `jacobian`'s. Raises
    RuntimeError where func returns more than one element. Example:
    ``hessian(lambda x: (x ** 3).sum(), x)`` is ``airi.diag(6 * x)``.
    Source: ``torch.autograd.functional.hessian``.
    """
    one_input = not isinstance(inputs, (tuple, list))

    def gradient(*xs: Any) -> Any:
        call = _Call("hessian", func, xs)
        call.require_scalar()
        gradients = pullback(call.outputs, call.inputs, list(one_hot(call.outputs[0])), True)
        call.refuse_independent(gradients, strict, "the output")
        results = call.close(_filled(gradients, call.inputs), True)
        return results[0] if one_input else tuple(results)

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """``(func(*inputs), v^T H)``: the Hessian's product with a vector of the inputs' shapes.

    One backward through the gradient, without the Hessian itself. Arguments and errors as
    `hessian`'s; `v` may be left out for a single input element.
    Source: ``torch.autograd.functional.vhp``.
    """
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """``(func(*inputs), H v)``. The Hessian is symmetric, so this is `vhp`, which is cheaper.

    Source: ``torch.autograd.functional.hvp``.
    """
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Any, Any]:
    call = _Call(name, func, inputs)
    call.require_scalar()
    vectors = _vectors(name, v, call.inputs)
    gradients = pullback(call.outputs, call.inputs, list(one_hot(call.outputs[0])), True)
    call.refuse_independent(gradients, strict, "the output")
    filled = _filled(gradients, call.inputs)
    products = pullback(filled, call.inputs, vectors, create_graph)
    call.refuse_independent(products, strict, "the gradient")
    outputs = call.close(call.outputs, create_graph)
    results = call.close(_filled(products, call.inputs), create_graph)
    return outputs[0], call.like_inputs(results)
