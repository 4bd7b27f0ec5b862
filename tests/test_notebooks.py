"""The notebooks: they run in a kernel of this environment, in plain Python, and in a page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airi.viz import layout

from .viz.browser import Visit
from .viz.conftest import browser  # noqa: F401

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path, kind="code"):
    content = json.loads(path.read_text(encoding="utf-8"))
    return [each for each in content["cells"] if each["cell_type"] == kind]


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS] == ["see_backward.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_outputs_are_not_committed(path):
    assert all(cell["outputs"] == [] for cell in cells(path))
    assert all(cell["execution_count"] is None for cell in cells(path))
    assert "/home/" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_runs_as_plain_python(path, tmp_path):
    script = tmp_path / "notebook.py"
    script.write_text("\n\n".join("".join(cell["source"]) for cell in cells(path)), "utf-8")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook with its outputs; the last is the environment of the kernel."""
    pytest.importorskip("nbmake")
    pytest.importorskip("graphviz")
    if layout.find_engine("json") is None:
        pytest.skip("no layout engine")
    pytest.importorskip("ipykernel")
    nbformat = pytest.importorskip("nbformat")
    folder = tmp_path_factory.mktemp("notebooks")
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import sys; print(sys.prefix)"))
    copy = folder / "see_backward.ipynb"
    nbformat.write(notebook, copy)
    command = [sys.executable, "-m", "pytest", "-q", "--nbmake", "--overwrite", str(copy)]
    environment = os.environ | {"JUPYTER_PREFER_ENV_PATH": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


def test_nbmake_runs_it_in_a_kernel_of_this_environment(executed):
    *shown, last = cells(executed)
    assert "".join(last["outputs"][0]["text"]).strip() == sys.prefix
    pages = [
        output["data"]["text/html"]
        for cell in shown
        for output in cell["outputs"]
        if "text/html" in output.get("data", {})
    ]
    assert len(pages) == 4  # two traces, a convolution, optimizers
    assert any("image/svg+xml" in output.get("data", {}) for output in shown[2]["outputs"])


def test_its_page_in_a_browser(executed, browser, tmp_path):  # noqa: F811
    """Two traces, a convolution and the optimizers in one page, which asks for nothing."""
    nbconvert = pytest.importorskip("nbconvert")
    exporter = nbconvert.HTMLExporter(template_name="basic")
    body, _ = exporter.from_filename(str(executed))
    page = tmp_path / "notebook.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><title>n</title>{body}", "utf-8")
    with Visit(browser, page) as visit:
        frames = visit.page.locator("iframe")
        assert frames.count() == 4
        frames.evaluate_all("all => all.forEach(f => f.loading = 'eager')")
        one, other, picture, lab = (visit.page.frame_locator("iframe").nth(i) for i in range(4))
        one.locator("#next").click()
        one.locator("#next").click()
        other.locator("#last").click()
        other.locator("#language").click()
        picture.locator("#first").click()
        lab.locator("#first").click()
        assert one.locator("#count").inner_text().startswith("Step 3 of")
        assert other.locator("#count").inner_text().startswith("Pronto")
        assert other.locator(".box.wrong").count() == 1
        assert one.locator(".box.wrong").count() == 0
        assert picture.locator("#count").inner_text() == "Pixel 1 of 784"
        assert lab.locator("#count").inner_text() == "Step 0 of 60"
        one.locator(".box.current").press("ArrowRight")
        assert one.locator("#count").inner_text().startswith("Step 4 of")
        assert other.locator("#count").inner_text().startswith("Pronto")
