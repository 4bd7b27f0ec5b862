"""Special functions: values computed with 30 digits (by mpmath), edges, errors, gradients."""

import numpy as np
import pytest

import airi
from airi import special

POINTS = [0.25, 1.5, 4.75, 12.5, 60.0]
EXACT = {
    "bessel_j0": [
        0.9844359292958527,
        0.5118276717359181,
        -0.25512082749137394,
        0.1468840547004211,
        -0.09147180408906187,
    ],
    "bessel_j1": [
        0.12402597732272692,
        0.5579365079100996,
        -0.2891867986471104,
        -0.16548380461475973,
        0.046598383758166315,
    ],
    "bessel_y0": [
        -0.9315730249300587,
        0.38244892379775886,
        -0.2612325032349756,
        -0.1712143068446693,
        0.0473589522094494,
    ],
    "bessel_y1": [
        -2.7041052293152825,
        -0.4123086269739113,
        0.22922559673872217,
        -0.1538382565375012,
        0.09186960936986689,
    ],
    "airy_ai": [
        0.2911639543485452,
        0.07174949700810541,
        0.0001904614592681605,
        2.39682782607805e-14,
        2.7831487094969354e-136,
    ],
    "modified_bessel_k0": [
        1.5415067512483027,
        0.21380556264752573,
        0.004857204557887952,
        1.3084036967769775e-06,
        1.4138978405591078e-27,
    ],
    "modified_bessel_k1": [
        3.7470259744407115,
        0.2773878004568438,
        0.00534592181782284,
        1.3597678438215176e-06,
        1.4256320265171043e-27,
    ],
    "i0": [
        1.015686141223608,
        1.646723189772891,
        21.803898740902113,
        30596.335155785153,
        5.894077055609801e24,
    ],
    "i1": [
        0.12597910894546793,
        0.9816664285779075,
        19.345361447520226,
        29345.74964207113,
        5.844751588390468e24,
    ],
    "erfcx": [
        0.7703465477309968,
        0.3215854164543175,
        0.11630270721024731,
        0.04499209900102792,
        0.009401854275176388,
    ],
    "digamma": [
        -4.2274535333762655,
        0.03648997397857652,
        1.4492040552784629,
        2.4851956512749123,
        4.0859880813835385,
    ],
    "gammaln": [
        1.2880225246980774,
        -0.12078223763524522,
        2.8085714185757364,
        18.734347511936445,
        184.53382886144948,
    ],
}


def double(*values):
    return airi.tensor(values, dtype=airi.float64)


@pytest.mark.parametrize("name", EXACT)
def test_values(name):
    got = getattr(special, name)(double(*POINTS))
    # The waves have zeros, near which only the absolute error is small.
    np.testing.assert_allclose(
        got, EXACT[name], rtol=2e-14, atol=0 if "bessel_" not in name else 2e-15
    )
    single = getattr(special, name)(airi.tensor(POINTS[:4]))
    assert single.dtype == airi.float32
    np.testing.assert_allclose(single, EXACT[name][:4], rtol=1e-6, atol=1e-7)


INCOMPLETE = [  # a, x, P, Q
    (0.5, 0.25, 0.5204998778130465, 0.4795001221869535),
    (3.0, 10.0, 0.9972306042844884, 0.002769395715511576),
    (50.0, 45.0, 0.24680203440017026, 0.7531979655998298),
    (150.0, 200.0, 0.9999032137800506, 9.678621994933577e-05),
    (1000.0, 950.0, 0.05505468623073803, 0.9449453137692619),
    (1000.0, 1100.0, 0.99894067674607, 0.0010593232539299773),
]


def test_incomplete_gamma_functions():
    a, x, P, Q = np.array(INCOMPLETE).T
    np.testing.assert_allclose(airi.igamma(double(*a), double(*x)), P, rtol=2e-13)
    np.testing.assert_allclose(airi.igammac(double(*a), double(*x)), Q, rtol=2e-13)


def test_incomplete_gamma_functions_of_a_million():
    a = double(1e6, 1e6, 1e6)
    x = double(1e6 - 2000, 1e6, 1e6 + 2000)
    P, Q = airi.igamma(a, x), airi.igammac(a, x)
    np.testing.assert_allclose(P + Q, [1, 1, 1], rtol=1e-15)
    np.testing.assert_allclose(P[1], 0.50013298076, rtol=1e-9)
    assert P[0] < 0.023 < P[1] < 0.977 < P[2]


ZETA = [  # s, q, zeta
    (1.5, 0.25, 10.213055360466601),
    (2.0, 10.5, 0.09991695605912673),
    (7.7, 3.0, 0.00024072143133641884),
    (40.0, 0.5, 1099511627776.0),
    (3.0, -2.5, 0.0541020258208637),
]


def test_zeta():
    s, q, wanted = np.array(ZETA).T
    np.testing.assert_allclose(special.zeta(double(*s), double(*q)), wanted, rtol=2e-14)
    # 1e9 terms below 0, which are not added one by one.
    np.testing.assert_allclose(special.zeta(double(2.0), double(-1e9 + 0.5)), np.pi**2, rtol=1e-8)
    edges = special.zeta(double(1.0, 0.5, 2.0, 2.5), double(1.0, 1.0, -3.0, -0.5))
    np.testing.assert_array_equal(edges, [np.inf, np.nan, np.inf, np.nan])


def test_edges():
    nan, inf = np.nan, np.inf
    for name, x, wanted in (
        ("gammaln", [0.0, -2.0, inf], [inf, inf, inf]),
        ("digamma", [0.0, -0.0, -1.0, inf], [-inf, inf, nan, inf]),
        ("i0", [0.0, inf], [1.0, inf]),
        ("i1e", [0.0, inf, -inf], [0.0, 0.0, -0.0]),
        ("bessel_j0", [0.0, inf, nan], [1.0, 0.0, nan]),
        ("bessel_y0", [0.0, -1.0, inf], [-inf, nan, 0.0]),
        ("bessel_y1", [0.0, -1.0], [-inf, nan]),
        ("modified_bessel_k1", [0.0, -1.0, inf], [inf, nan, 0.0]),
        ("erfcx", [inf, -inf, nan], [0.0, inf, nan]),
        ("ndtri", [0.0, 0.5, 1.0, 1.5, nan], [-inf, 0.0, inf, nan, nan]),
        ("log_ndtr", [-inf, inf], [-inf, 0.0]),
        ("entr", [0.0, -1.0, nan], [0.0, -inf, nan]),
        ("spherical_bessel_j0", [0.0, inf], [1.0, 0.0]),
    ):
        np.testing.assert_allclose(
            getattr(special, name)(double(*x)), wanted, rtol=1e-15, err_msg=name
        )


def test_ndtri_inverts_ndtr_far_out():
    x = double(-30.0, -8.0, -1.0, -1e-9, 0.3, 5.0)
    np.testing.assert_allclose(special.ndtri(special.ndtr(x)), x, rtol=1e-9, atol=1e-15)


def test_gradients_at_zero():
    for function, wanted in ((special.i0, 0.0), (special.i1, 0.5), (special.i1e, 0.5)):
        x = airi.zeros(1, requires_grad=True)
        function(x).sum().backward()
        assert x.grad.item() == wanted


def test_gradients_that_pytorch_lacks_are_refused_by_name():
    a = airi.tensor([1.5], requires_grad=True)
    for function, name in ((airi.igamma, "igamma"), (special.zeta, "zeta")):
        with pytest.raises(RuntimeError, match=f"{name}: the derivative for its first argument"):
            function(a, airi.ones(1)).sum().backward()


def test_refused():
    with pytest.raises(RuntimeError, match="polygamma: n must not be negative"):
        airi.polygamma(-1, airi.ones(1))
    with pytest.raises(RuntimeError, match="mvlgamma: p must be at least 1"):
        airi.mvlgamma(airi.ones(1), 0)
    with pytest.raises(TypeError, match="both arguments must be Tensors"):
        airi.igamma(2.0, airi.ones(1))
    with pytest.raises(TypeError, match="must be a Tensor"):
        special.legendre_polynomial_p(2, 3)
    with pytest.raises(RuntimeError, match="cannot be written"):
        airi.ones(2, dtype=airi.int64).mvlgamma_(1)


def test_polygamma_as_a_method():
    x = airi.tensor([1.0, 2.5])
    assert (x.polygamma(1) == airi.polygamma(1, x)).all()
    assert (x.clone().polygamma_(2) == airi.polygamma(2, x)).all()
