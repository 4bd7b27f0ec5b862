"""The optimizers and schedulers that the tests run through, with options of every kind.

A test sees to it that no Optimizer or LRScheduler is missing here.
"""

import math

OPTIMIZERS = {
    "SGD": [
        {},
        {"lr": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "maximize": True},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.5, "nesterov": True, "maximize": True},
        {"lr": 0.1, "foreach": True},
        {"lr": 0.1, "fused": True},
    ],
    "Adam": [
        {},
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3},
        {"lr": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "amsgrad": True},
        {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1},
        {"lr": 0.1, "betas": (0.0, 0.5)},
    ],
    "AdamW": [
        {},
        {"lr": 0.1, "weight_decay": 0.2, "amsgrad": True},
        {"lr": 0.1, "maximize": True, "eps": 1e-2},
        {"lr": 0.1, "weight_decay": 0},
    ],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-2},
        {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
    ],
    "RMSprop": [
        {},
        {"lr": 0.1, "alpha": 0.5, "eps": 1e-2, "weight_decay": 0.1},
        {"lr": 0.1, "centered": True},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "centered": True, "maximize": True, "weight_decay": 0.1},
    ],
    "Adadelta": [
        {},
        {"lr": 0.5, "rho": 0.5, "eps": 1e-3},
        {"weight_decay": 0.1, "maximize": True},
    ],
    "Adamax": [
        {},
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3},
        {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
    ],
    "NAdam": [
        {},
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, "momentum_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    "RAdam": [
        {},
        {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3},
        {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
        {"lr": 0.1, "betas": (0.5, 0.6)},  # never long enough to be scaled
    ],
    "Rprop": [
        {},
        {"lr": 0.1, "etas": (0.3, 2.0)},
        {"lr": 0.1, "step_sizes": (0.02, 0.15), "maximize": True},
    ],
    "ASGD": [
        {},
        {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 5.0},
        {"lr": 0.1, "t0": 0.0, "weight_decay": 0.1, "maximize": True},
    ],
    "Adafactor": [
        {},
        {"lr": 0.5, "beta2_decay": -0.3, "eps": (1e-3, 1e-2)},
        {"lr": 0.1, "d": 2.0, "weight_decay": 0.1, "maximize": True},
    ],
}

OPTIMIZER_CASES = [(name, options) for name, several in OPTIMIZERS.items() for options in several]


def halving(epoch):
    return 0.5**epoch


def wave(epoch):
    return 1 + 0.3 * math.sin(epoch)


SCHEDULERS = {
    "LambdaLR": [{"lr_lambda": halving}, {"lr_lambda": [halving, wave]}],
    "MultiplicativeLR": [{"lr_lambda": wave}, {"lr_lambda": [wave, halving]}],
    "StepLR": [{"step_size": 4}, {"step_size": 7, "gamma": 0.5}],
    "MultiStepLR": [{"milestones": [3, 9, 20]}, {"milestones": [5, 5, 2], "gamma": 0.7}],
    "ConstantLR": [{}, {"factor": 0.5, "total_iters": 11}],
    "LinearLR": [{}, {"start_factor": 0.9, "end_factor": 0.1, "total_iters": 12}],
    "ExponentialLR": [{"gamma": 0.9}],
    "CosineAnnealingLR": [{"T_max": 10}, {"T_max": 7, "eta_min": 0.01}, {"T_max": 30}],
    "CosineAnnealingWarmRestarts": [{"T_0": 5}, {"T_0": 3, "T_mult": 2, "eta_min": 0.001}],
    "OneCycleLR": [
        {"max_lr": 0.5, "total_steps": 31},
        {"max_lr": [0.5, 0.2], "epochs": 4, "steps_per_epoch": 10, "anneal_strategy": "linear"},
        {"max_lr": 0.5, "total_steps": 40, "three_phase": True, "pct_start": 0.2},
        {"max_lr": 0.5, "total_steps": 40, "cycle_momentum": False, "div_factor": 5.0},
        {"max_lr": 0.5, "total_steps": 40, "base_momentum": [0.1, 0.2], "max_momentum": 0.6},
    ],
    "CyclicLR": [
        {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 4},
        {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3, "step_size_down": 5},
        {"base_lr": [0.01, 0.02], "max_lr": 0.2, "step_size_up": 4, "mode": "triangular2"},
        {"base_lr": 0.1, "max_lr": 0.2, "step_size_up": 4, "mode": "exp_range", "gamma": 0.9},
        {"base_lr": 0.1, "max_lr": 0.2, "step_size_up": 4, "scale_fn": halving},
        {
            "base_lr": 0.1,
            "max_lr": 0.2,
            "step_size_up": 4,
            "scale_fn": halving,
            "scale_mode": "iterations",
            "cycle_momentum": False,
        },
    ],
    "PolynomialLR": [{}, {"total_iters": 20, "power": 2.0}],
}

SCHEDULER_CASES = [(name, options) for name, several in SCHEDULERS.items() for options in several]

PLATEAU_CASES = [
    {"patience": 2},
    {"mode": "max", "patience": 1, "factor": 0.5, "cooldown": 2},
    {"patience": 1, "threshold": 0.05, "threshold_mode": "abs", "min_lr": [0.01, 0.02]},
    {"mode": "max", "patience": 0, "threshold": 0.1, "threshold_mode": "abs", "eps": 1e-2},
]
