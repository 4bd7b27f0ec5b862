"""Modules as functions of their parameters, and ensembles of modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airi.nn.module import Module
from airi.nn.utils import stateless
from airi.ops.joining import stack
from airi.tensor import Tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with other tensors in place of its parameters and buffers.

    The dicts go by dotted names, as ``named_parameters()``; what they lack stays as it is. A tensor
    that the module holds under several names is replaced under all of them, unless `tie_weights` is
    False. Buffers that the call writes are written in the given tensors. `args` is a tuple, or one
    argument. Raises RuntimeError for names the module does not have, with `strict` for missing
    ones too, ValueError for a name given twice. Example::

        loss = functional_call(model, dict(model.named_parameters()), x)

    Source: ``torch.func.functional_call``.
    """
    return stateless.functional_call(
        module, parameter_and_buffer_dicts, args, kwargs, tie_weights=tie_weights, strict=strict
    )


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of equal modules, stacked: for `vmap` over an ensemble.

    Two dicts by name; a leading dimension has the models. The parameters are leaves that require
    grad where the models' do. Raises RuntimeError without models, or where they are of several
    classes or modes. Example::

        params, buffers = stack_module_state(models)
        outputs = vmap(lambda p, b: functional_call(models[0], (p, b), x))(params, buffers)

    Source: ``torch.func.stack_module_state``.
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: expected at least one model")
    if len({type(each) for each in models}) > 1:
        raise RuntimeError("stack_module_state: all models must be of one class")
    if len({each.training for each in models}) > 1:
        raise RuntimeError("stack_module_state: all models must be in one mode, train or eval")
    params = {
        name: _stacked([each.get_parameter(name) for each in models])
        for name, _ in models[0].named_parameters()
    }
    buffers = {
        name: _stacked([each.get_buffer(name) for each in models])
        for name, _ in models[0].named_buffers()
    }
    return params, buffers


def _stacked(tensors: list[Tensor]) -> Tensor:
    return stack(tensors).detach().requires_grad_(tensors[0].requires_grad)
