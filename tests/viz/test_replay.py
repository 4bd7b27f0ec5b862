"""The replay page: what is in it, and what a browser makes of it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import airi
from airi import nn, viz
from airi.viz import layout
from airi.viz.sampling import sampled

from .browser import Visit

pytest.importorskip("graphviz")
if layout.find_engine("json") is None:
    pytest.skip("no layout engine", allow_module_level=True)


def mlp():
    airi.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    x, target = airi.randn(5, 4), airi.tensor([0, 1, 2, 1, 0])
    return viz.trace(lambda: nn.functional.cross_entropy(model(x), target))


def data_of(page):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1]
    )


def test_a_small_mlps_page_is_small():
    assert len(mlp().html().encode()) < 60_000


def test_a_convnets_page_is_not_large():
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 8 * 8, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    x, target = airi.randn(8, 3, 32, 32), airi.randint(0, 10, (8,))
    tr = viz.trace(lambda: nn.functional.cross_entropy(net(x), target))
    page = tr.html()
    assert len(page.encode()) < 1_500_000
    tensor = next(each for each in data_of(page)["tensors"] if each["shape"] == [8, 32, 32, 32])
    assert tensor["cells"] == [24, 24]
    assert tensor["grid"] == [4, 4]  # half of the channels
    image = next(each for each in data_of(page)["tensors"] if each["shape"] == [8, 3, 32, 32])
    assert (image["cells"], image["grid"]) == ([32, 32], [3, 3])  # three of them, in full


def test_nothing_is_loaded_from_anywhere():
    page = mlp().html()
    assert "default-src 'none'" in page
    assert not re.search(r"<[^>]*\s(src|href)\s*=", page)
    assert "url(" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_values_are_sampled_evenly_and_statistics_are_exact():
    array = np.arange(1000.0).reshape(100, 10)
    found = sampled(array)
    assert found["cells"] == [32, 10]
    assert "grid" not in found  # one matrix
    assert found["stats"][:3] == [0.0, 999.0, 499.5]
    import base64

    shown = np.frombuffer(base64.b64decode(found["data"]), "<f4").reshape(32, 10)
    np.testing.assert_array_equal(shown[:, 0] // 10, np.arange(32) * 100 // 32)


def test_filters_are_a_matrix_of_pictures():
    found = sampled(np.zeros((16, 16, 5, 5)))
    assert (found["cells"], found["grid"]) == ([5, 5], [16, 16])
    found = sampled(np.zeros((16, 3, 5, 5)))
    assert found["grid"] == [6, 9]  # three filters of three channels in a row
    found = sampled(np.zeros((8, 16, 20, 20)))
    assert found["grid"] == [4, 4]  # the first example, and no part of the second


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 0, 4), (1, 1, 1), (7, 5, 3, 2, 2)])
def test_every_shape_can_be_shown(shape):
    found = sampled(np.ones(shape, np.float32))
    assert found["shape"] == list(shape)
    json.dumps(found, allow_nan=False)


def test_nan_and_infinity_are_valid_json():
    x = airi.tensor([-1.0, 0.0, 1e38], requires_grad=True)
    tr = viz.trace(lambda: (x.log() * 1e30).exp().sum())
    data = data_of(tr.html())
    assert data["snapshots"][0]["birth"]["op"] == "Log"
    assert any(each.get("nan") for each in data["tensors"])


HOSTILE = [
    '</script><b>"quoted"</b>',
    "<!--",
    "x" * 10_000,
    "\u202eabc\n\0",
    "\u05d0\u05d1",
    "&lt;'",
]


@pytest.mark.parametrize(
    "name", HOSTILE, ids=["html", "comment", "long", "control", "rtl", "quotes"]
)
def test_hostile_names_stay_text(name):
    x = airi.tensor([3.0], requires_grad=True)
    page = viz.trace((x * 4.0).sum(), names={name: x}).html()
    assert page.count("</script>") == 2
    assert "<b>" not in page
    assert len(page) < 60_000
    (box,) = (each for each in data_of(page)["boxes"] if each["kind"] == "input")
    assert (
        box["lines"][0][:5].strip()
        == "".join(c if c.isprintable() else " " for c in name)[:5].strip()
    )


def test_saving(tmp_path):
    target = mlp().save(tmp_path / "backward.html")
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_notebooks_get_a_frame_of_their_own():
    bundle = mlp()._repr_mimebundle_()
    assert 'sandbox="allow-scripts"' in bundle["text/html"]
    assert "<!doctype" not in bundle["text/html"]
    assert "CrossEntropy" in bundle["text/plain"]


def test_notebooks_without_a_layout_engine_get_the_table(monkeypatch):
    monkeypatch.setattr(layout, "find_engine", lambda *_: None)
    bundle = mlp()._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "pip install graphviz-pure" in bundle["text/plain"]


# In a browser


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return mlp().save(tmp_path_factory.mktemp("replay") / "backward.html")


def test_buttons_step(browser, saved):
    with Visit(browser, saved) as visit:
        assert visit.text("#count") == "Step 1 of 4"
        assert visit.text("#details h2").startswith("CrossEntropy")
        visit.page.click("#next")
        assert visit.text("#details h2").startswith("Linear")
        assert "dL/dweight" in visit.text(".rule")
        assert "test_replay.py" in visit.text(".line")
        assert visit.page.locator("#details canvas:visible").count() == 4
        assert visit.page.locator(".box.current").count() == 1
        visit.page.click("#back")
        assert visit.page.is_disabled("#back")
        visit.page.click("#last")
        assert "Done" in visit.text("#details")
        assert "0.weight" in visit.text("#details")


def test_keys_slider_and_play(browser, saved):
    with Visit(browser, saved) as visit:
        page = visit.page
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert visit.text("#count") == "Step 3 of 4"
        page.keyboard.press("ArrowLeft")
        assert visit.text("#count") == "Step 2 of 4"
        page.keyboard.press("End")
        assert visit.text("#count").startswith("Done")
        page.keyboard.press("Home")
        page.focus("#slider")
        page.keyboard.press("ArrowRight")
        assert visit.text("#count") == "Step 2 of 4"
        page.keyboard.press(" ")
        page.wait_for_function("document.getElementById('count').textContent === 'Step 3 of 4'")
        page.keyboard.press(" ")
        assert page.get_attribute("#play", "aria-label") == "Play"
        page.keyboard.press("/")
        page.keyboard.type("relu")
        assert visit.text("#found") == "1 found"
        page.keyboard.press("Enter")
        assert visit.text("#details h2").startswith("Relu")


# What has the focus: an id, or what a box of the graph says first.
FOCUSED = "document.activeElement.id || document.activeElement.ariaLabel.split(', ')[0]"


def test_screen_readers_hear_the_step(browser, saved):
    with Visit(browser, saved) as visit:
        assert visit.page.get_attribute("#said", "aria-live") == "polite"
        visit.page.keyboard.press("ArrowRight")
        assert visit.text("#said").startswith("Step 2 of 4: Linear. It passes a gradient to x")
        assert "Step 2 of 4" in visit.page.get_attribute("#graph", "aria-label")
        labels = visit.page.locator("canvas").evaluate_all("all => all.map(c => c.ariaLabel)")
        assert all("norm" in label for label in labels)
        unnamed = visit.page.locator("button").evaluate_all(
            "all => all.filter(b => !b.textContent.trim() && !b.ariaLabel).length"
        )
        assert unnamed == 0
        order = []
        for _ in range(6):
            visit.page.keyboard.press("Tab")
            order.append(visit.page.evaluate(FOCUSED))
        assert order == ["search", "predict", "language", "theme", "Linear", "closer"]


def test_boxes_are_reached_by_the_keyboard(browser, saved):
    with Visit(browser, saved) as visit:
        page = visit.page
        page.focus("#theme")
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == "CrossEntropy"  # the step that is shown
        label = page.evaluate("document.activeElement.ariaLabel")
        assert label.endswith("Step 1 of 4")
        assert page.get_attribute(".box.current", "role") == "button"
        page.keyboard.press("ArrowUp")  # as they are read: from the loss to its inputs
        assert page.evaluate(FOCUSED) == "Linear"
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
        assert visit.text("#count") == "Step 1 of 4"
        page.keyboard.press("Enter")
        assert visit.text("#count") == "Step 2 of 4"
        assert page.evaluate(FOCUSED) == "Linear"
        page.keyboard.press("ArrowRight")  # steps, wherever the focus is
        assert visit.text("#count") == "Step 3 of 4"
        seen = set()
        for _ in range(20):
            page.keyboard.press("ArrowUp")
            seen.add(page.evaluate(FOCUSED))
        assert seen >= {"Relu", "Linear", "0.weight", "0.bias", "2.weight"}
        page.keyboard.press(" ")  # on a parameter, and does not play
        assert page.get_attribute("#play", "aria-label") == "Play"
        page.click("#language")
        page.keyboard.press("Tab")  # the other button
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == "Relu"  # the step that is shown
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(FOCUSED) == "theme"


def test_the_focused_box_is_in_sight(browser, tmp_path):
    path = viz.trace(deep).save(tmp_path / "deep.html")
    with Visit(browser, path) as visit:
        page = visit.page
        page.focus("#theme")
        page.keyboard.press("Tab")
        for _ in range(40):
            page.keyboard.press("ArrowUp")
        box = page.evaluate_handle("document.activeElement").bounding_box()
        stage = page.locator("#stage").bounding_box()
        assert stage["y"] < box["y"] < box["y"] + box["height"] < stage["y"] + stage["height"]
        page.mouse.move(300, 300)
        page.mouse.down()
        page.mouse.move(300, -3000)  # out of sight, but not out of reach
        page.mouse.up()
        page.focus("#theme")
        page.keyboard.press("Tab")
        box = page.evaluate_handle("document.activeElement").bounding_box()
        assert stage["y"] < box["y"] < stage["y"] + stage["height"]


@pytest.mark.parametrize(("button", "key"), [("next", "End"), ("back", "Home")])
def test_a_button_that_can_do_no_more_keeps_the_focus(browser, saved, button, key):
    with Visit(browser, saved) as visit:
        page = visit.page
        page.focus(f"#{button}")
        page.keyboard.press(key)
        assert page.get_attribute(f"#{button}", "aria-disabled") == "true"
        assert page.evaluate("document.activeElement.id") == button
        said = visit.text("#count")
        page.keyboard.press("Enter")
        assert visit.text("#count") == said


def test_both_languages(browser, saved):
    with Visit(browser, saved) as visit:
        visit.page.click("#language")
        assert visit.text("h1") == "O backward, passo a passo"
        assert visit.page.get_attribute("html", "lang") == "pt-BR"
        assert visit.text("#count") == "Passo 1 de 4"
        assert "Gradiente que chega" in visit.text("#details")
        visit.page.click("#language")
        assert visit.text("#count") == "Step 1 of 4"
    with Visit(browser, saved, locale="pt-BR") as visit:
        assert visit.text("#count") == "Passo 1 de 4"


def test_both_themes(browser, saved):
    ground = "getComputedStyle(document.body).backgroundColor"
    with Visit(browser, saved, color_scheme="dark") as visit:
        dark = visit.page.evaluate(ground)
        visit.page.click("#theme")
        light = visit.page.evaluate(ground)
    assert dark != light
    with Visit(browser, saved, color_scheme="light") as visit:
        assert visit.page.evaluate(ground) == light


def test_the_policy_lets_the_pages_own_script_run(browser, saved):
    with Visit(browser, saved, bypass_csp=False) as visit:
        assert visit.text("#count") == "Step 1 of 4"


def test_nothing_overflows_on_a_phone(browser, saved):
    with Visit(browser, saved, viewport={"width": 360, "height": 740}) as visit:
        visit.page.keyboard.press("ArrowRight")
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visit.page.evaluate(wide) <= 0


def test_values_under_the_pointer(browser, tmp_path):
    w = airi.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    tr = viz.trace((w * airi.tensor([[5.0, 6.0], [7.0, 8.0]])).sum())
    with Visit(browser, tr.save(tmp_path / "t.html")) as visit:
        visit.page.keyboard.press("ArrowRight")
        canvas = visit.page.locator("#details canvas").nth(1)
        canvas.hover(position={"x": 30, "y": 30})
        assert "[1, 1] = 8" in visit.text("#details")


def test_a_fault_and_a_nan_are_shown(browser, tmp_path):
    from .planting import nodes_of, plant

    x = airi.tensor([1.0, 2.0], requires_grad=True)
    with viz.record():
        loss = (x * 2.0).exp().sum()
    plant(next(node for node in nodes_of([loss]) if node.rule.__name__ == "Exp"))
    tr = viz.trace(loss)
    tr.check()
    with Visit(browser, tr.save(tmp_path / "fault.html")) as visit:
        assert visit.page.locator(".box.wrong").count() == 1
        assert visit.text("#wrong").startswith("Exp: rule wrong for x: analytic")
        visit.page.click("#wrong button")
        assert visit.text("#details h2").startswith("Exp")
        visit.page.locator(".box.wrong").click()
        assert "Rule wrong for x" in visit.text("#details")
    broken = viz.trace(lambda: (x - 5.0).log().sum())
    with Visit(browser, broken.save(tmp_path / "nan.html")) as visit:
        assert "NaN was made first by Log in the forward pass" in visit.text("#birth")
        visit.page.click("#birth button")
        assert visit.text("#details h2").startswith("Log")


def test_two_traces_in_one_notebook_page(browser, tmp_path):
    frames = [mlp()._repr_mimebundle_()["text/html"] for _ in range(2)]
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><title>n</title>{frames[0]}<hr>{frames[1]}")
    with Visit(browser, notebook) as visit:
        visit.page.evaluate("document.querySelectorAll('iframe').forEach(f => f.loading = 'eager')")
        one, other = (visit.page.frame_locator("iframe").nth(i) for i in range(2))
        one.locator("#next").click()
        one.locator("#next").click()
        other.locator("#next").click()
        assert one.locator("#count").inner_text() == "Step 3 of 4"
        assert other.locator("#count").inner_text() == "Step 2 of 4"


def test_the_graph_is_in_sight_in_a_frame_that_was_hidden(browser, tmp_path):
    notebook = tmp_path / "notebook.html"
    frame = mlp()._repr_mimebundle_()["text/html"].replace('loading="lazy"', "")
    notebook.write_text(f"<!doctype html><title>n</title><div style='display:none'>{frame}</div>")
    with Visit(browser, notebook) as visit:
        visit.page.wait_for_timeout(300)
        visit.page.evaluate("document.querySelector('div').style.display = ''")
        page = visit.page.frame_locator("iframe")
        visit.page.wait_for_timeout(300)
        box = page.locator(".box.current").bounding_box()
        stage = page.locator("#stage").bounding_box()
        assert stage["x"] < box["x"] < stage["x"] + stage["width"]
        assert stage["y"] < box["y"] < stage["y"] + stage["height"]


def deep():
    h = airi.ones(2, 2, requires_grad=True)
    for _ in range(300):
        h = h.tanh() * 1.01
    return h.sum()


def test_a_large_graph_steps(browser, tmp_path):
    with Visit(browser, viz.trace(deep).save(tmp_path / "deep.html")) as visit:
        boxes = visit.page.locator(".box")
        assert 1 < boxes.count() < 60  # the others are drawn when they come in sight
        visit.page.keyboard.press("End")
        visit.page.keyboard.press("ArrowLeft")
        assert visit.page.locator(".box.current").is_visible()
        assert boxes.count() < 120
        assert visit.page.locator("#graph g[display=none]").count() > 1  # the first ones
        visit.page.click("#whole")
        assert boxes.count() == 603
        assert visit.page.locator(".box.done").count() == 600
        assert visit.page.locator("#graph g[display=none]").count() == 0
        assert visit.page.locator(".edge.done").count() >= 600
        visit.page.set_viewport_size({"width": 1500, "height": 500})
        visit.page.keyboard.press("Home")
        assert visit.page.locator(".box.current").is_visible()
        assert visit.page.locator(".box.done").count() == 0


def test_the_graphs_own_page(browser, tmp_path):
    w = airi.tensor([2.0], requires_grad=True)
    path = viz.draw((w * w).exp(), names={"w": w}, grads=True).save(tmp_path / "graph.html")
    with Visit(browser, path) as visit:
        assert "Backward has not run" in visit.text("#notice")
        visit.page.locator(".box.input").first.click()
        assert visit.page.locator(".box.same").count() == 2
        visit.page.keyboard.press("/")
        visit.page.keyboard.type("exp")
        assert visit.text("#found") == "1 found"
        visit.page.click("#language")
        assert visit.text("h1") == "O grafo do programa"


def test_rules_have_a_line_for_each_gradient(browser, tmp_path):
    b = airi.tensor([1.0, 2.0], requires_grad=True)
    tr = viz.trace((airi.ones(3, 2, requires_grad=True) + b).sum())
    with Visit(browser, tr.save(tmp_path / "t.html")) as visit:
        visit.page.keyboard.press("ArrowRight")
        lines = visit.page.locator(".rule p").all_inner_texts()
        assert [line.replace("\n", "") for line in lines] == [
            "dL/dx3×2 = g3×2",
            "dL/dy2 = g3×2 (Σ dim 0)",
        ]
        assert "trace[1]" in visit.text("#details")


def test_a_leaf_says_that_its_gradients_add_up(browser, tmp_path):
    w = airi.tensor([2.0], requires_grad=True)
    tr = viz.trace((w * w).sum(), names={"w": w})
    with Visit(browser, tr.save(tmp_path / "t.html")) as visit:
        visit.page.keyboard.press("End")
        assert "Used 2 times: the gradients add up." in visit.text("#details")
        visit.page.locator(".box.input").first.click()
        assert visit.page.locator(".box.same").count() == 2


def test_arrows_turn_when_the_gradient_passes(browser, saved):
    with Visit(browser, saved) as visit:
        turned = visit.page.locator(".edge polygon").last.get_attribute("points")
        visit.page.keyboard.press("ArrowRight")
        assert visit.page.locator(".edge polygon").last.get_attribute("points") == turned


def test_the_loss_is_that_of_the_trace_that_is_shown(browser, tmp_path):
    w = airi.tensor([2.0], requires_grad=True)
    traces = [viz.trace((w * factor).sum()) for factor in (3.0, 4.0)]
    path = viz.compare(*traces, ("three", "four")).save(tmp_path / "compare.html")
    with Visit(browser, path) as visit:
        result = visit.page.locator(".box.result")
        assert "6" in result.text_content()
        visit.page.keyboard.press("ArrowRight")
        assert "differs by 25%" in visit.text("#details")
        visit.page.focus("#snapshot")
        visit.page.keyboard.press("ArrowRight")
        assert visit.text("#label") == "four · 2 of 2"
        assert result.text_content().endswith("8")


def test_the_second_slider(browser, tmp_path):
    from .test_series import train

    path = train(5, every=2)[0].save(tmp_path / "training.html")
    with Visit(browser, path) as visit:
        visit.page.keyboard.press("ArrowRight")
        assert visit.text("#label").startswith("Training step 0, loss")
        before = visit.text("#details")
        visit.page.focus("#snapshot")
        visit.page.keyboard.press("ArrowRight")
        assert visit.text("#label").startswith("Training step 2, loss")
        assert visit.text("#count").startswith("Step 2")
        assert visit.text("#details") != before


def test_predicting(browser, tmp_path):
    from .test_grading import traced

    tr = traced()
    with Visit(browser, tr.save(tmp_path / "t.html")) as visit:
        page = visit.page
        page.keyboard.press("ArrowRight")
        page.click("#predict")
        assert page.locator(".predict").count() == 2
        assert page.locator("#details canvas:visible").count() == 1  # what arrives
        first = page.locator(".predict").first
        first.locator("input").first.fill("3 x 2")
        first.locator("select").select_option("+")
        first.locator("button").click()
        assert "✓ Shape, such as 5×3: 3×2" in visit.text("#details")
        assert "✗ Sign of the first element: +" in visit.text("#details")
        assert page.locator(".predict").count() == 1
        with page.expect_download() as download:
            page.click("#export")
        download.value.save_as(tmp_path / "answers.json")
        visit.requests = [each for each in visit.requests if not each.startswith("data:")]
    grade = viz.grade(tmp_path / "answers.json", tr)
    assert (grade.right, grade.total) == (1, 2)


def test_predicting_in_a_notebook_gives_a_text_to_copy(browser, tmp_path):
    from .test_grading import traced

    tr = traced()
    notebook = tmp_path / "notebook.html"
    frame = tr._repr_mimebundle_()["text/html"].replace('loading="lazy"', "")
    notebook.write_text(f"<!doctype html><title>n</title>{frame}")
    with Visit(browser, notebook) as visit:
        page = visit.page.frame_locator("iframe")
        page.locator("#next").click()
        page.locator("#predict").click()
        assert page.locator("#copy").is_hidden()
        first = page.locator(".predict").first
        first.locator("input").first.fill("3 x 2")
        first.locator("input").first.press("Enter")
        assert "✓" in page.locator("#details").inner_text()
        assert page.locator("#export").is_hidden()
        answers = page.locator("#answers")
        answers.focus()
        selected = "e => e.value.slice(e.selectionStart, e.selectionEnd)"
        copied = answers.evaluate(selected)
    grade = viz.grade(copied, tr)
    assert (grade.right, grade.total) == (1, 1)


def test_a_partial_trace_shows_where_it_stopped(browser, tmp_path):
    from .test_trace import stopped

    with Visit(browser, stopped().save(tmp_path / "partial.html")) as visit:
        page = visit.page
        assert visit.text("#stop").startswith(
            "Backward stopped in step 3, Stop: ValueError: no way"
        )
        assert page.locator(".box.ill").count() == 1
        assert page.locator(".box.unreached").count() == 1
        page.keyboard.press("End")
        assert page.locator(".box.unreached.reached").count() == 0
        page.click("#stop button")
        assert visit.text("#details h2").startswith("Stop")
        assert "Its backward raised ValueError: no way" in visit.text("#details")
        page.keyboard.press("End")
        assert visit.text("#count") == "Backward stopped here"
        page.click("#language")
        assert visit.text("#stop").startswith("O backward parou no passo 3, Stop")
        assert visit.text("#count") == "O backward parou aqui"
