"""Every optimizer with the arguments of PyTorch's own test database, beside PyTorch in float64."""

import numpy as np
import pytest

import airi

torch = pytest.importorskip("torch")
common = pytest.importorskip("torch.testing._internal.common_optimizers")

LEFT_OUT = {"SparseAdam"}  # airi has no sparse tensors
STEPS = 12
INFOS = [info for info in common.optim_db if info.name not in LEFT_OUT]

# Sums in another order: L-BFGS compares them and may go on, Muon rounds them to bfloat16.
TOLERANCE = {"LBFGS": {"rtol": 1e-8}, "Muon": {"rtol": 0, "atol": 5e-3}}

every = pytest.mark.parametrize("info", INFOS, ids=lambda info: info.name)


def inputs_of(info):
    """The sets of keyword arguments of the database."""
    for each in info.optim_inputs_func(device="cpu"):
        if not each.kwargs.get("differentiable"):
            yield each.kwargs


def ours(value, made=None):
    """PyTorch's tensors, anywhere in arguments, as airi's; one tensor twice stays one."""
    made = {} if made is None else made
    if isinstance(value, torch.Tensor):
        mine = airi.tensor(value.detach().numpy(), requires_grad=value.requires_grad)
        return made.setdefault(id(value), mine)
    if isinstance(value, dict):
        return {key: ours(each, made) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(ours(each, made) for each in value)
    return value


def start():
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in ((3, 4), (4, 2), (1, 1))]


def descend(package, optimizer_class, kwargs):
    """Some steps down into a smooth bowl."""
    params = [package.tensor(each, requires_grad=True) for each in start()]
    optimizer = optimizer_class(params, **kwargs)

    def closure():
        optimizer.zero_grad()
        first, second, third = params
        loss = first.cosh().log().sum() + ((second - 0.5) ** 2).mean() + third.exp().sum()
        loss = loss + 0.05 * ((first @ second) ** 2).mean()
        loss.backward()
        return loss.detach()

    losses = [float(optimizer.step(closure)) for _ in range(STEPS)]
    return losses, [each.detach().numpy() for each in params]


@every
def test_as_in_pytorch(info):
    mine = getattr(airi.optim, info.name)
    tolerance = {"rtol": 1e-11, "atol": 1e-13} | TOLERANCE.get(info.name, {})
    for kwargs in inputs_of(info):
        losses, params = descend(airi, mine, ours(kwargs))
        expected_losses, expected = descend(torch, info.optim_cls, kwargs)
        np.testing.assert_allclose(losses, expected_losses, **tolerance, err_msg=str(kwargs))
        for p, q in zip(params, expected, strict=True):
            np.testing.assert_allclose(p, q, **tolerance, err_msg=str(kwargs))


@every
def test_what_pytorch_refuses_is_refused(info):
    optimizer = getattr(airi.optim, info.name)
    for error in info.optim_error_inputs_func(device="cpu", dtype=torch.float64):
        if error.error_on is not common.OptimizerErrorEnum.CONSTRUCTION_ERROR:
            continue
        given = error.optimizer_error_input
        params = given.params
        if params is None:
            params = [torch.nn.Parameter(torch.randn(2, 3)) for _ in range(2)]
        # PyTorch only warns of a parameter that a group holds twice.
        kind = ValueError if error.error_type is UserWarning else error.error_type
        with pytest.raises(kind):
            optimizer(ours(params), **ours(given.kwargs))
