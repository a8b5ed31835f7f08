"""Power series through instruction lists against SymPy's expansion."""

import numpy as np
import pytest
import sympy as sp

from stlfast.direct.ode.series import Series
from stlfast.equations.program import to_instructions

ORDER = 4
x, u, v, p, q, eps = sp.symbols("x u v p q epsilon")
POINTS, PARAMETERS = np.array([0.2, 0.7, 1.0]), np.array([1.3, -0.4])


def coefficients(expr, states, expand=None):
    """Of every order, (K + 1, N), by the code under test."""
    program = to_instructions([expr], [x, u, v, p, q], varying=3)
    series = Series(program, POINTS, PARAMETERS, ORDER, expand)
    return np.array([series.coefficient(k, states[:, k])[0] for k in range(ORDER + 1)])


def expanded(expr, states, expand=None):
    """The same by SymPy: derivatives in ε at 0, one point at a time."""
    found = np.zeros((ORDER + 1, len(POINTS)))
    for n, point in enumerate(POINTS):
        at = {name: sum(states[i, k, n] * eps**k for k in range(ORDER + 1)) for i, name in enumerate((u, v))}
        at |= {
            name: value * (eps if k == expand else 1)
            for k, (name, value) in enumerate(zip((p, q), PARAMETERS, strict=True))
        }
        function = expr.subs({x: point, **at})
        for k in range(ORDER + 1):
            found[k, n] = sp.diff(function, eps, k).subs(eps, 0).evalf() / sp.factorial(k)
    return found


@pytest.mark.parametrize(
    ("expr", "expand"),
    [
        (u**3 * v - 2 * u + sp.cos(x) * v**2, None),
        (u**11, None),  # an instruction pow, where lower powers are products
        (sp.exp(p) * u / (3 + v) - sp.sqrt(x) / (2 + u), None),
        (p * u**2 + q * p**2 * v, 0),
        (-q * u * v + sp.Integer(1), 1),
    ],
    ids=str,
)
def test_coefficients_agree_with_sympy(expr, expand):
    states = np.random.default_rng(1).uniform(0.2, 1.0, (2, ORDER + 1, len(POINTS)))
    np.testing.assert_allclose(
        coefficients(expr, states, expand), expanded(expr, states, expand), rtol=1e-11, atol=1e-12
    )


def test_a_product_is_numpys_polynomial_product():
    states = np.random.default_rng(2).standard_normal((2, ORDER + 1, len(POINTS)))
    product = np.array([np.convolve(*states[:, :, n])[: ORDER + 1] for n in range(len(POINTS))]).T
    np.testing.assert_allclose(coefficients(u * v, states), product, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("expr", [sp.sin(u), sp.sqrt(v), u**p, u ** sp.Rational(5, 2)], ids=str)
def test_what_has_no_series_is_refused(expr):
    with pytest.raises(ValueError, match="power series"):
        coefficients(expr, np.ones((2, ORDER + 1, len(POINTS))))


def test_a_function_of_the_parameter_that_is_expanded_in_is_refused():
    with pytest.raises(ValueError, match="exp of a power series"):
        coefficients(sp.exp(p) * u, np.ones((2, ORDER + 1, len(POINTS))), expand=0)
