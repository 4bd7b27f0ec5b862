"""airi.utils.benchmark: what is counted and reported; how long things take is not tested."""

import pytest

import airi
from airi.utils.benchmark import Measurement, Timer


def ticking(step=1.0):
    """A clock that goes on by `step` whenever it is read."""
    now = [0.0]

    def read():
        now[0] += step
        return now[0]

    return read


def test_a_statement_runs_with_the_names_that_it_is_given():
    calls = []
    names = {"call": calls.append}
    result = Timer("call(x)", setup="x = 3", globals=names, timer=ticking()).timeit(10)
    assert calls == [3] * 12  # two to get warm
    assert (result.number_per_run, result.raw_times, result.times) == (10, [1.0], [0.1])
    assert result.median == result.mean == 0.1
    assert result.iqr == 0
    assert "x" not in names


def test_measurements_go_on_until_they_suffice():
    steady = Timer(lambda: None, timer=ticking(0.25)).blocked_autorange(min_run_time=1.25)
    assert len(steady.raw_times) == 5
    seen = []
    adaptive = Timer("pass", timer=ticking(0.01)).adaptive_autorange(
        callback=lambda number, took: seen.append(number)
    )
    assert len(seen) == len(adaptive.raw_times) == 4
    assert not adaptive.has_warnings


def test_what_a_measurement_says():
    one = Measurement(100, [1e-3], "x + x: small", "mine")
    assert repr(one).splitlines()[1:] == [
        "x + x: small",
        "mine",
        "  10.00 us",
        "  1 measurement, 100 runs, 1 thread",
    ]
    several = Measurement(1, [1.0, 2.0, 3.0, 4.0, 5.0], "f", num_threads=2)
    assert (several.median, several.mean, several.iqr) == (3, 3, 2)
    assert several.has_warnings
    assert repr(several).splitlines()[2:] == [
        "  Median: 3.00 s",
        "  IQR:    2.00 s (2.00 to 4.00)",
        "  5 measurements, 1 run per measurement, 2 threads",
        "  WARNING: Interquartile range is 66.7% of the median.",
    ]


def test_the_number_of_threads_holds_for_the_statement_only():
    before = airi.get_num_threads()
    counts = []
    Timer(lambda: counts.append(airi.get_num_threads()), num_threads=2).timeit(1)
    assert set(counts) == {2}
    assert airi.get_num_threads() == before
    with pytest.raises(ValueError, match="global_setup"):
        Timer(global_setup="#include <vector>")
