"""Optimizers and schedules of their learning rate. Source: ``torch.optim``."""

from airi.compat.names import refusing
from airi.optim import lr_scheduler, swa_utils
from airi.optim.adadelta import Adadelta
from airi.optim.adafactor import Adafactor
from airi.optim.adagrad import Adagrad
from airi.optim.adam import Adam
from airi.optim.adamax import Adamax
from airi.optim.adamw import AdamW
from airi.optim.asgd import ASGD
from airi.optim.lbfgs import LBFGS
from airi.optim.muon import Muon
from airi.optim.nadam import NAdam
from airi.optim.optimizer import Optimizer
from airi.optim.radam import RAdam
from airi.optim.rmsprop import RMSprop
from airi.optim.rprop import Rprop
from airi.optim.sgd import SGD

__all__ = [
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LBFGS",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
    "lr_scheduler",
    "swa_utils",
]

__getattr__ = refusing("airi.optim", "torch.optim", __all__)
