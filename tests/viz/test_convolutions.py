"""The convolution in slow motion: its numbers, its page, its GIF."""

from __future__ import annotations

import numpy as np
import pytest

import airi
from airi import nn, viz
from airi.nn import functional as F

from .browser import Visit

LAYERS = {
    "plain": lambda: nn.Conv2d(4, 6, 3),
    "stride and padding": lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2)),
    "dilation": lambda: nn.Conv2d(4, 6, 3, dilation=(2, 1), padding="same"),
    "groups": lambda: nn.Conv2d(4, 6, 3, groups=2, bias=False),
    "depthwise": lambda: nn.Conv2d(4, 4, 3, groups=4, padding=1, padding_mode="reflect"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_pixels_columns_and_gradients_are_the_layers(name):
    airi.manual_seed(1)
    layer, x = LAYERS[name](), airi.randn(4, 7, 8)
    shown = viz.convolution(layer, x)
    out = layer(x[None])[0]
    np.testing.assert_allclose(shown.output, out.detach().numpy(), atol=1e-5)
    filters = shown.weight.reshape(shown.groups, -1, np.prod(shown.weight.shape[1:]))
    by_columns = [filters[g] @ shown.columns(g) for g in range(shown.groups)]
    bias = 0 if shown.bias is None else shown.bias[:, None, None]
    product = np.concatenate(by_columns).reshape(shown.output.shape) + bias
    np.testing.assert_allclose(product, shown.output, atol=1e-5)
    pixel = shown.at(3, 2, 1)
    assert pixel.products.sum() + pixel.bias == pytest.approx(pixel.value, abs=1e-5)
    # What every pixel scatters adds up to the gradients that backward gives.
    given = x.clone().requires_grad_(True)
    (0.5 * layer(given[None]).square().sum()).backward()
    np.testing.assert_allclose(shown.grad_input, given.grad.numpy(), atol=1e-4)
    np.testing.assert_allclose(shown.grad_weight, layer.weight.grad.numpy(), atol=1e-4)
    to_weight = sum(
        shown.at(3, i, j).to_weight
        for i in range(shown.output.shape[1])
        for j in range(shown.output.shape[2])
    )
    np.testing.assert_allclose(to_weight, shown.grad_weight[3], atol=1e-4)


def test_the_layer_keeps_its_own_gradients():
    layer = nn.Conv2d(1, 1, 3)
    with airi.no_grad():
        shown = viz.convolution(layer, airi.randn(5, 5))
    assert layer.weight.grad is None
    assert shown.grad_weight.any()


def test_sobel_finds_edges_and_blur_is_the_mean():
    image = np.zeros((6, 6))
    image[:, 3:] = 1
    shown = viz.convolution(viz.SOBEL | viz.BLUR, image)
    assert shown.names == ["Sobel x", "Sobel y", "Blur"]
    assert shown.output.shape == (3, 6, 6)
    assert shown.output[0, 2].tolist() == [0, 0, 4, 4, 0, -4]
    assert shown.output[1, 2].tolist() == [0] * 6
    assert shown.output[2, 2, 2] == pytest.approx(1 / 3)
    field = shown.at(0, 0, 0)
    assert (field.rows, field.columns) == ([-1, 0, 1], [-1, 0, 1])


def test_a_kernel_is_used_for_each_channel_on_its_own():
    x = airi.randn(1, 3, 5, 5)
    kernel = airi.randn(3, 3)
    shown = viz.convolution(kernel, x, padding=1, stride=2)
    expected = F.conv2d(x, airi.stack([kernel] * 3)[:, None], padding=1, stride=2, groups=3)
    np.testing.assert_allclose(shown.output, expected[0].numpy(), atol=1e-5)


def test_bytes_are_shown_as_numbers_up_to_one():
    shown = viz.convolution(viz.BLUR, np.full((3, 3), 255, np.uint8), padding="valid")
    assert shown.output.item() == pytest.approx(1)


def test_a_gradient_of_ones_own():
    g = np.zeros((1, 3, 3))
    g[0, 1, 1] = 2.0
    shown = viz.convolution([[1.0, 2.0], [3.0, 4.0]], np.ones((3, 3)), gradient=g)
    assert shown.grad_input.tolist() == [[[0, 0, 0], [0, 2, 4], [0, 6, 8]]]


ERRORS = [
    (lambda: viz.convolution("sobel", np.ones((3, 3))), TypeError, "a kernel of numbers"),
    (lambda: viz.convolution(nn.Conv2d(3, 1, 3), np.ones((5, 5))), ValueError, "takes 3 channels"),
    (lambda: viz.convolution(nn.Conv2d(1, 1, 3), np.ones((5, 5)), stride=2), ValueError, "its own"),
    (lambda: viz.convolution(viz.BLUR, np.ones(5)), ValueError, r"\(H, W\)"),
    (lambda: viz.convolution(viz.BLUR, np.ones((300, 300))), ValueError, "too large"),
    (lambda: viz.convolution(viz.BLUR, np.ones((2, 2)), padding=0), ValueError, "larger than"),
    (lambda: viz.convolution(viz.BLUR, np.ones((5, 5)), padding="some"), ValueError, "padding"),
    (lambda: viz.convolution(viz.BLUR, np.ones((5, 5)), stride=0), ValueError, "stride"),
    (lambda: viz.convolution(viz.BLUR, np.ones((5, 5)), gradient=[1.0]), ValueError, "shape"),
    (lambda: viz.convolution(viz.BLUR, np.ones((5, 5))).at(0, 5, 0), IndexError, "not in"),
    (lambda: viz.convolution(viz.BLUR, np.ones((5, 5))).save("x.mp4"), ValueError, "ending"),
    (lambda: viz.convolution(viz.BLUR, np.ones((5, 5))).save("x.html", fps=2), TypeError, "gif"),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors_say_what_was_expected(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_the_gif_has_its_frames(tmp_path):
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    layer = nn.Conv2d(3, 2, 3, stride=2, padding=1)
    shown = viz.convolution(layer, airi.rand(3, 6, 6))
    path = shown.save(tmp_path / "c.gif", filter=1, channel=2, frames=5, fps=2)
    with image.open(path) as gif:
        assert gif.n_frames >= 5
    with image.open(shown.save(tmp_path / "b.gif", backward=True, frames=9)) as gif:
        assert gif.n_frames == 9
    with pytest.raises(IndexError, match="no filter 2"):
        shown.save(tmp_path / "c.gif", filter=2)


def test_the_backward_animation_ends_at_the_gradients():
    pytest.importorskip("matplotlib")
    from airi.viz.convolution_gif import _BackwardScene

    layer = nn.Conv2d(4, 1, 3, stride=2, padding=1)
    shown = viz.convolution(layer, airi.randn(4, 6, 5))
    scene = _BackwardScene(shown, 0, 2)
    for place in (0, 4, shown.output[0].size - 1):
        scene.show(place)
    np.testing.assert_allclose(scene.to_input, shown.grad_padded[2], atol=1e-4)
    np.testing.assert_allclose(scene.to_kernel, shown.grad_weight[0, 2], atol=1e-4)


def test_notebooks_get_a_frame_of_their_own():
    bundle = viz.convolution(viz.BLUR, np.ones((4, 4)))._repr_mimebundle_()
    assert 'sandbox="allow-scripts"' in bundle["text/html"]
    assert "1×4×4" in bundle["text/plain"]


def test_hostile_names_stay_text_and_nan_is_shown():
    name = '</script><b>"x"</b>'
    page = viz.convolution({name: [[1.0]]}, [[float("nan"), -1.0]]).html()
    assert page.count("</script>") == 2
    assert "<b>" not in page
    assert "default-src 'none'" in page


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    airi.manual_seed(0)
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1)
    shown = viz.convolution(layer, airi.rand(3, 12, 12))
    return shown.save(tmp_path_factory.mktemp("convolution") / "c.html"), shown


def test_the_page_steps_and_sums(browser, saved):
    path, shown = saved
    with Visit(browser, path) as visit:
        page = visit.page
        page.keyboard.press("Home")
        assert visit.text("#count") == "Pixel 1 of 36"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert visit.text("#count") == "Pixel 8 of 36"
        said = f"{shown.at(0, 1, 1).value:.3g}".replace("-", "−").rstrip("0")
        assert said in visit.text("h2")
        assert visit.page.locator("table.grid").count() == 9
        assert "bias" in visit.text(".sum")
        page.select_option("#filter", "2")
        assert visit.text("h2").startswith("Output[2, 1, 1]")
        page.locator("#output").click(position={"x": 5, "y": 5})
        assert visit.text("#count") == "Pixel 1 of 36"
        assert page.locator("td.outside").count() > 0
        assert "column 1;" in visit.text("#columnsNote")


def test_backward_in_the_page(browser, saved):
    path, _ = saved
    with Visit(browser, path) as visit:
        visit.page.keyboard.press("b")
        assert visit.text("h2").startswith("dL/doutput[0,")
        assert "added to the window" in visit.text("#details")
        assert visit.text("#inputName").startswith("dL/dinput")
        visit.page.keyboard.press("End")
        final = visit.page.evaluate("document.getElementById('kernel').ariaLabel")
        assert "complete" in final
        assert "scattered" in visit.text("#said")
    with Visit(browser, path, locale="pt-BR", color_scheme="dark") as visit:
        visit.page.click("#backward")
        assert "somado à janela" in visit.text("#details")
        visit.page.click("#language")
        assert visit.text("h1") == "A convolution, pixel by pixel"
        visit.page.click("#theme")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_overflows_on_a_phone(browser, saved, dark):
    options = {"viewport": {"width": 360, "height": 740}, "bypass_csp": False}
    scheme = "dark" if dark else "light"
    with Visit(browser, saved[0], color_scheme=scheme, **options) as visit:
        assert visit.overflow <= 0
        visit.page.click("#backward")
        assert visit.overflow <= 0


def test_two_pages_in_one_notebook(browser, tmp_path):
    shown = viz.convolution(viz.SOBEL, airi.rand(5, 5))
    frames = [shown._repr_mimebundle_()["text/html"] for _ in range(2)]
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><title>n</title>{frames[0]}<hr>{frames[1]}", "utf-8")
    with Visit(browser, notebook) as visit:
        visit.page.evaluate("document.querySelectorAll('iframe').forEach(f => f.loading = 'eager')")
        one, other = (visit.page.frame_locator("iframe").nth(i) for i in range(2))
        one.locator("#first").click()
        other.locator("#last").click()
        assert one.locator("#count").inner_text() == "Pixel 1 of 25"
        assert other.locator("#count").inner_text() == "Pixel 25 of 25"
