"""Families that come with the package, some with trained models. SymPy is imported when one is built."""

from __future__ import annotations

from .equations.ode.family import Family
from .equations.parameters import Range
from .equations.pde.conditions import Inflow, Neumann, Periodic
from .equations.pde.family import PDEFamily


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


# ------------------------------------------------------------------------------------- partial differential equations
def advection_reaction() -> PDEFamily:
    """Two species that a flow carries and that turn into each other: u_t + u_x = R u, R = alpha [[−1, ½], [1, −½]].

    x, t ∈ [0, 1], u(x, 0) = (1 + ½ sin 2πx, ½ + ¼ cos 2πx). Exact by characteristics: u(x, t) = e^{R t} g(x − t)
    (`characteristics.solution`), which is also what flows in at x = 0. R has the eigenvalues 0 and −3/2 alpha;
    the initial values are away from its equilibrium u2 = 2 u1. After Santillana et al.,
    J. Comput. Phys. 305 (2016) 372.
    """
    import sympy as sp

    x, t, alpha = sp.symbols("x t alpha")
    u1, u2 = (sp.Function(name)(x, t) for name in ("u1", "u2"))
    angle = 2 * sp.pi * x
    return PDEFamily(
        name="advection_reaction", t=t, x=[x], u=[u1, u2],
        rhs=[-u1.diff(x) + alpha * (u2 / 2 - u1), -u2.diff(x) + alpha * (u1 - u2 / 2)],
        domain={x: (0.0, 1.0)}, t_span=(0.0, 1.0), stiffness=alpha,
        params={alpha: Range(train=(1.0, 10.0), solve=(1.0, 1000.0))},
        initial=[1 + sp.sin(angle) / 2, (2 + sp.cos(angle)) / 4], boundary=[Inflow(x, "low", values="characteristics")],
    )  # fmt: skip


def advection_diffusion_reaction_2d() -> PDEFamily:
    """The same species in a plane flow, periodic: u_t + u_x + ½ u_y = D (u_xx + u_yy) + R u, D = 0.01.

    x, y ∈ [0, 1), t ∈ [0, 1], u(x, y, 0) = (1 + ½ sin 2πx cos 2πy, ½ + ¼ cos 2π(x + y)). Exact with the matrix
    exponential of each Fourier mode: `reference(method="modes")`.
    """
    import sympy as sp

    x, y, t, alpha = sp.symbols("x y t alpha")
    u1, u2 = (sp.Function(name)(x, y, t) for name in ("u1", "u2"))
    reaction = [alpha * (u2 / 2 - u1), alpha * (u1 - u2 / 2)]
    moved = [(u.diff(x, 2) + u.diff(y, 2)) / 100 - u.diff(x) - u.diff(y) / 2 for u in (u1, u2)]
    ax, ay = 2 * sp.pi * x, 2 * sp.pi * y
    return PDEFamily(
        name="advection_diffusion_reaction_2d", t=t, x=[x, y], u=[u1, u2],
        rhs=[m + r for m, r in zip(moved, reaction, strict=True)], domain={x: (0.0, 1.0), y: (0.0, 1.0)},
        t_span=(0.0, 1.0), stiffness=alpha, params={alpha: Range(train=(1.0, 10.0), solve=(1.0, 100.0))},
        initial=[1 + sp.sin(ax) * sp.cos(ay) / 2, (2 + sp.cos(ax + ay)) / 4], boundary=[Periodic(x), Periodic(y)],
    )  # fmt: skip


def fisher_kpp() -> PDEFamily:
    """A population that spreads and grows: u_t = D u_xx + r u (1 − u), D = 0.01, no flux at both ends.

    x, t ∈ [0, 1], u(x, 0) = (1 + cos πx)/4. Fronts have the speed 2 √(D r) or more and the width √(D/r) or more: 0.014
    at r = 50. Fisher (1937); Kolmogorov, Petrovsky and Piskunov (1937).
    """
    import sympy as sp

    x, t, r = sp.symbols("x t r")
    u = sp.Function("u")(x, t)
    return PDEFamily(
        name="fisher_kpp", t=t, x=[x], u=[u], rhs=[u.diff(x, 2) / 100 + r * u * (1 - u)], domain={x: (0.0, 1.0)},
        t_span=(0.0, 1.0), stiffness=r, params={r: Range(train=(1.0, 10.0), solve=(1.0, 50.0))},
        initial=[(1 + sp.cos(sp.pi * x)) / 4], boundary=[Neumann(x, "low", [0]), Neumann(x, "high", [0])],
    )  # fmt: skip
