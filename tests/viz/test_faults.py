"""A fault of 1 % in any rule, in the gradient of any input, is found in that op and no other.

Planted in every rule that has a backward: for every row of the op table in ops that its calls make,
in backward passes of backward passes for the rules that only these use, in the in-place forms, and
in what no row can say. Every other fault is planted where forward kept no values.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import pkgutil

import numpy as np
import pytest

import airi
import airi.ops
from airi import nn, viz
from airi.autograd.graph import Rule
from airi.nn import functional as F

from ..op_table import ROWS
from ..test_op_laws import calls
from .planting import around, nodes_of, plant, program

# The vectors of eig have a phase, which a gradient with a fault in it is no longer free of: then
# eig's own gradient is wrong too.
ROWS = [row for row in ROWS if row.grad and row.name != "linalg.eig"]


def plant_in_all(make, is_wanted=lambda name, position: True, records=True):
    """Plant in one node of each rule that `make()` uses, once for each of its inputs.

    `make` gives a loss and nodes; `is_wanted` chooses rules by name and inputs by position. Without
    `records` forward keeps no values. Returns the names of the rules.
    """
    loss, mine = make()
    places = {}
    for at, node in enumerate(mine):
        for kind, position in inputs_of(node):
            if is_wanted(*kind):
                places.setdefault(kind, []).append((at, position))
    planted = set()
    for (name, _), candidates in places.items():
        for at, position in candidates[:3]:  # through the first of them may pass no gradient
            with viz.record() if records else contextlib.nullcontext():
                loss, mine = make()
            plant(mine[at], position)
            key = f"op{mine[at].number}"
            trace = viz.trace(loss)
            event = next((each for each in trace if each.key == key), None)
            if event is None or not is_passed(event, position):
                continue
            report = trace.check()
            assert [each.step for each in report.wrong] == [event.step], (name, position, report)
            planted.add(name)
            break
    return planted


def inputs_of(node):
    """The name of its rule and a position, in which all from the fifth on are one; the position."""
    name, edges = node.rule.__name__, enumerate(node.edges)
    return [((name, min(position, 4)), position) for position, edge in edges if edge is not None]


def is_passed(event, position):
    """Whether a gradient goes to that input: 1 % of nothing is nothing."""
    arrays = [each for each in event.values_in if isinstance(each, np.ndarray)]
    if any(np.isnan(each).any() for each in arrays):
        return False  # what log made of a negative number is in a branch not taken
    sent, arrived = event.grads_out[position], event.grads_in
    size = max((np.abs(each).max(initial=0.0) for each in arrived if each is not None), default=0.0)
    return sent is not None and np.abs(sent).max(initial=0.0) > 1e-12 * size


MOST = 8  # faults in one input of one rule: some rules are used by a hundred rows


@functools.cache
def chosen():
    """What gets a fault, by row and number of its call: for each kind the number of that use."""
    uses = {}
    for row in ROWS:
        for number, call in enumerate(calls(row)[:3]):
            for node in program(row.name, call)[1]:
                for kind, _ in inputs_of(node):
                    uses.setdefault(kind, {})[row.name, number] = None
    found = {}
    for kind, places in uses.items():
        places = list(places)
        share = max(1.0, len(places) / MOST)
        for use in range(min(MOST, len(places))):
            found.setdefault(places[int(use * share)], {})[kind] = use
    return found


def is_recorded(kind, use):
    """Whether forward keeps its values; their gradient is one only where these are known."""
    return use % 2 == 0 or kind[0] in ("Eig", "Eigh", "SVD")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_fault_of_one_percent_is_found_in_that_op_and_no_other(row):
    made = [lambda call=call: program(row.name, call) for call in calls(row)[:3]]
    planted = set()
    for number, make in enumerate(made):
        kinds = chosen().get((row.name, number), {})
        for records in (True, False):
            mine = {kind for kind, use in kinds.items() if is_recorded(kind, use) == records}
            if mine:
                planted |= plant_in_all(make, lambda *kind, mine=mine: kind in mine, records)
    if not planted:  # its rules have their faults in other rows
        for make in made:
            planted |= plant_in_all(make)
    assert planted or row.name in NOTHING_TO_PLANT


# Their gradient is zero wherever it is defined, or the samples leave no op behind.
NOTHING_TO_PLANT = {
    "ceil", "fix", "floor", "floor_divide", "round", "sgn", "sign", "trunc",
    ".contiguous", ".type_as", "angle", "positive", "real", "resolve_conj", "resolve_neg",
    "nn.functional.alpha_dropout", "nn.functional.dropout", "nn.functional.dropout1d",
    "nn.functional.dropout2d", "nn.functional.dropout3d", "nn.functional.feature_alpha_dropout",
}  # fmt: skip


@pytest.mark.parametrize("row", [row for row in ROWS if row.in_place], ids=lambda row: row.name)
def test_a_fault_in_an_in_place_form(row):
    name = row.name.rpartition(".")[2] + "_"
    planted = set()
    for call in calls(row)[:2]:
        if isinstance(call.args[0], np.ndarray) and is_written_by(name, call):
            planted |= plant_in_all(lambda call=call: program(name, call, write=True))
    assert planted or row.name in NOTHING_TO_PLANT


def is_written_by(name, call):
    """Whether the result has the first input's shape and dtype: else it cannot be written there."""
    try:
        program(name, call, write=True)
    except (RuntimeError, AttributeError):
        return False
    return True


# Rules that only a backward of a backward uses, by rows that lead to them.
OF_SECOND_ORDER = {
    "AdaptiveAvgPool2dInputGrad": "nn.functional.adaptive_avg_pool2d",
    "AvgPool2dInputGrad": "nn.functional.avg_pool2d",
    "Conv2dWeightGrad": "nn.functional.conv2d",
    "FromStrided": "as_strided",
    "GeluSlope": "nn.functional.gelu",
    "GeluTanhSlope": "nn.functional.gelu",
    "LinearRecurrence": "logcumsumexp",
    "Pad": "nn.utils.rnn.pack_padded_sequence",
    "Real": "complex",
    "ResampleAdjoint": "nn.functional.interpolate",
    "ScatterInPlanes": "nn.functional.adaptive_max_pool2d",
    "ScatterInWindows": "nn.functional.max_pool2d",
    "Shift": "logcumsumexp",
    "SiluSlope": "nn.functional.silu",
    "SpreadAlong": "gather",
    "SumOfProducts": "nn.functional.layer_norm",
    "Unindex": "index_select",
    "UnpadFrom": "stft",
    "_Differences": "linalg.eigh",
    "_FromParts": "view_as_real",
    "_Share": "maximum",
}


def only(rule):
    return lambda name, position: name == rule


@pytest.mark.parametrize("rule", OF_SECOND_ORDER)
def test_a_fault_in_a_backward_of_a_backward(rule):
    (row,) = (row for row in ROWS if row.name == OF_SECOND_ORDER[rule])
    planted = set()
    for call in calls(row):
        planted |= plant_in_all(lambda call=call: program(row.name, call, twice=True), only(rule))
    assert planted == {rule}


def constants(*shape):
    return airi.tensor(np.random.default_rng(0).uniform(0.5, 1.5, shape), requires_grad=True)


def sparse():
    places = airi.tensor([[0, 1, 2, 2], [1, 0, 0, 2]])
    return airi.sparse_coo_tensor(places, constants(4) * 1.0, (3, 3))


def hooked():
    layer = nn.Linear(3, 2).double()
    layer.register_full_backward_hook(lambda module, given, got: None)
    return layer(constants(4, 3) * 1.0)


def written_views():
    x = constants(6) * 1.0
    x[1:3].mul_(2.0)
    x[::2] = constants(3) * 3.0
    return x


def gradient_of_sparse():
    values = constants(4)
    places = airi.tensor([[0, 1, 2, 2], [1, 0, 0, 2]])
    matrix = airi.sparse_coo_tensor(places, values * 1.0, (3, 3))
    product = airi.sparse.mm(matrix, constants(3, 2))
    (found,) = airi.autograd.grad((product**2).sum(), [values], create_graph=True)
    return found


NOT_IN_ROWS = {
    "AlphaDropout": lambda: F.alpha_dropout(constants(20) * 1.0, 0.5, training=True),
    "Boundary": hooked,
    "Dropout": lambda: F.dropout(constants(20) * 1.0, 0.5),
    "SampledProducts": gradient_of_sparse,
    "SparseMatMul": lambda: airi.sparse.mm(sparse(), constants(3, 2) * 1.0),
    "WriteView": written_views,
}


@pytest.mark.parametrize("rule", NOT_IN_ROWS)
def test_a_fault_in_what_has_no_row(rule):
    def make():
        airi.manual_seed(0)
        result = NOT_IN_ROWS[rule]()
        return around([result]), nodes_of([result])

    assert rule in plant_in_all(make, only(rule))


# Rules with a backward in which nothing can be planted, and why.
EXCEPTIONS = {
    "CTCOccupancy", "_OnceOnly",  # their own backward refuses
    "Alias", "Constant", "_Alias",  # tie variables and constants to the graph
    "Drawn", "Nextafter",  # the gradient is zero
    "Eig",  # see above
    "Normalize",  # the norms derive from it
    "StandardGamma",  # draws anew: it is unchecked
}  # fmt: skip


def test_no_rule_is_left_out():
    for each in pkgutil.iter_modules(airi.ops.__path__):
        if not each.name.endswith("_ext"):
            importlib.import_module(f"airi.ops.{each.name}")
    importlib.import_module("airi.autograd.transforms")

    def below(kind):
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    used = set(OF_SECOND_ORDER) | set(NOT_IN_ROWS)
    for row in ROWS:
        for call in calls(row):
            used |= {node.rule.__name__ for node in program(row.name, call)[1]}
    abstract = {"Elementwise", "View"}
    there = {
        each.__name__
        for each in below(Rule)
        if each.__module__.startswith("airi.") and each.backward is not Rule.backward
    }
    assert there - used - abstract == EXCEPTIONS
