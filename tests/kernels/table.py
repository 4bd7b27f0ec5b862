"""What the kernels compute, each written once for airi and PyTorch. A new kernel is a new row.

A row's `run` gets the library (``airi`` or ``torch``) and one float tensor for each shape, and
returns one float tensor. The tests give it ordinary and difficult numbers, compare the result and
the gradients with PyTorch's, and run it in threads and in forked processes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

# How `numbers` makes arguments: ordinary ones, and what is difficult for float32.
KINDS = ("ordinary", "large", "tiny", "mixed", "offset")


@dataclass(frozen=True)
class Work:
    """One use of one kernel."""

    name: str
    run: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    gradients: bool = True
    kinds: tuple[str, ...] = KINDS
    # What the error of one element is measured by: itself ("element"), the row that it is in
    # ("row") or the whole array ("array"), where a kernel adds up in an order of its own.
    measure: str = "element"

    def __str__(self):
        return f"{self.name}-{'x'.join(map(str, self.shapes[0]))}"


def numbers(shape, kind="ordinary", seed=0):
    """float32 numbers of a kind."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    if kind == "large":
        values *= 1e3
    elif kind == "tiny":
        values *= 1e-6
    elif kind == "mixed":
        values *= 10.0 ** rng.uniform(-4, 3, shape)
    elif kind == "offset":
        values += 1000
    return values.astype(np.float32)


def arguments(work, kind="ordinary"):
    """The first argument is of that kind, the others, weights mostly, are ordinary."""
    first, *rest = work.shapes
    return [numbers(first, kind), *[numbers(each, seed=1 + i) for i, each in enumerate(rest)]]


def computed(work, arrays, lib):
    """The output, and the gradients of a weighted sum of it, as NumPy arrays."""
    tensors = [lib.tensor(each) for each in arrays]
    if not work.gradients:
        return [work.run(lib, *tensors).detach().numpy()]
    for each in tensors:
        each.requires_grad_()
    out = work.run(lib, *tensors)
    weights = numbers(tuple(out.shape), seed=99).astype(arrays[0].dtype)
    out.backward(lib.tensor(weights))
    return [out.detach().numpy(), *(each.grad.numpy() for each in tensors)]


def functional(name, *args, **options):
    """lib.nn.functional.NAME(x, ..., *args, **options)"""

    def run(lib, *tensors):
        return getattr(lib.nn.functional, name)(*tensors, *args, **options)

    return run


def top(name, *args, **options):
    """lib.NAME(x, ..., *args, **options)"""
    return lambda lib, *tensors: getattr(lib, name)(*tensors, *args, **options)


SMALL, ODD, LARGE = (4, 4), (3, 2049), (64, 1003)
SIZES = (SMALL, ODD, LARGE)


def of_sizes(name, run, count=1, sizes=SIZES, **options):
    """The same for several sizes of arrays: what is used for small ones is another kernel."""
    return [Work(name, run, (size,) * count, **options) for size in sizes]


MODERATE = ("ordinary", "tiny")  # where large numbers overflow in e**x

ELEMENTWISE = [
    *of_sizes("add", top("add"), 2),
    *of_sizes("sub", top("sub"), 2),
    *of_sizes("mul", top("mul"), 2),
    *of_sizes("div", top("div"), 2),
    *of_sizes("square", top("square")),
    *of_sizes("sqrt", lambda lib, x: lib.sqrt(lib.abs(x))),
    *of_sizes("exp", top("exp"), kinds=MODERATE),
    *of_sizes("log", lambda lib, x: lib.log(lib.abs(x))),
    *of_sizes("tanh", top("tanh")),
    *of_sizes("sigmoid", top("sigmoid")),
    *of_sizes("erf", top("erf")),
    *of_sizes("relu", functional("relu")),
    *of_sizes("leaky_relu", functional("leaky_relu")),
    *of_sizes("elu", functional("elu"), measure="row"),
    *of_sizes("silu", functional("silu")),
    *of_sizes("gelu", functional("gelu"), measure="row"),
    *of_sizes("gelu_tanh", functional("gelu", approximate="tanh"), measure="row"),
    *of_sizes("softplus", functional("softplus")),
    *of_sizes("relu6", functional("relu6")),
    *of_sizes("hardsigmoid", functional("hardsigmoid")),
    *of_sizes("hardswish", functional("hardswish"), measure="row"),
    *of_sizes("prelu", lambda lib, x: lib.prelu(x, lib.tensor(0.3).reshape(1))),
    *of_sizes("selu", functional("selu"), measure="row"),
    *of_sizes("celu", functional("celu", 1.5), measure="row"),
    *of_sizes("softplus_steep", functional("softplus", 2.5, 15)),
    *of_sizes("logsigmoid", functional("logsigmoid")),
    # PyTorch's zeros have signs where its vectors end: such sizes are left out.
    *of_sizes("softshrink", functional("softshrink"), sizes=(SMALL, (3, 2048), LARGE)),
    *of_sizes("hardshrink", functional("hardshrink")),
    *of_sizes("threshold", functional("threshold", 0.1, 0.5)),
    *of_sizes("glu", lambda lib, x: lib.nn.functional.glu(x, 0), sizes=(SMALL, (6, 2049))),
    *of_sizes("glu_of_rows", functional("glu"), sizes=(SMALL, (3, 2050), (64, 78))),
    *of_sizes("abs", top("abs")),
    *of_sizes("sign", top("sign")),
    *of_sizes("reciprocal", top("reciprocal")),
    *of_sizes("rsqrt", lambda lib, x: lib.rsqrt(lib.abs(x) + 0.125)),
    *of_sizes("cube", top("pow", 3)),
    *of_sizes("lerp", top("lerp", 0.3), 2, measure="row"),
    *of_sizes("clamp", top("clamp", -0.5, 1.5)),
    Work("add_row", top("add"), ((64, 1003), (1003,)), measure="row"),
    Work("mul_planes", top("mul"), ((4, 6, 9, 9), (6, 1, 1)), measure="array"),
    Work("mul_planes", top("mul"), ((4, 6, 9, 9), (4, 6, 1, 1)), measure="array"),
    Work("mul_column", top("mul"), ((64, 1003), (64, 1)), measure="row"),
]

ROWS = [
    *of_sizes("softmax", top("softmax", -1), measure="row"),
    *of_sizes("log_softmax", top("log_softmax", -1), measure="row"),
    *of_sizes("logsumexp", top("logsumexp", -1), measure="row"),
    *of_sizes("softmax_of_columns", top("softmax", 0), measure="row"),
    *of_sizes("sum", top("sum"), measure="array"),
    *of_sizes("sum_of_rows", top("sum", -1), measure="row"),
    *of_sizes("sum_of_columns", top("sum", 0), sizes=(*SIZES, (5003, 7)), measure="row"),
    *of_sizes("mean", top("mean"), measure="array"),
    *of_sizes("mean_of_columns", top("mean", 0), measure="row"),
    *of_sizes("var", top("var", -1), measure="row"),
    *of_sizes("norm", top("norm"), measure="array"),
    *of_sizes("cumsum", top("cumsum", -1), measure="row"),
    Work("mean_of_planes", top("mean", (2, 3)), ((4, 5, 28, 28),), measure="row"),
    Work("sum_for_channels", top("sum", (0, 2, 3)), ((4, 5, 28, 28),), measure="row"),
]


def layer_norm(lib, x, w, b):
    return lib.nn.functional.layer_norm(x, tuple(w.shape), w, b)


def rms_norm(lib, x, w):
    return lib.nn.functional.rms_norm(x, tuple(w.shape), w)


def batch_norm(lib, x, w, b):
    return lib.nn.functional.batch_norm(x, None, None, w, b, True)


def batch_norm_in_use(lib, x, w, b):
    mean, var = lib.zeros_like(b).detach() + 0.5, lib.ones_like(w).detach() * 2
    return lib.nn.functional.batch_norm(x, mean, var, w, b, False)


def instance_norm(lib, x, w, b):
    return lib.nn.functional.instance_norm(x, None, None, w, b)


def group_norm(lib, x, w, b):
    return lib.nn.functional.group_norm(x, 2, w, b)


# With a large mean the variance is what is left of large squares; with tiny numbers it is eps.
NORMS = [
    Work("layer_norm", layer_norm, ((6, 9), (9,), (9,)), measure="row"),
    Work("layer_norm", layer_norm, ((64, 391), (391,), (391,)), measure="row"),
    Work("rms_norm", rms_norm, ((64, 391), (391,)), measure="row"),
    Work("batch_norm", batch_norm, ((32, 6), (6,), (6,)), measure="array"),
    Work("batch_norm", batch_norm, ((8, 6, 14, 14), (6,), (6,)), measure="array"),
    Work("batch_norm_in_use", batch_norm_in_use, ((8, 6, 14, 14), (6,), (6,)), measure="array"),
    Work("batch_norm", batch_norm, ((33, 6, 4, 4), (6,), (6,)), measure="array"),
    Work("batch_norm", batch_norm, ((130, 19), (19,), (19,)), measure="array"),
    Work("group_norm", group_norm, ((4, 6, 9, 9), (6,), (6,)), measure="array"),
    Work("group_norm", group_norm, ((9, 6, 4, 4), (6,), (6,)), measure="array"),
    Work("instance_norm", instance_norm, ((4, 6, 9, 9), (6,), (6,)), measure="array"),
    Work("prelu", top("prelu"), ((4, 6, 9, 9), (6,)), measure="array"),
]


def cross_entropy(lib, x, **options):
    labels = np.arange(len(x)) * 7 % x.shape[1]
    labels[len(x) // 2] = -100
    return lib.nn.functional.cross_entropy(x, lib.tensor(labels), **options)


def bce(lib, x, target):
    return lib.nn.functional.binary_cross_entropy_with_logits(x, lib.sigmoid(target))


LOSSES = [
    Work("cross_entropy", cross_entropy, ((7, 5),), measure="row"),
    Work("cross_entropy", cross_entropy, ((128, 100),), measure="row"),
    Work("cross_entropy_each", partial(cross_entropy, reduction="none"), ((128, 100),)),
    *of_sizes("mse_loss", functional("mse_loss"), 2, measure="array"),
    *of_sizes("mse_loss_each", functional("mse_loss", reduction="none"), 2),
    *of_sizes("l1_loss", functional("l1_loss"), 2, measure="array"),
    *of_sizes("huber_loss", functional("huber_loss", delta=0.7), 2, measure="array"),
    *of_sizes("smooth_l1_loss", functional("smooth_l1_loss", beta=0.5), 2, measure="array"),
    Work("bce", bce, ((64, 100), (64, 100))),
]


def conv(stride=1, padding=0, dilation=1, groups=1):
    def run(lib, x, w, b):
        return lib.nn.functional.conv2d(x, w, b, stride, padding, dilation, groups)

    return run


def transposed(lib, x, w, b):
    return lib.nn.functional.conv_transpose2d(x, w, b, 2, 1)


def convolution(name, run, x, w, bias=None):
    return Work(name, run, (x, w, (bias or w[0],)), measure="array")


CONVOLUTIONS = [
    convolution("conv_course_1", conv(), (4, 3, 32, 32), (16, 3, 5, 5)),
    convolution("conv_course_2", conv(), (2, 16, 28, 28), (16, 16, 5, 5)),
    convolution("conv_stem", conv(2, 3), (2, 3, 64, 64), (16, 3, 7, 7)),
    convolution("conv_3x3", conv(1, 1), (1, 48, 28, 28), (64, 48, 3, 3)),
    convolution("conv_3x3_deep", conv(1, 1), (2, 192, 8, 8), (48, 192, 3, 3)),
    convolution("conv_first", conv(1, 1), (4, 1, 28, 28), (32, 1, 3, 3)),
    convolution("conv_1x1", conv(), (2, 64, 28, 28), (96, 64, 1, 1)),
    convolution("conv_strided", conv(2, 1), (2, 64, 15, 15), (48, 64, 3, 3)),
    convolution("conv_dilated", conv(1, 2, 2), (2, 16, 20, 20), (24, 16, 3, 3)),
    convolution("conv_grouped", conv(1, 1, groups=4), (2, 32, 14, 14), (32, 8, 3, 3)),
    convolution("conv_depthwise", conv(1, 1, groups=24), (2, 24, 28, 28), (24, 1, 3, 3)),
    convolution("conv_transposed", transposed, (2, 32, 14, 14), (32, 16, 4, 4), 16),
]

IMAGES = ((4, 6, 17, 18),)
POOLS = [
    Work("max_pool_2x2", functional("max_pool2d", 2), IMAGES),
    Work("max_pool_3x3s2", functional("max_pool2d", 3, 2, 1), IMAGES),
    Work("avg_pool_2x2", functional("avg_pool2d", 2), IMAGES, measure="row"),
    Work("avg_pool_3x3s2", functional("avg_pool2d", 3, 2, 1), IMAGES, measure="row"),
    Work("adaptive_avg_pool", functional("adaptive_avg_pool2d", 1), IMAGES, measure="row"),
]

PRODUCTS = [
    Work("matmul", top("matmul"), ((4, 4), (4, 4)), measure="array"),
    Work("matmul", top("matmul"), ((65, 127), (127, 33)), measure="array"),
    Work("matmul", top("matmul"), ((200, 300), (300, 150)), measure="array"),
    Work("bmm", top("bmm"), ((5, 17, 64), (5, 64, 19)), measure="array"),
    Work("matrix_vector", top("mv"), ((100, 300), (300,)), measure="array"),
    Work("dot", top("dot"), ((3000,), (3000,)), measure="array"),
    Work("linear", functional("linear"), ((100, 2), (16, 2), (16,)), measure="array"),
    Work("linear", functional("linear"), ((128, 784), (100, 784), (100,)), measure="array"),
    Work("linear", functional("linear"), ((4, 16, 128), (384, 128), (384,)), measure="array"),
    Work("linear", functional("linear"), ((3000, 9), (10, 9), (10,)), measure="array"),
]


def embedding(lib, weight):
    places = np.random.default_rng(0).integers(0, len(weight), (64, 9))
    return lib.nn.functional.embedding(lib.tensor(places), weight)


def along(name):
    def run(lib, x):
        places = np.random.default_rng(0).integers(0, len(x), (300, x.shape[1]))
        return getattr(lib, name)(x, 0, lib.tensor(places))

    return run


def index_select(lib, x):
    return lib.index_select(x, 0, lib.tensor(np.random.default_rng(0).integers(0, len(x), 300)))


def add_at(name):
    def run(lib, x, source):
        places = np.random.default_rng(0).integers(0, len(x), len(source))
        if name == "scatter_add":
            places = np.broadcast_to(places[:, None], tuple(source.shape)).copy()
        return getattr(lib, name)(x, 0, lib.tensor(places), source)

    return run


INDEXING = [
    Work("embedding", embedding, ((50, 33),), measure="row"),
    Work("gather", along("gather"), ((50, 33),), measure="row"),
    Work("index_select", index_select, ((50, 33),), measure="row"),
    Work("scatter_add", add_at("scatter_add"), ((50, 33), (300, 33)), measure="row"),
    Work("index_add", add_at("index_add"), ((50, 33), (300, 33)), measure="row"),
]


def recurrent(name, inputs, hidden):
    """The module with its weights as arguments, scaled as they are at the start of training."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name] * hidden
    weights = ((gates, inputs), (gates, hidden), (gates,), (gates,))

    def run(lib, x, *given):
        module = getattr(lib.nn, name)(inputs, hidden)
        names = [each for each, _ in module.named_parameters()]
        scaled = [each * hidden**-0.5 for each in given]
        return lib.func.functional_call(module, dict(zip(names, scaled, strict=True)), (x,))[0]

    shapes = ((7, 18, inputs), *weights)
    return Work(name, run, shapes, kinds=("ordinary", "tiny", "mixed"), measure="array")


def attention(lib, q, k, v, **options):
    return lib.nn.functional.scaled_dot_product_attention(q, k, v, **options)


def masked_attention(lib, q, k, v):
    seen = np.random.default_rng(0).random((q.shape[-2], k.shape[-2])) < 0.7
    seen[2] = False  # a query that sees nothing
    return attention(lib, q, k, v, attn_mask=lib.tensor(seen))


QUERIES, KEYS = (2, 3, 33, 16), (2, 3, 40, 16)
ATTENTION_KINDS = ("ordinary", "tiny", "mixed")
SEQUENCES = [
    recurrent("LSTM", 12, 24),
    recurrent("GRU", 12, 24),
    recurrent("RNN", 12, 24),
    Work("attention", attention, (QUERIES, KEYS, KEYS), True, ATTENTION_KINDS, "array"),
    Work(
        "attention_causal",
        partial(attention, is_causal=True),
        (QUERIES, QUERIES, QUERIES),
        True,
        ATTENTION_KINDS,
        "array",
    ),
    Work(
        "attention_masked",
        masked_attention,
        (QUERIES, KEYS, KEYS),
        True,
        ATTENTION_KINDS,
        "array",
    ),
]


def optimizer(name, **options):
    def run(lib, gradient, start):
        """What `start` becomes in three steps with gradients that change."""
        parameter = lib.nn.Parameter(start.detach().clone())
        optimizer = getattr(lib.optim, name)([parameter], **options)
        for factor in (1.0, -0.5, 0.75):
            parameter.grad = gradient * factor
            optimizer.step()
        return parameter

    words = [name, *[key for key in options if key != "lr"]]
    return of_sizes("_".join(words), run, 2, ((5,), ODD), gradients=False)


OPTIMIZERS = [
    *optimizer("SGD", lr=0.1),
    *optimizer("SGD", lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    *optimizer("Adam", lr=0.1),
    *optimizer("Adam", lr=0.1, amsgrad=True, weight_decay=0.01),
    *optimizer("AdamW", lr=0.1),
    *optimizer("RMSprop", lr=0.1),
    *optimizer("Adagrad", lr=0.1),
]

TABLE = [
    *ELEMENTWISE,
    *ROWS,
    *NORMS,
    *LOSSES,
    *CONVOLUTIONS,
    *POOLS,
    *PRODUCTS,
    *INDEXING,
    *SEQUENCES,
    *OPTIMIZERS,
]
