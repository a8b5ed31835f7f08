"""Work and precision: achieved error against processor time, of every solver, on the Bari set and textbook families.

A solver runs at tolerances from loose to tight, in a process of its own: one that hangs or crashes is ended, and said
so. It stops where a solve takes more than CAP seconds, or failures more than LOST. N times, n states.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from operator import itemgetter
from typing import Any

import numpy as np

import stlfast
from bench import driver, families, native
from bench.contenders import HEYOKA, LSODA, NUMBALSODA, RADAU
from bench.peers import Absent, Bind, cvode_pointers, diffrax_kvaerno, heyoka_taylor, numbalsoda_lsoda, scipy_ivp
from stlfast.measure import timing

OURS, CVODE, KVAERNO, BDF = "stlfast.Windows", "BDF (CVODE)", "Kvaerno5 (diffrax)", "BDF (SciPy)"
RTOL, N = 1e-6, 512
TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(4, 27))  # 1e-2 … 1e-13
QUICK = (1e-3, 1e-5, 1e-7)
CAP, LOST = 3.0, 10.0  # processor seconds of a solve, and of failures in a row, after which a solver is stopped
STRIDES = ((0.5, 6), (0.03, 2))  # seconds of a solve from which on only so many half decades later is tried
SETUP, ANSWER = 120.0, 15.0  # seconds by the clock that setting up, and one tolerance, may take
REPEATS, ONCE_FROM = 3, 0.05
MANY_STATES = 50  # from which on XLA takes minutes to compile
TEXTBOOK = ("rlc_ladder", "bloch", "fitzhugh_nagumo", "cstr", "laser")


@dataclass(frozen=True, eq=False)
class Case:
    """A member of a file of bench/families, as bench.peers take problems: MEMBER of the file, or the middle one."""

    name: str

    @cached_property
    def module(self) -> Any:
        return families.load(self.name)

    @cached_property
    def family(self) -> stlfast.Family:
        return self.module.family()

    @cached_property
    def params(self) -> dict[str, float]:
        ranges = {name: interval.solve for name, interval in self.family.params.items()}
        middle = {name: float(np.sqrt(a * b)) if a > 0 else (a + b) / 2 for name, (a, b) in ranges.items()}
        return getattr(self.module, "MEMBER", middle)

    @cached_property
    def y0(self) -> np.ndarray:
        return self.family.start_at(self.family.check_params(self.params))

    @cached_property
    def t(self) -> np.ndarray:
        """(N,) uniform times; logarithmic ones from the file's FIRST on."""
        t0, t1 = self.family.t_span_at(**self.params)
        first = getattr(self.module, "FIRST", None)
        return np.linspace(t0, t1, N) if first is None else np.array([t0, *np.geomspace(first, t1, N - 1)])

    @cached_property
    def floor(self) -> float:
        """What a state has to be of to count: absolute over relative tolerance."""
        return float(np.min(getattr(self.module, "ATOL", 1e-8))) / RTOL

    def atol(self, params: dict[str, Any], tolerance: float) -> float:
        return self.floor * tolerance

    def scale(self, true: np.ndarray) -> np.ndarray:
        """(n,) what errors are relative to, as the tolerances are."""
        return self.floor + np.abs(true).max(axis=1)

    def error(self, y: np.ndarray, true: np.ndarray) -> float:
        """Of y (n, N): the largest of all states and times, relative to the scale."""
        return float((np.abs(y - true).max(axis=1) / self.scale(true)).max())


def windows(case: Any) -> Bind:
    solve = partial(stlfast.Windows(case.family).solve, fallback=False)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> timing.Run:
        def call() -> np.ndarray:
            found = solve(y0[0], t=t, rtol=tolerance, atol=case.atol(params, tolerance), **params)
            if not np.isfinite(found.y).all():
                raise ArithmeticError(found.message)
            if not found.success:
                warnings.warn(found.message, stacklevel=1)
            return found.y[None]

        return timing.repeated(call)

    return bind


def kvaerno(case: Any) -> Bind:
    if case.family.n >= MANY_STATES:
        raise Absent(f"compiling {case.family.n} equations takes XLA minutes")
    return diffrax_kvaerno.prepare(case)


SOLVERS: dict[str, Callable[[Any], Bind]] = {
    OURS: windows,
    NUMBALSODA: numbalsoda_lsoda.prepare,
    CVODE: cvode_pointers.prepare,
    HEYOKA: heyoka_taylor.prepare,
    KVAERNO: kvaerno,
    LSODA: partial(scipy_ivp.prepare, method="LSODA"),
    BDF: partial(scipy_ivp.prepare, method="BDF"),
    RADAU: partial(scipy_ivp.prepare, method="Radau"),
}
TRUTHS: dict[str, tuple[Callable[[Any], Bind], float]] = {  # the first that succeeds, at its sharpest
    HEYOKA: (partial(heyoka_taylor.prepare, most_steps=3_000_000), 1e-15),
    CVODE: (cvode_pointers.prepare, 1e-13),
    OURS: (windows, 1e-9),
    NUMBALSODA: (numbalsoda_lsoda.prepare, 1e-13),
}


# ----------------------------------------------------------------------------------------- a solver, in its own process
def answers(
    case: Case, prepare: Callable[[Any], Bind], tolerances: Sequence[float], true: np.ndarray | None
) -> Iterator[dict[str, Any]]:
    """First {}, once the solver is set up; then what each tolerance gave: `error` and `seconds`, or `y` where the true
    solution is not known, or `failed`; and what the solver `said`. Last, why the rest was not tried, if so: `ended`.
    """
    bind = prepare(case)
    yield {}
    seconds, lost = 0.0, 0.0
    for k, tolerance in enumerate(tolerances):
        if lost > LOST or (seconds > CAP and not lost):
            yield {"ended": "too many failures" if lost else f"slower than {CAP:g} s"}
            return
        if len(tolerances) == len(TOLERANCES) and k % next((n for least, n in STRIDES if seconds > least), 1):
            continue
        point: dict[str, Any] = {"tolerance": tolerance}
        began = time.process_time()
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                run = bind(case.params, case.y0[None], case.t, tolerance)
                if k == 0 and true is not None:
                    run(1)  # which may compile something
                began = time.process_time()
                y = run(1)[0]
                seconds = time.process_time() - began
                if not np.isfinite(y).all():
                    raise ArithmeticError("gave up")
                if true is None:
                    point["y"] = y
                else:
                    seconds = _repeated(run, seconds)
                    point |= {"error": case.error(y, true), "seconds": seconds}
            point |= {"said": str(said[0].message)} if said else {}
            lost = 0.0
        except Exception as reason:
            point["failed"] = f"{reason}" or type(reason).__name__
            seconds = time.process_time() - began
            lost += seconds
        yield point


def _repeated(run: timing.Run, seconds: float) -> float:
    """The seconds of a solve, measured again where they are few."""
    if seconds >= ONCE_FROM:
        return seconds
    return float(np.median(timing.interleaved({"": run}, REPEATS, ONCE_FROM, time.process_time)[""]))


def _serve(pipe: Any, *arguments: Any) -> None:
    try:
        for answer in answers(*arguments):
            pipe.send(answer)
    except BaseException as reason:
        pipe.send({"ended": f"{reason}" or type(reason).__name__})


def curve(
    case: Case, prepare: Callable[[Any], Bind], tolerances: Sequence[float], true: np.ndarray | None = None
) -> dict[str, Any]:
    """`points`, and why they ended early, if they did: `ended`."""
    here, there = (context := multiprocessing.get_context("fork")).Pipe(duplex=False)
    process = context.Process(target=_serve, args=(there, case, prepare, tolerances, true), daemon=True)
    process.start()
    there.close()
    points: list[dict[str, Any]] = []
    ended, limit = "", SETUP
    try:
        while here.poll(limit):
            answer = here.recv()
            if "ended" in answer:
                ended = answer["ended"]
            elif answer:
                points.append(answer)
            limit = ANSWER
        ended = f"no answer within {limit:.0f} s"
    except EOFError:
        process.join()
        ended = ended or (f"crashed, exit code {process.exitcode}" if process.exitcode else "")
    process.kill()
    process.join()
    return {"points": points, "ended": ended}


def truth(case: Case) -> tuple[np.ndarray, dict[str, Any]] | None:
    """Values (n, N) by the first of TRUTHS that succeeds, and how far the next one is from them."""
    found: dict[str, np.ndarray] = {}
    for solver, (prepare, tolerance) in TRUTHS.items():
        points = curve(case, prepare, [tolerance])["points"]
        if points and "y" in points[0]:
            found[solver] = points[0]["y"]
        if len(found) == 2:
            break
    if not found:
        return None
    (solver, true), *others = found.items()
    told: dict[str, Any] = {"truth": solver, "differs": {other: case.error(y, true) for other, y in others}}
    if hasattr(case.module, "END"):
        told["end"] = float(np.nanmax(np.abs(true[:, -1] - case.module.END) / case.scale(true)))
    return true, told


@driver.study
def run(names: Sequence[str], tolerances: Sequence[float] = TOLERANCES) -> dict[str, Any]:
    """Cases by name, each with its truth and the curves of the solvers."""
    warmed_up()
    found: dict[str, Any] = {}
    for name in names:
        case = Case(name)
        driver.say(f"{name}: {case.family.n} states, the true solution")  # the family is derived before processes fork
        known = truth(case)
        if known is None:
            driver.say(f"{name}: no solver is left to be true")
            continue
        curves = {}
        for solver, prepare in SOLVERS.items():
            driver.say(f"{name}: {solver}")
            explicit = solver == HEYOKA  # which is more stable at higher orders, so at tight tolerances
            curves[solver] = curve(case, prepare, tolerances[::-1] if explicit else tolerances, known[0])
            curves[solver]["points"].sort(key=itemgetter("tolerance"), reverse=True)
        found[name] = {"states": case.family.n, "params": case.params, **known[1], "curves": curves}
    return {"versions": versions(), "cases": found}


def warmed_up() -> None:
    """Compilers started once, before the processes fork."""
    try:
        native.peers()
        numbalsoda_lsoda.prepare(Case(families.BARI[0]))  # type: ignore[arg-type]
    except (Absent, ImportError) as reason:
        driver.say(str(reason))


def versions() -> dict[str, str]:
    found = {}
    for package in ("numbalsoda", "numba", "heyoka", "diffrax", "jax"):
        try:
            found[package] = version(package)
        except ImportError:
            continue
    return found
