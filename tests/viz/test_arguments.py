"""Wrong arguments: errors that name the function, the argument and what was expected."""

from __future__ import annotations

import numpy as np
import pytest

import airi
from airi import nn, optim, viz

MAKERS = {"SGD": lambda p: optim.SGD(p, lr=0.1)}
IMAGE = np.ones((5, 5))


def loss():
    return (airi.ones(3, requires_grad=True) * 2).sum()


def tr():
    return viz.trace(loss)


def picture():
    return viz.convolution(viz.BLUR, IMAGE)


# Where each argument goes; the function and the words that every error has; what is right there.
PLACES = {
    "draw": (viz.draw, "draw: expected Tensors", ("tensor",)),
    "draw names": (lambda v: viz.draw(loss(), names=v), "draw: names must be", ("None",)),
    "draw direction": (lambda v: viz.draw(loss(), direction=v), "draw: direction must be", ()),
    "draw depth": (lambda v: viz.draw(loss(), depth=v), "draw: depth must be", ("None", "int")),
    "draw save": (lambda v: viz.draw(loss()).save(v), "draw: (expected|cannot save)", ()),
    "draw seconds": (lambda v: viz.draw(loss()).svg(v), "draw: seconds must be", ("int",)),
    "trace": (viz.trace, "trace: expected a Tensor, or a function that computes it", ("tensor",)),
    "trace function": (lambda v: viz.trace(lambda: v), "the function must return", ("tensor",)),
    "trace gradient": (
        lambda v: viz.trace(loss(), v),
        "trace: gradient must be a Tensor",
        ("None", "tensor"),
    ),
    "trace step": (lambda v: tr()[v], "trace: (a step must be|there is no step)", ()),
    "trace seconds": (lambda v: tr().html(v), "trace: seconds must be", ("int",)),
    "trace names": (lambda v: viz.trace(loss(), names=v), "trace: names must be", ("None",)),
    "trace save": (lambda v: tr().save(v), "trace: (expected|cannot save)", ()),
    "check rtol": (lambda v: tr().check(rtol=v), "check: rtol must be", ("int",)),
    "check seed": (lambda v: tr().check(seed=v), "check: seed must be", ("int",)),
    "profile": (lambda v: tr().profile(v), "profile: sort must be", ()),
    "compare": (lambda v: viz.compare(v, v), "compare: expected two Traces", ()),
    "compare second": (lambda v: viz.compare(tr(), v), "compare: expected two Traces", ()),
    "compare labels": (lambda v: viz.compare(tr(), tr(), v), "compare: labels must be", ()),
    "TrainingTrace every": (viz.TrainingTrace, "TrainingTrace: every must be", ("int",)),
    "TrainingTrace most": (lambda v: viz.TrainingTrace(1, v), "TrainingTrace: most", ("int",)),
    "TrainingTrace backward": (
        lambda v: viz.TrainingTrace().backward(v),
        "TrainingTrace.backward: expected a function that computes the loss",
        (),
    ),
    "TrainingTrace function": (
        lambda v: viz.TrainingTrace().backward(lambda: v),
        "TrainingTrace.backward: the function must return a Tensor",
        ("tensor",),
    ),
    "grade": (lambda v: viz.grade(v, tr()), "grade: expected the path of a file", ("str",)),
    "grade trace": (lambda v: viz.grade("{}", v), "grade: expected a Trace", ()),
    "summary": (viz.summary, "summary: expected an nn.Module", ()),
    "summary depth": (
        lambda v: viz.summary(nn.Linear(1, 1), depth=v),
        "summary: depth must be",
        ("None", "int"),
    ),
    "convolution": (lambda v: viz.convolution(v, IMAGE), "convolution: expected a", ()),
    "convolution image": (
        lambda v: viz.convolution(viz.BLUR, v),
        "convolution: (expected an image|image must be)",
        (),
    ),
    "convolution gradient": (
        lambda v: viz.convolution(viz.BLUR, IMAGE, gradient=v),
        "convolution: gradient must",
        ("None",),
    ),
    "convolution stride": (
        lambda v: viz.convolution(viz.BLUR, IMAGE, stride=v),
        "convolution: stride must be",
        ("int",),
    ),
    "convolution padding": (
        lambda v: viz.convolution(viz.BLUR, IMAGE, padding=v),
        "convolution: padding must be",
        ("int",),
    ),
    "convolution at": (lambda v: picture().at(v, 0, 0), "at: ", ()),
    "convolution columns": (lambda v: picture().columns(v), "columns: ", ()),
    "convolution save": (lambda v: picture().save(v), "convolution: (expected|cannot save)", ()),
    "optimizers surface": (
        lambda v: viz.optimizers(v, MAKERS, start=(1, 1)),
        "optimizers: (surface must be|there is no surface)",
        (),
    ),
    "optimizers makers": (lambda v: viz.optimizers("saddle", v), "optimizers: expected a dict", ()),
    "optimizers maker": (
        lambda v: viz.optimizers("saddle", {"sgd": v}),
        "optimizers: expected a dict .*'sgd' is given",
        (),
    ),
    "optimizers start": (
        lambda v: viz.optimizers("saddle", MAKERS, start=v),
        "optimizers: start must be",
        ("None",),
    ),
    "optimizers steps": (
        lambda v: viz.optimizers("saddle", MAKERS, steps=v),
        "optimizers: steps must be",
        ("int",),
    ),
    "optimizers domain": (
        lambda v: viz.optimizers("saddle", MAKERS, domain=v),
        "optimizers: domain must be",
        ("None",),
    ),
}


def wrong_values():
    return {
        "None": None,
        "int": 3,
        "str": "abc",
        "array": np.ones(3),
        "list of losses": [loss(), loss()],
        "tensor": loss(),
        "object": object(),
    }


@pytest.mark.parametrize("place", PLACES)
def test_wrong_arguments_are_named(place):
    call, words, right = PLACES[place]
    for kind, value in wrong_values().items():
        if kind in right:
            continue
        with pytest.raises((TypeError, ValueError, IndexError), match=words):
            call(value)


@pytest.mark.parametrize("call", [viz.draw, viz.trace])
def test_tensors_without_a_graph_are_refused(call):
    with pytest.raises(RuntimeError, match=r"no op|does not require grad"):
        call(airi.ones(3))


def test_a_freed_graph_is_drawn_and_not_walked_again():
    freed = loss()
    freed.backward()
    assert "Mul" in str(viz.draw(freed))
    with pytest.raises(RuntimeError, match="a second time"):
        viz.trace(freed)


def test_steps_that_are_not_there():
    with pytest.raises(IndexError, match="trace: there is no step 7: it has 2 steps"):
        tr()[7]
    assert tr()[-1].op == "Mul"
    assert [event.op for event in tr()[:1]] == ["Sum"]


def test_programs_that_trace_cannot_call():
    with pytest.raises(TypeError, match=r"such as lambda: .*, got the module Linear"):
        viz.trace(nn.Linear(2, 2))
    with pytest.raises(TypeError, match=r"without arguments.*missing a required argument: 'x'"):
        viz.trace(lambda x: x.sum())
    with pytest.raises(TypeError, match="of several losses give the sum"):
        viz.trace((loss(), loss()))


def test_a_leaf_has_no_picture():
    leaf = airi.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="draw: this tensor is a leaf"):
        viz.draw(leaf)
    assert len(viz.trace(leaf.sum() * 0.0 + 1.0)) == 3


ODD = {
    "empty": lambda: (airi.ones(0, 3, requires_grad=True) * 2.0).sum(),
    "mean of nothing": lambda: (airi.ones(0, requires_grad=True) * 2.0).mean(),
    "scalar": lambda: airi.tensor(2.0, requires_grad=True) ** 2,
    "one op": lambda: airi.tensor(2.0, requires_grad=True).exp(),
    "a leaf": lambda: airi.tensor(2.0, requires_grad=True),
    "complex": lambda: (airi.tensor([1 + 1j, 0j], requires_grad=True) * 2j).abs().sum(),
    "bfloat16": lambda: airi.ones(3, dtype=airi.bfloat16, requires_grad=True).exp().sum(),
    "float16": lambda: airi.ones(3, dtype=airi.float16, requires_grad=True).exp().sum(),
    "mask": lambda: (airi.ones(3, requires_grad=True) * airi.tensor([True, False, True])).sum(),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_programs_are_shown_like_any_other(name):
    pytest.importorskip("graphviz")
    trace = viz.trace(ODD[name])
    assert trace.check()
    assert str(trace)
    assert str(trace.profile())
    assert "</html>" in trace.html()


def test_a_graph_that_is_retained_is_traced_twice():
    value = loss()
    first, second = (viz.trace(value, retain_graph=True) for _ in range(2))
    assert [event.op for event in first] == [event.op for event in second]
    assert viz.compare(first, second)


def test_an_image_of_bfloat16():
    layer = nn.Conv2d(1, 2, 3).bfloat16()
    shown = viz.convolution(layer, airi.ones(1, 5, 5, dtype=airi.bfloat16))
    assert "</html>" in shown.html()


def test_nothing_to_optimize():
    with pytest.raises(ValueError, match="got an empty one"):
        viz.optimizers("saddle", {})
    with pytest.raises(TypeError, match=r"names must be .* got dict with 1: Tensor"):
        viz.draw(loss(), names={1: loss()})
