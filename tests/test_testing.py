"""airi.testing.assert_close, beside PyTorch's."""

import numpy as np
import pytest

import airi

torch = pytest.importorskip("torch")


def _floats(lib, *values):
    return lib.tensor(values)


CASES = [
    (lambda lib: (_floats(lib, 1.0, 2.0), _floats(lib, 1.0, 2.0 + 1e-6)), {}),
    (lambda lib: (_floats(lib, 1.0, 2.0), _floats(lib, 1.0, 2.1)), {}),
    (lambda lib: (_floats(lib, 1.0, 2.0), _floats(lib, 1.0, 2.1)), {"rtol": 0.1, "atol": 0}),
    (lambda lib: (lib.ones(2), lib.ones(3)), {}),
    (lambda lib: (lib.ones(2), lib.ones(2, dtype=lib.float64)), {}),
    (lambda lib: (lib.ones(2), lib.ones(2, dtype=lib.float64)), {"check_dtype": False}),
    (lambda lib: (lib.ones(2, dtype=lib.int64), lib.zeros(2, dtype=lib.int64)), {}),
    (lambda lib: (lib.tensor([2**60 + 1]), lib.tensor([2**60])), {}),
    (lambda lib: (_floats(lib, float("nan")), _floats(lib, float("nan"))), {}),
    (lambda lib: (_floats(lib, float("nan")), _floats(lib, float("nan"))), {"equal_nan": True}),
    (lambda lib: ([lib.ones(1), 2.0], (lib.ones(1), 2.0)), {}),
    (lambda lib: ({"a": lib.ones(1)}, {"a": lib.zeros(1)}), {}),
    (lambda lib: ({"a": 1.0}, {"b": 1.0}), {}),
    (lambda lib: (1.0, 1.0 + 1e-9), {}),
    (lambda lib: (np.ones(2), np.zeros(2)), {}),
    (lambda lib: (lib.ones(2), np.ones(2)), {}),
    (lambda lib: (None, 1.0), {}),
    (lambda lib: (lib.ones(2, 3), lib.ones(3, 2).T), {"check_stride": True}),
    (lambda lib: (lib.ones(1), lib.ones(1)), {"rtol": 0.1}),
]


def _outcome(lib, make, options):
    try:
        lib.testing.assert_close(*make(lib), **options)
    except (AssertionError, TypeError, ValueError) as error:
        return type(error)
    return None


@pytest.mark.parametrize("case", range(len(CASES)))
def test_what_is_close_enough(case):
    assert _outcome(airi, *CASES[case]) is _outcome(torch, *CASES[case])


def test_the_message_says_where_and_how_far():
    with pytest.raises(AssertionError) as caught:
        airi.testing.assert_close([airi.tensor([1.0, 2.0, 4.0])], [airi.tensor([1.0, 2.5, 3.0])])
    assert str(caught.value).splitlines() == [
        "The values differ at [0].",
        "",
        "Mismatched elements: 2 / 3 (66.7%)",
        "Greatest absolute difference: 1 at index (2,) (up to 1e-05 allowed)",
        "Greatest relative difference: 0.333333 at index (2,) (up to 1.3e-06 allowed)",
    ]
    with pytest.raises(AssertionError, match=r"^mine: The shapes"):
        airi.testing.assert_close(airi.ones(1), airi.ones(2), msg=lambda text: f"mine: {text}")
