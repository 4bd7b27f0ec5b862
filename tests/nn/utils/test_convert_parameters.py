"""parameters_to_vector and vector_to_parameters."""

import pytest

import airi
from airi import nn
from airi.nn.utils import parameters_to_vector, vector_to_parameters


def test_there_and_back():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector = parameters_to_vector(model.parameters())
    assert vector.shape == (11,)
    vector.sum().backward()
    assert all(each.grad.tolist() == airi.ones_like(each).tolist() for each in model.parameters())

    weight = model[0].weight
    vector_to_parameters(airi.arange(11.0), model.parameters())
    assert model[0].weight is weight
    assert weight.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert model[1].bias.tolist() == [10.0]
    assert isinstance(weight, nn.Parameter)


def test_refusals():
    with pytest.raises(TypeError, match="expected a Tensor, got list"):
        vector_to_parameters([1.0], [])
    with pytest.raises(RuntimeError, match=r"have 3 elements, the vector has shape \(2,\)"):
        vector_to_parameters(airi.ones(2), [nn.Parameter(airi.ones(3))])
