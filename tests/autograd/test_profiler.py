"""The profiler's table."""

import pytest

import airi
from airi.autograd.profiler import profile, record_function


def test_ops_and_their_backwards_are_counted():
    x = airi.ones(3, requires_grad=True)
    with profile() as prof:
        with record_function("my block"):
            y = (x * x).exp() * 2
        y.sum().backward()
    airi.exp(x)
    rows = {each.key: each for each in prof.key_averages()}
    assert rows["Mul"].count == 2
    assert rows["MulBackward"].count == 2
    assert rows["Exp"].count == 1
    assert rows["my block"].cpu_time_total >= rows["Exp"].cpu_time_total > 0
    assert prof.self_cpu_time_total < sum(each.cpu_time_total for each in rows.values())
    table = prof.key_averages().table(sort_by="count", row_limit=2)
    assert len(table.splitlines()) == 3
    assert "Mul" in table
    with pytest.raises(ValueError, match="sort_by"):
        prof.table(sort_by="cuda_time")


def test_disabled_it_counts_nothing():
    with profile(enabled=False) as prof:
        airi.exp(airi.ones(1))
    assert prof.key_averages() == []
