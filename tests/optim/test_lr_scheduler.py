"""Schedules over 30 epochs beside PyTorch's, and what else schedulers do."""

import copy
import inspect
import math
import warnings

import pytest

import airi
from airi.optim import SGD, Adam, lr_scheduler
from airi.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from tests.optim.cases import PLATEAU_CASES, SCHEDULER_CASES, SCHEDULERS, halving

EPOCHS = 30
cases = pytest.mark.parametrize(("name", "options"), SCHEDULER_CASES)


def groups_of(package):
    """Two parameter groups with rates of their own."""
    return [
        {"params": [package.zeros(2, requires_grad=True)]},
        {"params": [package.zeros(3, requires_grad=True)], "lr": 0.02},
    ]


def sgd(package=airi):
    return package.optim.SGD(groups_of(package), lr=0.1, momentum=0.8)


def adam(package=airi):
    return package.optim.Adam(groups_of(package), lr=0.1)


def settings(optimizer):
    """What a scheduler may have changed."""
    keys = ("lr", "initial_lr", "max_lr", "min_lr", "momentum", "base_momentum", "max_momentum")
    return [
        {key: float(group[key]) for key in keys if key in group}
        | {f"beta{at}": beta for at, beta in enumerate(group.get("betas", ()))}
        for group in optimizer.param_groups
    ]


def assert_same(ours, theirs):
    for mine, other in zip(settings(ours), settings(theirs), strict=True):
        assert mine.keys() == other.keys()
        for key in mine:
            assert mine[key] == pytest.approx(other[key], rel=1e-12, abs=1e-15), key


def run(optimizer, scheduler, epochs=EPOCHS):
    rates = []
    for _ in range(epochs):
        optimizer.step()
        scheduler.step()
        rates.append([float(rate) for rate in scheduler.get_last_lr()])
    return rates


def follow(ours, theirs, schedulers, epochs=EPOCHS, metrics=None):
    """Step both packages side by side."""
    mine, other = schedulers
    assert_same(ours, theirs)
    for epoch in range(epochs):
        arguments = () if metrics is None else (metrics[epoch],)
        for optimizer, scheduler in ((ours, mine), (theirs, other)):
            optimizer.step()
            scheduler.step(*arguments)
        assert_same(ours, theirs)
        assert mine.get_last_lr() == pytest.approx(other.get_last_lr(), rel=1e-12, abs=1e-15)
    assert mine.state_dict().keys() == other.state_dict().keys()


def test_no_scheduler_is_forgotten():
    others = {
        "ChainedScheduler",
        "SequentialLR",
        "ReduceLROnPlateau",
        "LRScheduler",
        "_LRScheduler",
    }
    assert set(lr_scheduler.__all__) == set(SCHEDULERS) | others


@pytest.mark.parametrize("name", sorted(set(lr_scheduler.__all__) - {"_LRScheduler"}))
def test_arguments_and_defaults_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    ours = inspect.signature(getattr(lr_scheduler, name)).parameters
    theirs = inspect.signature(getattr(torch.optim.lr_scheduler, name)).parameters
    assert [each for each in ours if each != "verbose"] == list(theirs)
    for key, other in theirs.items():
        assert ours[key].default == other.default


@cases
@pytest.mark.parametrize("make", [sgd, adam])
def test_thirty_epochs(name, options, make):
    torch = pytest.importorskip("torch")
    ours, theirs = make(), make(torch)
    mine = getattr(lr_scheduler, name)(ours, **options)
    other = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    follow(ours, theirs, (mine, other))


@pytest.mark.parametrize("options", PLATEAU_CASES)
def test_plateau(options):
    torch = pytest.importorskip("torch")
    ours, theirs = sgd(), sgd(torch)
    mine = ReduceLROnPlateau(ours, **options)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    metrics = [1 / (1 + t) + 0.3 * math.sin(3 * t) for t in range(EPOCHS)]
    follow(ours, theirs, (mine, other), metrics=metrics)
    assert mine.state_dict() == other.state_dict()


def test_plateau_takes_a_tensor():
    optimizer = sgd()
    scheduler = ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    scheduler.step(airi.tensor(1.0))
    scheduler.step(airi.tensor(2.0))
    assert scheduler.get_last_lr() == [0.05, 0.01]


@pytest.mark.parametrize("make", [sgd, adam])
def test_sequential(make):
    torch = pytest.importorskip("torch")
    ours, theirs = make(), make(torch)

    def built(s, optimizer):
        parts = [
            s.LinearLR(optimizer, 0.1, total_iters=4),
            s.CosineAnnealingLR(optimizer, 10),
            s.CosineAnnealingWarmRestarts(optimizer, 3),
        ]
        return s.SequentialLR(optimizer, parts, milestones=[4, 14])

    follow(ours, theirs, (built(lr_scheduler, ours), built(torch.optim.lr_scheduler, theirs)))


def test_nested_sequential():
    torch = pytest.importorskip("torch")
    ours, theirs = sgd(), sgd(torch)

    def built(s, optimizer):
        inner = s.SequentialLR(
            optimizer,
            [s.ConstantLR(optimizer, 0.5, 3), s.StepLR(optimizer, 2)],
            milestones=[5],
        )
        return s.ChainedScheduler([inner, s.ExponentialLR(optimizer, 0.9)])

    follow(ours, theirs, (built(lr_scheduler, ours), built(torch.optim.lr_scheduler, theirs)))


def test_chained():
    torch = pytest.importorskip("torch")
    ours, theirs = sgd(), sgd(torch)

    def built(s, optimizer):
        parts = [
            s.ConstantLR(optimizer, 0.5, 4),
            s.ExponentialLR(optimizer, 0.9),
            s.CosineAnnealingLR(optimizer, 7, eta_min=0.001),
            s.LinearLR(optimizer, total_iters=12),
            s.PolynomialLR(optimizer, total_iters=25),
            s.MultiplicativeLR(optimizer, lambda epoch: 1.01),
        ]
        return s.ChainedScheduler(parts)

    follow(ours, theirs, (built(lr_scheduler, ours), built(torch.optim.lr_scheduler, theirs)))


@cases
def test_step_to_an_epoch(name, options):
    torch = pytest.importorskip("torch")
    ours, theirs = sgd(), sgd(torch)
    mine = getattr(lr_scheduler, name)(ours, **options)
    other = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    for epoch in (1, 5, 12, 3, 29):
        for optimizer, scheduler in ((ours, mine), (theirs, other)):
            optimizer.step()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scheduler.step(epoch)
        assert_same(ours, theirs)


def test_warm_restarts_take_fractions_of_an_epoch():
    torch = pytest.importorskip("torch")
    ours, theirs = sgd(), sgd(torch)
    mine = CosineAnnealingWarmRestarts(ours, 2, 3)
    other = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(theirs, 2, 3)
    for at in range(60):
        mine.step(at / 4)
        other.step(at / 4)
        assert_same(ours, theirs)
    with pytest.raises(ValueError, match="epoch must be at least 0, got -1"):
        mine.step(-1)


@cases
def test_resumed_from_state_dicts(name, options, tmp_path):
    """Ten epochs, saved, loaded into new objects, and on: the same as unbroken."""
    unbroken = sgd()
    expected = run(unbroken, getattr(lr_scheduler, name)(unbroken, **options))

    first = sgd()
    scheduler = getattr(lr_scheduler, name)(first, **options)
    run(first, scheduler, 10)
    airi.save([first.state_dict(), scheduler.state_dict()], tmp_path / "state.airi")

    second = sgd()
    scheduler = getattr(lr_scheduler, name)(second, **options)
    for each, state in zip((second, scheduler), airi.load(tmp_path / "state.airi"), strict=True):
        each.load_state_dict(state)
    assert run(second, scheduler, EPOCHS - 10) == expected[10:]


def test_resumed_combined_schedules():
    def built(optimizer):
        parts = [LinearLR(optimizer, 0.1, total_iters=4), CosineAnnealingLR(optimizer, 20)]
        return SequentialLR(optimizer, parts, milestones=[4])

    unbroken = sgd()
    expected = run(unbroken, built(unbroken))
    first = sgd()
    scheduler = built(first)
    run(first, scheduler, 10)
    states = copy.deepcopy([first.state_dict(), scheduler.state_dict()])
    second = sgd()
    scheduler = built(second)
    second.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert "_schedulers" in states[1]  # loading leaves the dict as it was
    assert run(second, scheduler, EPOCHS - 10) == expected[10:]


def test_going_on_after_last_epoch():
    torch = pytest.importorskip("torch")
    pair = sgd(), sgd(torch)
    schedulers = []
    for optimizer, package in zip(pair, (airi, torch)):
        for group in optimizer.param_groups:
            group["initial_lr"] = 0.3
        schedulers.append(package.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20, last_epoch=5))
    follow(*pair, schedulers, epochs=10)
    assert schedulers[0].last_epoch == 16

    with pytest.raises(KeyError, match="parameter group 0 has no 'initial_lr'"):
        StepLR(sgd(), 3, last_epoch=4)


def test_callable_objects_keep_their_state():
    class Slope:
        def __init__(self, by):
            self.by = by

        def __call__(self, epoch):
            return 1 - self.by * epoch

    optimizer = sgd()
    state = LambdaLR(optimizer, [Slope(0.01), halving]).state_dict()
    assert state["lr_lambdas"] == [{"by": 0.01}, None]
    other = sgd()
    scheduler = LambdaLR(other, [Slope(0.5), halving])
    scheduler.load_state_dict(state)
    run(other, scheduler, 2)
    assert scheduler.get_last_lr() == pytest.approx([0.1 * 0.98, 0.02 * 0.25])

    cyclic = CyclicLR(sgd(), 0.1, 0.2, 4, scale_fn=Slope(0.1))
    assert cyclic.state_dict()["_scale_fn_custom"] == {"by": 0.1}


def test_a_rate_that_is_a_tensor_stays_that_tensor():
    rate = airi.tensor(0.5, dtype=airi.float64)
    optimizer = SGD([airi.zeros(2, requires_grad=True)], lr=rate)
    scheduler = ExponentialLR(optimizer, 0.5)
    run(optimizer, scheduler, 2)
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.125
    assert optimizer.param_groups[0]["initial_lr"].item() == 0.5
    scheduler.get_last_lr()[0].fill_(7.0)
    assert rate.item() == 0.125


def test_a_scheduler_of_ones_own():
    class Harmonic(lr_scheduler._LRScheduler):
        def __init__(self, optimizer, last_epoch=-1, verbose=False):
            super().__init__(optimizer, last_epoch, verbose)

        def get_lr(self):
            return [rate / (1 + self.last_epoch) for rate in self.base_lrs]

    optimizer = sgd()
    scheduler = Harmonic(optimizer)
    assert run(optimizer, scheduler, 2) == [[0.05, 0.01], [pytest.approx(0.1 / 3), 0.02 / 3]]
    assert optimizer.param_groups[0]["initial_lr"] == 0.1


def test_the_wrong_order_of_steps_warns():
    optimizer = sgd()
    scheduler = StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"before optimizer\.step"):
        scheduler.step()
    optimizer.step()
    scheduler.step()


def test_get_lr_from_outside_warns():
    scheduler = StepLR(sgd(), 3)
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


def test_verbose_has_no_effect(capsys):
    optimizer = sgd()
    run(optimizer, StepLR(optimizer, 1, verbose=True), 2)
    run(optimizer, MultiStepLR(optimizer, [1], verbose=False), 2)
    assert capsys.readouterr().out == ""


def test_constant_factor_of_zero_ends():
    optimizer = sgd()
    assert run(optimizer, ConstantLR(optimizer, 0.0, 2), 3)[-1] == [0.1, 0.02]


def test_one_cycle_with_a_rise_of_a_single_step():
    optimizer = sgd()
    OneCycleLR(optimizer, 0.5, total_steps=10, pct_start=0.1)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_one_cycle_ends():
    optimizer = sgd()
    scheduler = OneCycleLR(optimizer, 0.5, total_steps=5)
    run(optimizer, scheduler, 5)
    with pytest.raises(ValueError, match="step 6 of a schedule of 5 steps"):
        scheduler.step()


def test_a_group_added_later():
    optimizer = sgd()
    scheduler = LambdaLR(optimizer, halving)
    optimizer.add_param_group({"params": [airi.zeros(1, requires_grad=True)]})
    optimizer.step()
    with pytest.raises(ValueError, match="LambdaLR: 2 learning rates for 3 parameter groups"):
        scheduler.step()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda opt: StepLR("sgd", 3),
            TypeError,
            "StepLR: optimizer must be an Optimizer, got str",
        ),
        (lambda opt: StepLR(opt, 0), ValueError, "StepLR: step_size must be positive, got 0"),
        (lambda opt: LambdaLR(opt, [halving]), ValueError, "lr_lambda has 1 values for 2"),
        (lambda opt: LambdaLR(opt, 0.5), TypeError, "lr_lambda must be a function.* got 0.5"),
        (lambda opt: ConstantLR(opt, 2.0), ValueError, "factor must be from 0 to 1, got 2.0"),
        (lambda opt: LinearLR(opt, 0.0), ValueError, "start_factor must be above 0"),
        (lambda opt: LinearLR(opt, end_factor=1.5), ValueError, "end_factor must be from 0 to 1"),
        (lambda opt: CosineAnnealingLR(opt, 0), ValueError, "T_max must be other than 0"),
        (lambda opt: CosineAnnealingWarmRestarts(opt, 0), ValueError, "T_0 must be a positive int"),
        (lambda opt: OneCycleLR(opt, 0.1), ValueError, "give total_steps, or both"),
        (lambda opt: OneCycleLR(opt, 0.1, -3), ValueError, "total_steps must be a positive int"),
        (lambda opt: OneCycleLR(opt, 0.1, 9, pct_start=2.0), ValueError, "pct_start must be from"),
        (
            lambda opt: OneCycleLR(opt, 0.1, 9, anneal_strategy="sin"),
            ValueError,
            r"anneal_strategy must be one of \('cos', 'linear'\), got 'sin'",
        ),
        (lambda opt: CyclicLR(opt, 0.1, 0.2, mode="sine"), ValueError, "mode must be one of"),
        (lambda opt: CyclicLR(opt, [0.1], 0.2), ValueError, "base_lr has 1 values for 2"),
        (lambda opt: ReduceLROnPlateau(opt, "low"), ValueError, "mode must be 'min' or 'max'"),
        (lambda opt: ReduceLROnPlateau(opt, factor=1.0), ValueError, "factor must be below 1"),
        (lambda opt: ChainedScheduler([]), ValueError, "schedulers is empty"),
        (
            lambda opt: ChainedScheduler([ReduceLROnPlateau(opt)]),
            ValueError,
            r"schedulers\[0\] is a ReduceLROnPlateau",
        ),
        (
            lambda opt: SequentialLR(opt, [StepLR(sgd(), 3)], []),
            ValueError,
            r"schedulers\[0\], a StepLR, is of another optimizer",
        ),
        (
            lambda opt: SequentialLR(opt, [StepLR(opt, 3)], [5]),
            ValueError,
            "1 schedulers need 0 milestones, got 1",
        ),
    ],
)
def test_errors_name_argument_and_value(make, error, message):
    with pytest.raises(error, match=message):
        make(sgd())


def test_momentum_needs_an_optimizer_that_has_it():
    optimizer = airi.optim.Adagrad([airi.zeros(2, requires_grad=True)])
    for make in (lambda: CyclicLR(optimizer, 0.1, 0.2), lambda: OneCycleLR(optimizer, 0.1, 9)):
        with pytest.raises(ValueError, match="Adagrad has not; pass cycle_momentum=False"):
            make()
    CyclicLR(optimizer, 0.1, 0.2, cycle_momentum=False)


def test_a_scheduler_is_copied_with_its_optimizer():
    optimizer = Adam([airi.zeros(2, requires_grad=True)])
    scheduler = ExponentialLR(optimizer, 0.5)
    twin = copy.deepcopy(scheduler)
    run(twin.optimizer, twin, 3)
    assert optimizer.param_groups[0]["lr"] == 0.001
    assert twin.optimizer.param_groups[0]["lr"] == 0.001 / 8
    assert isinstance(twin, LRScheduler)
