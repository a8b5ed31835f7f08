"""Families that come with the package, dho and ncff with trained models. SymPy is imported when one is built."""

from __future__ import annotations

from .family import Family
from .parameters import Range


def dho() -> Family:
    """Damped harmonic oscillator: y1' = y2, y2' = −y1 − 2 alpha y2 on [0, 10], y(0) = (1, 0.5).

    The published tables (arXiv 2501.17281) label members by 2 alpha.
    """
    import sympy as sp

    t, alpha, y1, y2 = sp.symbols("t alpha y1 y2")
    return Family(
        name="dho", t=t, y=[y1, y2], rhs=[y2, -y1 - 2 * alpha * y2], t_span=(0.0, 10.0), stiffness=alpha,
        params={alpha: Range(train=(1.0, 10.0), solve=(1.0, 1000.0))}, y0=[1.0, 0.5],
    )  # fmt: skip


def chain(n: int) -> Family:
    """A chain of n cells that exchange what they hold, lose it slowly, and are fed at one end; on [0, 10], y(0) = 0.

    y_i' = alpha (y_{i−1} − 2 y_i + y_{i+1}) − y_i + [i = 1],   y_0 = y_1, y_{n+1} = y_n

    The diffusion or heat equation by the method of lines: rates from 1 to 1 + 4 alpha. No model of it is shipped; a
    body trained on a short chain serves a long one: `stlfast.compile(chain(64), stlfast.train_body(chain(2)))`.
    """
    import sympy as sp

    if not isinstance(n, int) or n < 2:
        raise ValueError(f"a chain has n = 2 cells or more, got {n!r}")
    t, alpha = sp.symbols("t alpha")
    y = sp.symbols(f"y1:{n + 1}")
    inflow = [sum(y[j] - y[i] for j in (i - 1, i + 1) if 0 <= j < n) for i in range(n)]
    return Family(
        name=f"chain{n}", t=t, y=y, rhs=[alpha * inflow[i] - y[i] + int(i == 0) for i in range(n)],
        t_span=(0.0, 10.0), stiffness=alpha, params={alpha: Range(train=(1.0, 10.0), solve=(1.0, 1000.0))},
        y0=[0.0] * n,
    )  # fmt: skip


def ncff() -> Family:
    """Non-constant forcing: y1' = −2 y1 + y2 + 2 sin ωt, y2' = (α−1) y1 − α y2 + α (cos ωt − sin ωt), y(0) = (2, 4).

    On [0, 10]; arXiv 2501.17281 has omega = 1, where y1 = sin t + (2+1/α) e^{−t} − e^{−(α+1)t}/α and
    y2 = cos t + (2+1/α) e^{−t} + ((α−1)/α) e^{−(α+1)t}.
    """
    import sympy as sp

    t, alpha, omega, y1, y2 = sp.symbols("t alpha omega y1 y2")
    cos, sin = sp.cos(omega * t), sp.sin(omega * t)
    return Family(
        name="ncff", t=t, y=[y1, y2],
        rhs=[-2 * y1 + y2 + 2 * sin, (alpha - 1) * y1 - alpha * y2 + alpha * (cos - sin)],
        t_span=(0.0, 10.0), stiffness=alpha,
        params={alpha: Range(train=(1.0, 10.0), solve=(1.0, 1000.0)), omega: Range(train=(0.5, 2.0), solve=(0.5, 2.0))},
        y0=[2.0, 4.0],
    )  # fmt: skip


def duffing() -> Family:
    """Duffing oscillator: y1' = y2, y2' = −alpha y2 − y1/10 − beta y1³ + cos t on [0, 10], y(0) = (1, 0.5).

    The errors published in arXiv 2501.17281 are of beta = 0.1, by what its method gives.
    """
    import sympy as sp

    t, alpha, beta, y1, y2 = sp.symbols("t alpha beta y1 y2")
    return Family(
        name="duffing", t=t, y=[y1, y2], rhs=[y2, -alpha * y2 - y1 / 10 - beta * y1**3 + sp.cos(t)],
        t_span=(0.0, 10.0), stiffness=alpha,
        params={alpha: Range(train=(5.0, 20.0), solve=(5.0, 1000.0)), beta: Range(train=(0.0, 1.0), solve=(0.0, 1.0))},
        y0=[1.0, 0.5], y0_range=[(0.0, 3.0), (-1.0, 2.0)],
    )  # fmt: skip


def robertson() -> Family:
    """Robertson's kinetics: y1' = −k1 y1 + k3 y2 y3, y2' = k1 y1 − k3 y2 y3 − k2 y2², y3' = k2 y2² on [0, 1e5].

    y(0) = (1, 0, 0); y1 + y2 + y3 is conserved. The standard rates are 0.04, 3e7 and 1e4 (H. H. Robertson, 1966), each
    here within a factor of 3.
    """
    import sympy as sp

    t, k1, k2, k3, y1, y2, y3 = sp.symbols("t k1 k2 k3 y1 y2 y3")
    within = {k: (standard / 3, standard * 3) for k, standard in ((k1, 0.04), (k2, 3e7), (k3, 1e4))}
    forward, back, pair = k1 * y1, k3 * y2 * y3, k2 * y2**2
    return Family(
        name="robertson", t=t, y=[y1, y2, y3], rhs=[back - forward, forward - back - pair, pair], t_span=(0.0, 1e5),
        stiffness=k2, params={k: Range(train=ends, solve=ends) for k, ends in within.items()}, y0=[1.0, 0.0, 0.0],
    )  # fmt: skip


def vdp() -> Family:
    """Van der Pol oscillator: y1' = y2, y2' = mu (1 − y1²) y2 − y1 on [0, 2 mu], y(0) = (2, 0).

    It jumps inside the interval: the shipped model has no reduced basis and is solved on time windows.
    """
    import sympy as sp

    t, mu, y1, y2 = sp.symbols("t mu y1 y2")
    return Family(
        name="vdp", t=t, y=[y1, y2], rhs=[y2, mu * (1 - y1**2) * y2 - y1], t_span=(0.0, 2 * mu), stiffness=mu,
        params={mu: Range(train=(5.0, 50.0), solve=(5.0, 1000.0))}, y0=[2.0, 0.0],
    )  # fmt: skip
