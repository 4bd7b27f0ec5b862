"""What README.md shows works, and CI runs the command that it gives."""

import re
from pathlib import Path

import pytest

from airi.viz.layout import find_engine

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_ci_runs_the_test_command():
    install = 'pip install -e ".[test]"'
    commands = [line for line in README.splitlines() if install in line]
    assert len(commands) == 1
    assert commands[0].endswith("python -m pytest -n auto")
    assert re.search(
        r'pip install .*-e "\.\[test\]" && python -m pytest -n auto', (ROOT / ".ci/run").read_text()
    )


def test_the_first_example_runs(tmp_path, monkeypatch):
    pytest.importorskip("graphviz")
    if find_engine("png") is None:
        pytest.skip("no layout engine")
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    exec(code, {})
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in link:
            assert (ROOT / link).exists(), link
