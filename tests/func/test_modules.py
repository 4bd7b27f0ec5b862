"""functional_call and ensembles."""

import pytest

import airi
from airi import func, nn


def test_functional_call_uses_other_tensors_and_leaves_the_module_alone():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = airi.randn(4, 2)
    before = model(x)
    other = {name: each.detach() * 2 for name, each in model.named_parameters()}
    out = func.functional_call(model, other, x)
    for name, each in model.named_parameters():
        other[name] = each.detach() * 2
    twice = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    twice.load_state_dict(other)
    assert airi.allclose(out, twice(x))
    assert airi.equal(model(x), before)
    gradient = func.grad(lambda p: func.functional_call(model, p, (x,)).sum())(other)
    twice(x).sum().backward()
    for name, each in twice.named_parameters():
        assert airi.allclose(gradient[name], each.grad)


def test_buffers_are_written_in_the_given_tensors():
    norm = nn.BatchNorm1d(2)
    buffers = {name: each.clone() for name, each in norm.named_buffers()}
    func.functional_call(norm, (dict(norm.named_parameters()), buffers), airi.randn(8, 2))
    assert buffers["num_batches_tracked"].item() == 1
    assert norm.num_batches_tracked.item() == 0


def test_tied_parameters_are_replaced_together():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    x, twice = airi.ones(1, 2), {"0.weight": 2 * airi.eye(2)}
    assert func.functional_call(model, twice, x).tolist() == [[4.0, 4.0]]
    untied = func.functional_call(model, twice, x, tie_weights=False)
    assert airi.allclose(untied, 2 * x @ model[0].weight.T)


def test_names_that_do_not_fit():
    model, x = nn.Linear(2, 1), airi.ones(2)
    with pytest.raises(RuntimeError, match="no weigh; missing: bias, weight"):
        func.functional_call(model, {"weigh": x}, x, strict=True)
    with pytest.raises(TypeError, match="module must be a Module, got function"):
        func.functional_call(lambda x: x, {}, (airi.ones(2),))
    with pytest.raises(ValueError, match="more than one dict"):
        func.functional_call(model, ({"bias": x}, {"bias": x}), x)


def test_an_ensemble():
    models = [nn.Linear(2, 3) for _ in range(4)]
    params, buffers = func.stack_module_state(models)
    assert tuple(params["weight"].shape) == (4, 3, 2)
    assert params["weight"].is_leaf
    assert params["weight"].requires_grad
    x = airi.randn(5, 2)

    def one(p, b):
        return func.functional_call(models[0], (p, b), x)

    out = func.vmap(one)(params, buffers)
    for i, model in enumerate(models):
        assert airi.allclose(out[i], model(x))
    with pytest.raises(RuntimeError, match="one class"):
        func.stack_module_state([nn.Linear(1, 1), nn.ReLU()])
