"""airi.jit and airi.distributed: nothing is compiled, and there is one process."""

import airi
from airi import nn


def test_what_is_scripted_or_traced_is_the_eager_program():
    @airi.jit.script
    def doubled(x):
        return x * 2 if not airi.jit.is_scripting() and not airi.jit.is_tracing() else x

    @airi.jit.ignore
    def first(x):
        return x[0]

    @airi.jit.ignore(drop=True)
    def second(x):
        return x[1]

    x = airi.tensor([1.0, 2.0])
    assert doubled(x).tolist() == [2.0, 4.0]
    assert (first(x).item(), second(x).item()) == (1.0, 2.0)
    assert airi.jit.annotate(int, 3) == airi.jit.Attribute(3, int) == 3

    class Layer(nn.Module):
        scale: airi.jit.Final[int] = 3

        @airi.jit.export
        def scaled(self, x):
            return x * self.scale

        @airi.jit.unused
        def forward(self, x):
            return self.scaled(x)

    layer = Layer()
    assert airi.jit.script(layer) is airi.jit.trace(layer, x) is layer
    assert airi.jit.trace_module(layer, {"forward": x}) is layer
    assert layer(x).tolist() == [3.0, 6.0]
    assert not isinstance(layer, airi.jit.ScriptModule)


def test_there_are_no_other_processes():
    questions = [name for name in airi.distributed.__all__ if name != "is_backend_available"]
    assert not any(getattr(airi.distributed, name)() for name in questions)
    assert not airi.distributed.is_backend_available("gloo")
