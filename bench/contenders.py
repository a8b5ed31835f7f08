"""Who takes part, in which queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import ours
from bench.peers import Bind, cvode, diffrax_kvaerno, exponential, heyoka_taylor, numbalsoda_lsoda, scipy_ivp
from bench.problem import MANY, START, STIFFNESS, Problem

QUERIES = {
    STIFFNESS: "one solve for a stiffness that was not seen before",
    START: "one solve for a new initial value, where the stiffness was seen before",
    MANY: "initial values in a box, for each of them, at one stiffness",
}


@dataclass(frozen=True)
class Contender:
    """A solver in the comparison.

    prepare: see bench.peers. adaptive: whether it has a tolerance; what has none has one accuracy.
    most: initial values timed at most, where the whole sweep would take minutes. about: (problem, alpha, tolerance) →
    what else is recorded of its answer. loosest: tolerance that it is tried with.
    """

    name: str
    prepare: Callable[[Problem], Bind]
    queries: tuple[str, ...] = (STIFFNESS,)
    adaptive: bool = False
    most: int | None = None
    about: Callable[[Any, float, float], dict[str, Any]] | None = None
    loosest: float = 1e-1

    @property
    def first(self) -> int:
        """Initial values of its first answer."""
        return 2 if self.queries == (MANY,) else 1


OURS, OURS_CPP, OURS_CPP_BARE = "stlfast", "stlfast (C++)", "stlfast (C++), not certified"
FIXED_CPP = "stlfast (C++), fixed member"
FIXED, FIXED_OUT, SWEEP = "stlfast, fixed member", "stlfast, fixed member, out=", "stlfast, solve_many"
WINDOWS, WINDOWS_BARE = "stlfast, time windows", "stlfast, time windows, no estimate"
SWEEP_CPP = "stlfast (C++), solve_many"
NUMBALSODA, NUMBALSODA_LOOP = "LSODA (numbalsoda)", "LSODA (numbalsoda, compiled loop)"
HEYOKA = "Taylor (heyoka)"
CVODE, TABLE = "BDF (CVODE, C++)", "propagator table (C++)"
RADAU, LSODA = "Radau (SciPy)", "LSODA (SciPy)"
EXPONENTIAL = "matrix exponential (C++)"
EVERY = (STIFFNESS, START, MANY)

CONTENDERS = (
    Contender(OURS, ours.prepare),
    Contender("stlfast, not certified", partial(ours.prepare, certify=False)),
    Contender(OURS_CPP, ours.prepare_cpp),
    Contender(OURS_CPP_BARE, partial(ours.prepare_cpp, certify=False)),
    Contender("stlfast, full dictionary", partial(ours.prepare, reduced=False)),
    Contender(WINDOWS, ours.prepare_windows, adaptive=True, about=ours.about_windows),
    Contender(WINDOWS_BARE, partial(ours.prepare_windows, certify=False), adaptive=True),
    Contender("stlfast, random basis", partial(ours.prepare, basis="random")),
    Contender("stlfast, Chebyshev basis", partial(ours.prepare, basis="chebyshev")),
    Contender("the paper's solve on the shipped body", partial(ours.prepare, basis="paper", certify=False)),
    Contender(FIXED, ours.prepare_fixed, (START,)),
    Contender(FIXED_OUT, partial(ours.prepare_fixed, into_out=True), (START,)),
    Contender(FIXED_CPP, ours.prepare_fixed_cpp, (START,)),
    Contender(SWEEP, ours.prepare_many, (MANY,)),
    Contender("stlfast, solve_many, not certified", partial(ours.prepare_many, certify=False), (MANY,)),
    Contender(SWEEP_CPP, ours.prepare_many_cpp, (MANY,)),
    Contender(NUMBALSODA, numbalsoda_lsoda.prepare, (STIFFNESS, START), adaptive=True),
    Contender(NUMBALSODA_LOOP, partial(numbalsoda_lsoda.prepare, compiled=True), EVERY, adaptive=True),
    Contender(HEYOKA, heyoka_taylor.prepare, EVERY, adaptive=True),
    Contender(CVODE, cvode.prepare, EVERY, adaptive=True),
    # At 1e-1 its steps through Van der Pol's jumps do not end.
    Contender("Kvaerno5 (diffrax)", diffrax_kvaerno.prepare, (STIFFNESS, MANY), adaptive=True, loosest=1e-2),
    Contender(LSODA, partial(scipy_ivp.prepare, method="LSODA"), (STIFFNESS, MANY), adaptive=True, most=10),
    Contender(RADAU, partial(scipy_ivp.prepare, method="Radau"), (STIFFNESS, MANY), adaptive=True, most=10),
    Contender("RK45 (SciPy)", partial(scipy_ivp.prepare, method="RK45"), adaptive=True),
    Contender(EXPONENTIAL, exponential.prepare),
    Contender(TABLE, exponential.prepare_table, (START, MANY)),
)
