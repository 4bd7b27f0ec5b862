"""Optimizers and schedules of their learning rate. Source: ``torch.optim``."""

from airi.optim import lr_scheduler
from airi.optim.adadelta import Adadelta
from airi.optim.adagrad import Adagrad
from airi.optim.adam import Adam
from airi.optim.adamw import AdamW
from airi.optim.optimizer import Optimizer
from airi.optim.rmsprop import RMSprop
from airi.optim.sgd import SGD

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "SGD",
    "lr_scheduler",
]
