"""Writes airi/ops/special_tables.py: Chebyshev series of smooth parts of special functions.

usage: python tools/fit_special_functions.py        (needs mpmath)

Every part is a function that is smooth on [-1, 1] after a change of variable, so that a series of
20 to 40 terms holds float64's precision. The coefficients are computed with 50 digits from the
values at Chebyshev nodes and cut where they no longer count.
"""

from pathlib import Path

import mpmath as mp

mp.mp.dps = 50
NODES = 90
PRECISION = mp.mpf(2) ** -58


def chebyshev(function):
    """Coefficients c with function(t) = c[0] / 2 + c[1] * T1(t) + c[2] * T2(t) + ..."""
    angles = [mp.pi * (k + mp.mpf(1) / 2) / NODES for k in range(NODES)]
    values = [function(mp.cos(angle)) for angle in angles]
    result = []
    for j in range(NODES):
        total = mp.fsum(v * mp.cos(j * angle) for v, angle in zip(values, angles, strict=True))
        result.append(2 * total / NODES)
    scale = max(abs(v) for v in values)
    while abs(result[-1]) < PRECISION * scale:
        result.pop()
    assert len(result) < NODES - 10, "the series does not converge"
    return result


def between(low, high, function):
    """t from -1 to 1 is x from low to high."""
    return lambda t: function(low + (high - low) * (t + 1) / 2)


def in_square(end, function):
    """t from -1 to 1 is x * x from 0 to end * end."""
    return lambda t: function(end * mp.sqrt((t + 1) / 2))


def beyond(start, function):
    """t from -1 to 1 is 1 / x from 0 to 1 / start."""
    return lambda t: function(2 * start / (t + 1))


def beyond_in_square(start, function):
    """t from -1 to 1 is 1 / x**2 from 0 to 1 / start**2."""
    return lambda t: function(start / mp.sqrt((t + 1) / 2))


def modulus_and_phase(order):
    """P and Q with J = sqrt(2 / (pi x)) (P cos c - Q sin c), Y = ... (P sin c + Q cos c)."""

    def parts(x):
        c = x - (2 * order + 1) * mp.pi / 4
        scale = mp.sqrt(mp.pi * x / 2)
        J, Y = mp.besselj(order, x), mp.bessely(order, x)
        P = scale * (J * mp.cos(c) + Y * mp.sin(c))
        Q = scale * (Y * mp.cos(c) - J * mp.sin(c))
        return P, Q * x

    return (lambda x: parts(x)[0]), (lambda x: parts(x)[1])


def zeta_of(x):
    return 2 * x ** mp.mpf("1.5") / 3


def from_zeta(z):
    return (3 * z / 2) ** (mp.mpf(2) / 3)


def airy_positive(z):
    x = from_zeta(z)
    return 2 * mp.sqrt(mp.pi) * x**0.25 * mp.exp(z) * mp.airyai(x)


def airy_negative(part):
    def function(z):
        x = from_zeta(z)
        c = z - mp.pi / 4
        scale = mp.sqrt(mp.pi) * x**0.25
        Ai, Bi = mp.airyai(-x), mp.airybi(-x)
        if part == "P":
            return scale * (Ai * mp.cos(c) - Bi * mp.sin(c))
        return scale * (Ai * mp.sin(c) + Bi * mp.cos(c)) * z

    return function


def y_near(order):
    def function(x):
        rest = mp.bessely(order, x) - 2 / mp.pi * mp.log(x) * mp.besselj(order, x)
        return rest if order == 0 else (rest + 2 / (mp.pi * x)) / x

    return function


def k_near(order):
    def function(x):
        if order == 0:
            return mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x)
        return (mp.besselk(1, x) - mp.log(x / 2) * mp.besseli(1, x) - 1 / x) / x

    return function


def scaled(bessel, order, sign):
    return lambda x: mp.sqrt(x) * mp.exp(sign * x) * bessel(order, x)


P0, Q0 = modulus_and_phase(0)
P1, Q1 = modulus_and_phase(1)

TABLES = {
    "I0E_NEAR": (
        "exp(-x) I0(x), x from 0 to 8",
        between(0, 8, lambda x: mp.exp(-x) * mp.besseli(0, x)),
    ),
    "I0E_FAR": ("sqrt(x) exp(-x) I0(x) in 1 / x, x from 8", beyond(8, scaled(mp.besseli, 0, -1))),
    "I1E_NEAR": (
        "exp(-x) I1(x) / x, x from 0 to 8",
        between(0, 8, lambda x: mp.exp(-x) * mp.besseli(1, x) / x),
    ),
    "I1E_FAR": ("sqrt(x) exp(-x) I1(x) in 1 / x, x from 8", beyond(8, scaled(mp.besseli, 1, -1))),
    "K0_NEAR": ("K0(x) + log(x / 2) I0(x) in x * x, x to 2", in_square(2, k_near(0))),
    "K0E_FAR": ("sqrt(x) exp(x) K0(x) in 1 / x, x from 2", beyond(2, scaled(mp.besselk, 0, 1))),
    "K1_NEAR": ("(K1(x) - log(x / 2) I1(x) - 1 / x) / x in x * x, x to 2", in_square(2, k_near(1))),
    "K1E_FAR": ("sqrt(x) exp(x) K1(x) in 1 / x, x from 2", beyond(2, scaled(mp.besselk, 1, 1))),
    "J0_NEAR": ("J0(x) in x * x, x to 8", in_square(8, lambda x: mp.besselj(0, x))),
    "J1_NEAR": ("J1(x) / x in x * x, x to 8", in_square(8, lambda x: mp.besselj(1, x) / x)),
    "Y0_NEAR": ("Y0(x) - 2 / pi log(x) J0(x) in x * x, x to 8", in_square(8, y_near(0))),
    "Y1_NEAR": (
        "(Y1(x) - 2 / pi (log(x) J1(x) - 1 / x)) / x in x * x, x to 8",
        in_square(8, y_near(1)),
    ),
    "P0": ("modulus and phase of J0 and Y0, in 1 / x**2, x from 8", beyond_in_square(8, P0)),
    "Q0": ("as P0, times x", beyond_in_square(8, Q0)),
    "P1": ("modulus and phase of J1 and Y1, in 1 / x**2, x from 8", beyond_in_square(8, P1)),
    "Q1": ("as P1, times x", beyond_in_square(8, Q1)),
    "ERFCX": (
        "(1 + 2 x) exp(x * x) erfc(x) in (x - 3.75) / (x + 3.75), x from 0",
        lambda t: (lambda x: (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x))(
            mp.mpf("3.75") * (1 + t) / (1 - t)
        ),
    ),
    "AIRY_NEAR": ("Ai(x), x from -4 to 2", between(-4, 2, mp.airyai)),
    "AIRY_POSITIVE": (
        "2 sqrt(pi) x**0.25 exp(z) Ai(x) in 1 / z, z = 2 / 3 x**1.5, x from 2",
        beyond(zeta_of(mp.mpf(2)), airy_positive),
    ),
    "AIRY_P": (
        "modulus and phase of Ai(-x) in 1 / z**2, x from 4",
        beyond_in_square(zeta_of(mp.mpf(4)), airy_negative("P")),
    ),
    "AIRY_Q": ("as AIRY_P, times z", beyond_in_square(zeta_of(mp.mpf(4)), airy_negative("Q"))),
}


def main():
    lines = [
        '"""Chebyshev series, computed by tools/fit_special_functions.py: see there."""',
        "",
        "# fmt: off",
    ]
    for name, (what, function) in TABLES.items():
        coefficients = [repr(float(each)) for each in chebyshev(function)]
        print(name, len(coefficients))
        lines += ["", f"# {what}", f"{name} = ("]
        for start in range(0, len(coefficients), 3):
            lines.append("    " + ", ".join(coefficients[start : start + 3]) + ",")
        lines.append(")")
    target = Path(__file__).parents[1] / "airi" / "ops" / "special_tables.py"
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
