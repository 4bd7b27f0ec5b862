"""Means of weights beside PyTorch, and batch norms measured anew."""

import numpy as np
import pytest

import airi
from airi import nn
from airi.optim import SGD
from airi.optim.swa_utils import (
    SWALR,
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)

AVERAGES = {
    "equal": lambda utils: {},
    "swa": lambda utils: {"avg_fn": utils.get_swa_avg_fn()},
    "swa, lists": lambda utils: {"multi_avg_fn": utils.get_swa_multi_avg_fn()},
    "ema": lambda utils: {"avg_fn": utils.get_ema_avg_fn(0.9)},
    "ema, lists": lambda utils: {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.5)},
    "buffers": lambda utils: {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.5), "use_buffers": True},
}


def network(package):
    layers = [package.nn.Linear(3, 4), package.nn.BatchNorm1d(4), package.nn.Linear(4, 2)]
    return package.nn.Sequential(*layers).to(package.float64)


def fill(package, model, rng):
    for name, each in sorted(model.state_dict().items()):
        shape = tuple(each.shape)
        value = rng.integers(1, 9, shape) if "num" in name else rng.normal(size=shape)
        each.copy_(package.tensor(value, dtype=each.dtype))


@pytest.mark.parametrize("how", AVERAGES)
def test_means_are_those_of_pytorch(how):
    torch = pytest.importorskip("torch")
    averaged = []
    for package, utils in ((airi, airi.optim.swa_utils), (torch, torch.optim.swa_utils)):
        model, rng = network(package), np.random.default_rng(0)
        averaged.append(utils.AveragedModel(model, **AVERAGES[how](utils)))
        for _ in range(4):
            fill(package, model, rng)
            averaged[-1].update_parameters(model)
    mine, other = (each.state_dict() for each in averaged)
    assert list(mine) == list(other)
    for key, value in other.items():
        assert mine[key].dtype == getattr(airi, str(value.dtype).removeprefix("torch."))
        # PyTorch's function of lists computes its weight in float32.
        rtol = 1e-6 if how == "swa, lists" else 1e-12
        np.testing.assert_allclose(mine[key].numpy(), value.numpy(), rtol, rtol, err_msg=key)


def test_the_averaged_model_is_a_model_of_its_own():
    model = nn.Linear(2, 1)
    averaged = AveragedModel(model, device="cpu")
    averaged.update_parameters(model)
    x = airi.ones(3, 2)
    assert averaged(x).tolist() == model(x).tolist()
    with airi.no_grad():
        model.weight += 1.0
    assert averaged(x).tolist() != model(x).tolist()
    assert averaged.n_averaged.item() == 1
    assert all(p.requires_grad for p in averaged.parameters())


def test_functions_of_one_tensor():
    mean, new = airi.tensor([1.0, 2.0]), airi.tensor([3.0, 4.0])
    assert get_ema_avg_fn(0.75)(mean, new, 5).tolist() == [1.5, 2.5]
    assert get_swa_avg_fn()(mean, new, 3).tolist() == [1.5, 2.5]
    get_swa_multi_avg_fn()([mean], [new], airi.tensor(1))
    assert mean.tolist() == [2.0, 3.0]
    get_ema_multi_avg_fn(0.0)([mean], [new], 1)
    assert mean.tolist() == [3.0, 4.0]
    for make in (get_ema_avg_fn, get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match=r"decay must be from 0 to 1, got 1\.5"):
            make(1.5)
    with pytest.raises(AssertionError, match="either avg_fn or multi_avg_fn"):
        AveragedModel(nn.Linear(1, 1), avg_fn=get_swa_avg_fn(), multi_avg_fn=get_swa_multi_avg_fn())


def test_batch_norms_are_measured_anew():
    rng = np.random.default_rng(0)
    batches = [airi.tensor(rng.normal(2.0, 3.0, size=(8, 4))) for _ in range(5)]
    model = nn.Sequential(nn.BatchNorm1d(4, momentum=0.3), nn.Dropout(0.5)).to(airi.float64).eval()
    model[0].running_mean.fill_(100.0)
    update_bn([(each, "label") for each in batches], model)
    means = np.mean([each.numpy().mean(0) for each in batches], axis=0)
    variances = np.mean([each.numpy().var(0, ddof=1) for each in batches], axis=0)
    np.testing.assert_allclose(model[0].running_mean.numpy(), means, rtol=1e-12)
    np.testing.assert_allclose(model[0].running_var.numpy(), variances, rtol=1e-12)
    assert model[0].momentum == 0.3
    assert not model.training
    assert not model[1].training

    update_bn(iter(()), nn.Linear(1, 1))  # nothing to measure


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 7])
@pytest.mark.parametrize("rate", [0.05, [0.5, 0.01]])
def test_schedule(strategy, epochs, rate):
    torch = pytest.importorskip("torch")
    rates = []
    for package, utils in ((airi, airi.optim.swa_utils), (torch, torch.optim.swa_utils)):
        groups = [{"params": [package.ones(1)]}, {"params": [package.ones(1)], "lr": 0.3}]
        optimizer = package.optim.SGD(groups, lr=0.1)
        schedule = utils.SWALR(optimizer, rate, anneal_epochs=epochs, anneal_strategy=strategy)
        rates.append([])
        for epoch in range(10):
            rates[-1].append(schedule.get_last_lr())
            optimizer.step()
            schedule.step()
            if epoch == 3:  # goes on from where a resumed one is
                state = schedule.state_dict()
                schedule = utils.SWALR(optimizer, rate, epochs, strategy)
                schedule.load_state_dict(state)
    np.testing.assert_allclose(*rates, rtol=1e-12)


def test_what_the_schedule_refuses():
    optimizer = SGD([airi.ones(1)], lr=0.1)
    with pytest.raises(ValueError, match="anneal_strategy must be 'cos' or 'linear', got 'sin'"):
        SWALR(optimizer, 0.1, anneal_strategy="sin")
    with pytest.raises(ValueError, match="anneal_epochs must be an int of at least 0, got -1"):
        SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr has 2 values for 1 parameter groups"):
        SWALR(optimizer, [0.1, 0.2])
