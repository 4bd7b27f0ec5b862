"""The texts of the pages: both languages, and nothing left in English on a Portuguese page."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import airi
from airi import nn, optim, viz
from airi.viz import (
    convolution_page,
    layout,
    optimizer_lab,
    optimizer_page,
    pages,
    replay,
    rules,
    words,
)

from .browser import Visit

GROUPS = {
    "replay.html": ("graph", "replay"),
    "drawing.html": ("graph", "drawing"),
    "convolution.html": ("convolution",),
    "optimizers.html": ("optimizers",),
}
SCRIPTS = {
    "replay.html": replay.SCRIPTS,
    "drawing.html": ("graph.js", "frame.js", "drawing.js"),
    "convolution.html": convolution_page.SCRIPTS,
    "optimizers.html": optimizer_page.SCRIPTS,
}


def test_each_text_has_both_languages_with_the_same_values():
    keys = [key for group in words.groups().values() for key in group]
    assert len(keys) == len(set(keys)) > 150
    for group in words.groups().values():
        for key, (english, portuguese) in group.items():
            assert english, key
            assert portuguese, key
            values = [set(re.findall(r"\{\w+\}", each)) for each in (english, portuguese)]
            assert values[0] == values[1], key


@pytest.mark.parametrize("page", GROUPS)
def test_a_page_has_the_words_that_it_says(page):
    known = {key for name in ("page", *GROUPS[page]) for key in words.groups()[name]}
    text = "".join(map(pages.read, ("words.js", "base.js", *SCRIPTS[page], page)))
    said = re.findall(r'say\(\s*"(\w+)"|data-word="(\w+)"', text)
    assert {one or other for one, other in said} <= known


def test_what_python_says_is_english_and_keeps_its_parts():
    said = words.joined("x: ", words.text("usedTimes", n=3), "!")
    assert said == "x: used 3 times!"
    assert pages.spoken(said) == ["x: ", ["usedTimes", {"n": 3}], "!"]
    assert pages.spoken(words.joined("a", "b")) == "ab"
    assert pages.spoken(words.text("result") * 1) == "result"  # no longer known as a Text


def spelled(text):
    return set(re.findall(r"[^\W\d_]+", text.lower()))


def test_the_words_of_every_rule_are_translated():
    """A new rule that says more than a formula needs a line in ``page/rule_words.json``."""
    for package in (airi.autograd, airi.ops):
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.endswith("_ext"):
                importlib.import_module(f"{package.__name__}.{module.name}")
    for rule in rules_of(airi.autograd.graph.Rule):
        names = spelled(" ".join(getattr(rule, "inputs", ())))
        formula = rules.formulas(rule, getattr(rule, "inputs", ()))[1]
        left = spelled(re.sub(r"\w+\(", "(", words.in_portuguese(formula))) & USUAL
        assert left - NEUTRAL - names <= {"mean", "for", "steps", "value"}, (rule.__name__, formula)


def test_the_words_of_every_update_are_translated():
    for kind in rules_of(optim.Optimizer):
        formula = optimizer_lab._formula(kind)
        left = spelled(words.in_portuguese(formula)) & (USUAL | {"first", "else", "then", "at"})
        assert left <= {"mean", "steps", "step", "sum", "weight", "no"}, (kind.__name__, formula)


def rules_of(kind):
    for each in kind.__subclasses__():
        yield from rules_of(each)
        if each.__module__.startswith("airi."):
            yield each


# In a browser: every visible word of a Portuguese page.

# Words of code, of mathematics, and those that are Portuguese too.
NEUTRAL = spelled(
    "a as airi arrives at backward bias broadcast com e forward g input inf kernel l ms nan no o "
    "out padding viz zoom html zeros rosenbrock beale himmelblau english switch to do some"
)
# What someone would use who wrote a text past the table.
USUAL = spelled(
    "the of is are was were has have been not with without from for by in on and or to its it this "
    "that which where used use times value values gradient gradients shape shapes norm mean loss "
    "scalar leaf result step steps weight saved first last element elements wrong right found sum "
    "rows every each elsewhere above below nothing there part added up back them one equal what"
)


def english_words():
    english, portuguese = set(), set()
    for group in words.groups().values():
        for one, other in group.values():
            english |= spelled(re.sub(r"\{\w+\}", " ", one))
            portuguese |= spelled(re.sub(r"\{\w+\}", " ", other))
    return (english | USUAL) - portuguese - NEUTRAL


# Everything that is seen or read aloud, but for what is code or the reader's own.
COLLECT = """() => {
  const own = ".line, .where, code, pre, h2, .name, .rule, dd, bdi, #language, small";
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (!parent.closest("script, style") && !parent.closest(own)) {
      texts.push(walk.currentNode.textContent);
    }
  }
  for (const each of document.querySelectorAll("[title], [aria-label], [placeholder]")) {
    if (each.id === "language") continue;
    texts.push(each.title, each.ariaLabel ?? "", each.placeholder ?? "");
  }
  return texts.join(" · ");
}"""


def read_aloud(visit, keys, times):
    """All texts while a key is pressed some times."""
    texts = [visit.page.evaluate(COLLECT)]
    for _ in range(times):
        visit.page.keyboard.press(keys)
        texts.append(visit.page.evaluate(COLLECT))
    return " ".join(texts)


def unhealthy():
    """A trace with a NaN, dead units, a leaf used twice, an error half way, and a check."""

    class Stop(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            raise ValueError("parou")

    a = airi.tensor([[-1.0, 0.0], [-2.0, 4.0]], requires_grad=True)
    with pytest.raises(ValueError, match="parou") as caught:
        viz.trace(lambda: (Stop.apply((a * a).relu().sqrt()) * (a - 3.0).relu()).log().sum())
    tr = caught.value.trace
    tr.check()
    return tr


def training():
    layer = nn.Linear(3, 1)
    history = viz.TrainingTrace(every=1)
    for _ in range(2):
        history.backward(lambda: layer(airi.ones(4, 3)).tanh().mul(1e-12).mean())
    history[0].check()
    return history


def graph():
    w = airi.tensor([[2.0, 3.0, 4.0]] * 2, requires_grad=True)
    s = airi.tensor(2.0, requires_grad=True)
    return viz.draw(((w * w).exp() * s).sum(), grads=True, values=True, saved=True)


def picture():
    return viz.convolution(viz.BLUR | viz.SOBEL, airi.rand(3, 5, 5))


def lab():
    makers = {
        "SGD": lambda p: optim.SGD(p, lr=0.1),
        "Adam": lambda p: optim.Adam(p, lr=0.1),
        "rapido": lambda p: optim.SGD(p, lr=2e4),
    }
    return viz.optimizers("saddle", makers, steps=6)


PAGES = {
    "unhealthy": (unhealthy, "ArrowRight", 8),
    "training": (training, "ArrowRight", 5),
    "graph": (graph, "+", 1),
    "forward": (picture, "ArrowRight", 2),
    "backward": (picture, "b", 1),
    "optimizers": (lab, "ArrowDown", 3),
}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_left_in_english_on_a_portuguese_page(browser, tmp_path, name):
    if layout.find_engine("json") is None:
        pytest.skip("no layout engine")
    make, key, times = PAGES[name]
    with Visit(browser, make().save(tmp_path / "page.html"), locale="pt-BR") as visit:
        english = english_words() - spelled("mean relu sum weight sgd adam")  # ops and names here
        assert not spelled(read_aloud(visit, key, times)) & english
        if name in ("unhealthy", "training"):
            visit.page.keyboard.press("Home")
            assert "para cada elemento" in visit.text(".rule")
            visit.page.click("#predict")
            assert not spelled(read_aloud(visit, "ArrowRight", times)) & english
        visit.page.click("#language")
        assert spelled(read_aloud(visit, key, 1)) & english  # and now it is English
