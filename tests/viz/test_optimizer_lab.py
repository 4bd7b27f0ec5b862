"""The optimizer lab: paths of airi's own optimizers, the page, the GIF."""

from __future__ import annotations

import numpy as np
import pytest

import airi
from airi import optim, viz
from airi.viz.surfaces import SURFACES, heights, levels, surface_of

from .browser import Visit

MAKERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.01),
    "Momentum": lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
}


def test_paths_are_those_of_a_training_loop():
    lab = viz.optimizers("valley", MAKERS, steps=12)
    f = SURFACES["valley"].function
    for name, maker in MAKERS.items():
        p = airi.tensor([-4.5, 1.5], dtype=airi.float64, requires_grad=True)
        optimizer = maker([p])
        for step in range(12):
            np.testing.assert_array_equal(lab.paths[name][step], p.detach().numpy())
            optimizer.zero_grad()
            loss = f(p[0], p[1])
            assert lab.losses[name][step] == loss.item()
            loss.backward()
            np.testing.assert_array_equal(lab.runs[name].steps[step].gradient, p.grad.numpy())
            optimizer.step()
        np.testing.assert_array_equal(lab.paths[name][-1], p.detach().numpy())
    assert not lab.diverged


def test_the_parts_make_the_step():
    with airi.no_grad():
        lab = viz.optimizers("himmelblau", MAKERS, steps=6)
    for step in lab.runs["SGD"].steps:
        np.testing.assert_allclose(step.step, -0.01 * step.gradient)
        assert step.momentum is None
    for step in lab.runs["Momentum"].steps:
        np.testing.assert_allclose(step.step, -0.01 * step.momentum)
    for step in lab.runs["Adam"].steps:
        np.testing.assert_allclose(step.step, -0.1 * step.scaled, rtol=1e-9)
    first = lab.runs["Adam"].steps[0]
    np.testing.assert_allclose(first.corrected_momentum, first.gradient)
    np.testing.assert_allclose(first.corrected_squares, first.gradient**2)


@pytest.mark.parametrize("name", SURFACES)
def test_the_minima_are_minima(name):
    surface = SURFACES[name]
    for x, y in surface.minima:
        p = airi.tensor([x, y], dtype=airi.float64, requires_grad=True)
        surface.function(p[0], p[1]).backward()
        assert float(p.grad.abs().max()) < 1e-3
    values = heights(surface, surface.domain, 9, 7)
    assert values.shape == (7, 9)
    assert values[0, 0] == pytest.approx(
        float(surface.function(*(airi.tensor(each[0]) for each in surface.domain))), rel=1e-5
    )
    assert (np.diff(levels(values)) > 0).all()


def test_every_optimizer_can_be_shown():
    makers = {}
    for name in optim.__all__:
        kind = getattr(optim, name)
        if isinstance(kind, type) and name not in ("Optimizer", "Muon"):  # Muon is for matrices
            makers[name] = kind
    lab = viz.optimizers("valley", makers, steps=3)
    assert set(lab.paths) == set(makers)
    assert "Adam" in lab.html()


def test_an_optimizer_of_ones_own():
    class Descent(optim.Optimizer):
        def __init__(self, params, lr=0.01):
            super().__init__(params, {"lr": lr})

        @airi.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad, alpha=-group["lr"])

    lab = viz.optimizers("valley", {"SGD": MAKERS["SGD"], "own": Descent}, steps=5)
    np.testing.assert_allclose(lab.paths["own"], lab.paths["SGD"])


def test_a_function_of_ones_own_for_single_numbers():
    def bowl(x, y):
        return (x * x if float(x) > 0 else -x) + y * y

    lab = viz.optimizers(bowl, MAKERS, start=(1.0, 1.0), steps=4)
    assert heights(lab.surface, ((-1.0, 1.0), (0.0, 1.0)), 3, 2).tolist() == [[1, 0, 1], [2, 1, 2]]
    (left, right), (low, high) = lab.domain
    assert left < 1 < right
    assert low < 1 < high


def test_what_diverges_is_still_drawn(tmp_path):
    makers = MAKERS | {"wild": lambda p: optim.SGD(p, lr=5.0)}
    lab = viz.optimizers("rosenbrock", makers, steps=30)
    assert 0 < lab.diverged["wild"] < 30
    assert np.isfinite(lab.paths["wild"]).all()
    assert len(lab.paths["wild"]) == lab.diverged["wild"] + 1
    assert "diverged after step" in str(lab)
    lab.html()
    always = viz.optimizers("valley", {"wild": lambda p: optim.SGD(p, lr=1e9)}, steps=3)
    assert always.diverged == {"wild": 0}
    assert "wild" in always.html()


ERRORS = [
    (lambda: viz.optimizers("hill", MAKERS), ValueError, "rosenbrock"),
    (lambda: viz.optimizers(3, MAKERS), TypeError, "surface"),
    (lambda: viz.optimizers(lambda x, y: x, MAKERS), ValueError, "start"),
    (lambda: viz.optimizers(lambda x, y: 1.0, MAKERS, start=(0, 0)), TypeError, "a Tensor"),
    (
        lambda: viz.optimizers(lambda x, y: airi.zeros(3), MAKERS, start=(0, 0)),
        ValueError,
        "one nu",
    ),
    (lambda: viz.optimizers("valley", {}), ValueError, "got an empty one"),
    (lambda: viz.optimizers("valley", {"a": lambda p: 3}), TypeError, "must make an Optimizer"),
    (lambda: viz.optimizers("valley", MAKERS, steps=0), ValueError, "steps"),
    (lambda: viz.optimizers("valley", MAKERS, domain=((1, 0), (0, 1))), ValueError, "domain"),
    (lambda: viz.optimizers("valley", MAKERS, steps=1).save("x.png"), ValueError, "ending"),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors_say_what_was_expected(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_names_of_surfaces():
    assert surface_of("long valley") is SURFACES["valley"]


def test_the_gif(tmp_path):
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    lab = viz.optimizers("saddle", MAKERS, steps=8)
    with image.open(lab.save(tmp_path / "lab.gif", frames=4, fps=4)) as gif:
        assert gif.n_frames == 4
    with pytest.raises(ValueError, match="frames"):
        lab.save(tmp_path / "lab.gif", frames=0)


def test_hostile_names_stay_text():
    name = '</script><b>"x"</b>'
    page = viz.optimizers("valley", {name: MAKERS["SGD"]}, steps=1).html()
    assert page.count("</script>") == 2
    assert "<b>" not in page
    assert len(page) < 150_000


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    makers = MAKERS | {"wild": lambda p: optim.SGD(p, lr=5.0)}
    lab = viz.optimizers("rosenbrock", makers, steps=20)
    return lab.save(tmp_path_factory.mktemp("lab") / "lab.html")


def test_the_page_steps(browser, saved):
    with Visit(browser, saved) as visit:
        page = visit.page
        page.keyboard.press("Home")
        assert visit.text("#count") == "Step 0 of 20"
        assert page.locator(".arrow").count() == 2  # gradient and step
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert page.locator(".arrow").count() == 5
        assert "Adam: the next update" in visit.text("#details")
        assert "exp_avg" not in visit.text("#details")
        assert "sqrt(V)" in visit.text("pre")
        assert "Step 1. Adam is at" in page.inner_text("#said")
        page.click("#shown0")
        assert page.locator(".head").count() == 3
        page.click("#run3")
        page.keyboard.press("End")
        assert "diverged after step" in visit.text("#details")
        assert page.locator(".arrow").count() == 0


def test_both_languages_and_themes(browser, saved):
    with Visit(browser, saved, locale="pt-BR", color_scheme="dark") as visit:
        assert visit.text("h1") == "Otimizadores em uma superfície"
        visit.page.keyboard.press("Home")
        assert "gradiente" in visit.text("#details")
        visit.page.click("#language")
        visit.page.click("#theme")
        assert visit.text("h1") == "Optimizers on a surface"


def test_nothing_overflows_on_a_phone(browser, saved):
    with Visit(browser, saved, viewport={"width": 360, "height": 740}, bypass_csp=False) as visit:
        assert visit.overflow <= 0


def test_notebooks_get_a_frame_of_their_own():
    bundle = viz.optimizers("valley", MAKERS, steps=1)._repr_mimebundle_()
    assert 'sandbox="allow-scripts"' in bundle["text/html"]
    assert "SGD" in bundle["text/plain"]


@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_divides_the_gradient_not_the_momentum(centered):
    lab = viz.optimizers(
        "beale",
        {"RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.9, centered=centered)},
        steps=3,
    )
    before = 0.0
    for step in lab.runs["RMSprop"].steps:
        np.testing.assert_allclose(step.momentum, 0.9 * before + step.scaled, rtol=1e-9)
        np.testing.assert_allclose(step.step, -0.01 * step.momentum, rtol=1e-9)
        before = step.momentum


def test_parts_have_the_names_that_they_have_in_the_optimizer(browser, tmp_path):
    makers = {
        "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
        "Adam": lambda p: optim.Adam(p, lr=0.1),
    }
    lab = viz.optimizers(lambda x, y: x**2 + y**2, makers, start=(1.0, 1.0), steps=4)
    with Visit(browser, lab.save(tmp_path / "lab.html")) as visit:
        assert visit.text("#surface") == "a function of your own"
        assert "sum of squares" in visit.text("#details")
        assert "−gradient / √squares" in visit.text("#details")
        visit.page.keyboard.press("ArrowDown")
        assert "mean of squares" in visit.text("#details")
        assert "−momentum / √squares" in visit.text("#details")
