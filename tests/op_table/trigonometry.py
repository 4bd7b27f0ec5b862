"""Rows of `airi/ops/trigonometry.py`."""

import numpy as np

from .row import Row, call, positive, real, unary


def _inside_one(rng, *shape):
    return rng.uniform(-0.9, 0.9, shape)


def _above_one(rng, *shape):
    return rng.uniform(1.1, 3.0, shape)


def _points(rng):
    return [call(real(rng, 3, 4), real(rng, 4)), call(real(rng, 3, 1), real(rng, 4))]


ROWS = [
    unary("sin", np.sin, in_place=True, integers=True, complex=True),
    unary("cos", np.cos, in_place=True, integers=True, complex=True),
    unary("tan", np.tan, make=_inside_one, in_place=True, integers=True, complex=True),
    unary("asin", np.arcsin, make=_inside_one, in_place=True, complex=True),
    unary("acos", np.arccos, make=_inside_one, in_place=True, complex=True),
    unary("atan", np.arctan, in_place=True, integers=True, complex=True),
    Row("atan2", _points, np.arctan2, in_place=True, broadcast=True, integers=True),
    Row("hypot", _points, np.hypot, in_place=True, broadcast=True),
    unary("sinh", np.sinh, in_place=True, integers=True, complex=True),
    unary("cosh", np.cosh, in_place=True, integers=True, complex=True),
    unary("tanh", np.tanh, in_place=True, integers=True, complex=True),
    unary("asinh", np.arcsinh, in_place=True, integers=True, complex=True),
    unary("acosh", np.arccosh, make=_above_one, in_place=True, integers=True, complex=True),
    unary("atanh", np.arctanh, make=_inside_one, in_place=True, complex=True),
    unary("sinc", np.sinc, make=real, in_place=True, integers=True, complex=True),
    unary("deg2rad", np.deg2rad, make=positive, in_place=True, integers=True),
    unary("rad2deg", np.rad2deg, make=positive, in_place=True, integers=True),
]
