"""no_grad and its family: where they hold, and that they hold per thread."""

import threading

import numpy as np
import pytest

import airi


def leaf(*values):
    return airi.tensor(np.array(values), requires_grad=True)


def test_contexts_nest_and_end_on_errors():
    @airi.no_grad()
    def fails():
        assert not airi.is_grad_enabled()
        with airi.enable_grad():
            assert airi.is_grad_enabled()
        assert not airi.is_grad_enabled()
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert airi.is_grad_enabled()


def test_one_switch_used_twice():
    switch = airi.no_grad()
    for _ in range(2):
        with switch:
            assert not airi.is_grad_enabled()
        assert airi.is_grad_enabled()


def test_decorators_with_and_without_parentheses():
    @airi.no_grad()
    def one(x):
        return (x * 2.0).requires_grad

    @airi.no_grad
    def two(x):
        return (x * 2.0).requires_grad

    @airi.inference_mode()
    def three(x):
        return (x * 2.0).is_inference()

    assert not one(leaf(1.0))
    assert not two(leaf(1.0))
    assert three(leaf(1.0))
    assert one.__name__ == "one"


def test_a_decorated_generator_does_not_leak():
    @airi.no_grad()
    def generate():
        got = yield airi.is_grad_enabled()
        yield (airi.is_grad_enabled(), got)

    items = generate()
    assert next(items) is False
    assert airi.is_grad_enabled()
    assert items.send(7) == (False, 7)


def test_set_grad_enabled_as_function_and_context():
    airi.set_grad_enabled(False)
    assert not airi.is_grad_enabled()
    airi.set_grad_enabled(True)
    with airi.set_grad_enabled(False):
        assert not airi.is_grad_enabled()
    assert airi.is_grad_enabled()


def test_threads_have_their_own():
    seen = []
    with airi.no_grad():
        thread = threading.Thread(target=lambda: seen.append(airi.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_inference_tensors_stay_out_of_graphs():
    with airi.inference_mode():
        frozen = airi.tensor([1.0, 2.0]) * 2.0
        frozen.add_(1.0)
    assert frozen.is_inference()
    with pytest.raises(RuntimeError, match="inference_mode"):
        frozen * leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="inference_mode"):
        frozen.add_(1.0)
    kept = frozen.clone() * leaf(1.0, 2.0)
    kept.sum().backward()


def test_inference_mode_false_records():
    with airi.inference_mode(), airi.inference_mode(False):
        assert not airi.is_inference_mode_enabled()
