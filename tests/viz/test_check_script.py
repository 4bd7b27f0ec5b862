"""airi check script.py"""

import subprocess
import sys

import pytest

RIGHT = """
import airi
x = airi.tensor([1.0, 2.0], requires_grad=True)
for step in range(3):
    loss = (x * x).sum()
    loss.backward()
    print("step", step)
"""

WRONG = """
import torch

class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3.03 * x ** 2 * g

x = torch.tensor([1.0, 2.0], requires_grad=True)
Cube.apply(x).sum().backward()
"""


def check(tmp_path, source, *arguments):
    script = tmp_path / "script.py"
    script.write_text(source)
    command = [sys.executable, "-m", "airi", "check", *arguments, "script.py"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)


def test_a_right_script(tmp_path):
    done = check(tmp_path, RIGHT)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 ops checked, 0 wrong" in done.stdout
    assert "step 0" not in done.stdout  # it ends with the first backward


def test_more_passes(tmp_path):
    done = check(tmp_path, RIGHT, "--passes", "2")
    assert done.stdout.count("0 wrong") == 2
    assert "step 0" in done.stdout
    assert "step 1" not in done.stdout


def test_a_wrong_rule_is_named_with_its_line(tmp_path):
    done = check(tmp_path, WRONG)
    assert done.returncode == 1
    assert "Cube at script.py:16: the gradient of x is wrong" in done.stdout
    assert "analytic / numeric = 1.01" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_nan_is_reported(tmp_path):
    source = (
        "import airi\nx = airi.tensor([-1.0], requires_grad=True)\n(x * 1).log().sum().backward()"
    )
    done = check(tmp_path, source)
    assert done.returncode == 1
    assert "NaN was made first by Log in the forward pass at script.py:3" in done.stdout


def test_the_page(tmp_path):
    pytest.importorskip("graphviz")
    done = check(tmp_path, RIGHT, "--html", "page.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_scripts_without_backward_or_that_fail(tmp_path):
    done = check(tmp_path, "print('hello')")
    assert done.returncode == 2
    assert "no backward pass" in done.stderr
    assert check(tmp_path, "import sys\nsys.exit(3)").returncode == 3
    done = check(tmp_path, "1 / 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_script_that_is_not_there(tmp_path):
    command = [sys.executable, "-m", "airi", "check", "nofile.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "airi check: can't open file 'nofile.py': No such file or directory\n"


def test_a_backward_that_raises_is_checked_up_to_there(tmp_path):
    source = WRONG.replace("return 3.03 * x ** 2 * g", "raise ValueError('no way')")
    done = check(tmp_path, source)
    assert done.returncode == 1
    assert "ValueError: no way" in done.stderr
    assert "1 of 2 ops checked, 0 wrong" in done.stdout
    assert "Cube at script.py:16: unchecked (its backward raised an error)" in done.stdout
    assert "ran no backward" not in done.stderr
