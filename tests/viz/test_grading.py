"""grade: answers of predict mode against the trace."""

import json

import pytest

import airi
from airi import viz
from airi.viz import layout

from .browser import Visit


def traced():
    a = airi.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    b = airi.tensor([[1.0, -1.0], [2.0, 0.5]], requires_grad=True)
    return viz.trace((a @ b).sum())


def saved(tmp_path, *answers):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"airi": "answers", "version": 1, "answers": list(answers)}))
    return path


def test_right_and_wrong_answers(tmp_path):
    about = {"step": 1, "op": "MatMul"}
    path = saved(
        tmp_path,
        {**about, "input": "x", "shape": [3, 2], "sign": "+", "value": 0.0},
        {**about, "input": "y", "shape": [3, 2], "value": 9.05},
    )
    grade = viz.grade(path, traced())
    assert [(m.input, m.asked, m.right) for m in grade.marks] == [
        ("x", "shape", True),
        ("x", "sign", False),  # 1 - 1
        ("x", "value", True),
        ("y", "shape", False),
        ("y", "value", True),  # within 1 %
    ]
    assert (grade.right, grade.total) == (3, 5)
    assert "3 of 5 right" in str(grade)


def test_the_text_itself_can_be_graded(tmp_path):
    path = saved(tmp_path, {"step": 1, "op": "MatMul", "input": "x", "shape": [3, 2]})
    assert viz.grade(path.read_text(), traced()).right == 1
    with pytest.raises(ValueError, match="grade: the text is no JSON"):
        viz.grade('{"answers": ', traced())
    with pytest.raises(TypeError, match="path of a file of answers, or its text, got int"):
        viz.grade(3, traced())
    with pytest.raises(TypeError, match="expected a Trace to grade against, got str"):
        viz.grade(path, "trace")


def test_answers_about_one_trace_of_several(tmp_path):
    both = viz.compare(traced(), traced())
    answer = {"step": 1, "op": "MatMul", "input": "x", "shape": [3, 2], "snapshot": 1}
    path = saved(tmp_path, answer)
    assert viz.grade(path, both).right == 1
    with pytest.raises(ValueError, match="about several traces"):
        viz.grade(path, traced())
    with pytest.raises(ValueError, match="no trace 2 among 2"):
        viz.grade(saved(tmp_path, answer | {"snapshot": 2}), both)


@pytest.mark.parametrize(
    "text", ["nothing", "[]", '{"answers": 3}', '{"answers": [{"step": "x"}]}', "\x00"]
)
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "answers.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"grade: 'answers\.json' is no"):
        viz.grade(path, traced())


def test_answers_of_another_trace_are_refused(tmp_path):
    path = saved(tmp_path, {"step": 1, "op": "Mul", "input": "x", "sign": "+"})
    with pytest.raises(ValueError, match="no gradient of 'x' by 'Mul' at step 1"):
        viz.grade(path, traced())


def test_predicting_in_one_trace_of_several(browser, tmp_path):
    pytest.importorskip("graphviz")
    if layout.find_engine("json") is None:
        pytest.skip("no layout engine")
    both = viz.compare(traced(), traced())
    with Visit(browser, both.save(tmp_path / "both.html")) as visit:
        page = visit.page
        page.keyboard.press("ArrowRight")
        page.click("#predict")
        page.focus("#snapshot")
        page.keyboard.press("ArrowRight")
        page.locator(".predict input").first.fill("3x2")
        page.locator(".predict button").first.click()
        assert page.locator(".predict").count() == 1
        page.focus("#snapshot")
        page.keyboard.press("ArrowLeft")
        assert page.locator(".predict").count() == 2  # not answered here
        answers = page.input_value("#answers")
    assert json.loads(answers)["answers"][0]["snapshot"] == 1
    assert viz.grade(answers, both).right == 1
