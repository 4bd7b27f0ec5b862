"""Muon, whose iterations are rounded to bfloat16: close to PyTorch, and what it is for."""

import numpy as np
import pytest

import airi
from airi.optim import Muon

CASES = [
    {},
    {"lr": 0.1, "weight_decay": 0, "nesterov": False},
    {"lr": 0.1, "momentum": 0.5, "adjust_lr_fn": "match_rms_adamw"},
    {"lr": 0.1, "ns_steps": 3, "ns_coefficients": (2.0, -1.5, 0.5), "adjust_lr_fn": "original"},
]


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (1, 1), (32, 20)])
def test_as_in_pytorch(options, shape):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    value = rng.normal(size=shape)
    ours, theirs = airi.tensor(value, requires_grad=True), torch.tensor(value, requires_grad=True)
    mine, other = Muon([ours], **options), torch.optim.Muon([theirs], **options)
    lr = options.get("lr", 1e-3)
    for step in range(1, 6):
        g = rng.normal(size=shape)
        ours.grad, theirs.grad = airi.tensor(g), torch.tensor(g)
        mine.step()
        other.step()
        # Sums in another order may round to the next of bfloat16's numbers.
        np.testing.assert_allclose(
            ours.detach().numpy(), theirs.detach().numpy(), rtol=0, atol=step * lr * 0.02
        )
    np.testing.assert_allclose(
        mine.state[ours]["momentum_buffer"].numpy(),
        other.state[theirs]["momentum_buffer"].numpy(),
        rtol=1e-12,
    )
    assert mine.state_dict()["param_groups"] == other.state_dict()["param_groups"]


@pytest.mark.parametrize("shape", [(8, 30), (30, 8)])
def test_steps_are_as_long_in_every_direction(shape):
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=shape) * np.geomspace(1, 10, shape[1])
    param = airi.zeros(shape, dtype=airi.float64, requires_grad=True)
    param.grad = airi.tensor(gradient)
    Muon([param], lr=1.0, weight_decay=0, adjust_lr_fn="match_rms_adamw").step()
    lengths = np.linalg.svd(param.detach().numpy(), compute_uv=False) / (0.2 * 30**0.5)
    assert 0.6 < lengths.min() < lengths.max() < 1.3


def test_only_matrices_and_sensible_options():
    with pytest.raises(ValueError, match=r"params must be matrices, but number 1 has shape \(3,\)"):
        Muon([airi.zeros(2, 2, requires_grad=True), airi.zeros(3, requires_grad=True)])
    for wrong in ({"adjust_lr_fn": "big"}, {"momentum": -1}, {"ns_steps": 100}):
        with pytest.raises(ValueError, match=f"Muon: {next(iter(wrong))}"):
            Muon([airi.zeros(2, 2, requires_grad=True)], **wrong)
