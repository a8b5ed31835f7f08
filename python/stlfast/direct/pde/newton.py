"""Members of nonlinear families of PDEs on all functions of a dictionary, one solve for all of space and time.

∂_x u − T (Σ_q θ_q L_q u + f + N(u)) = 0,   data rows u = d,   u_i = Φ W_i       scaled coordinates z, x ∈ [0, 1]

A step δ = Φ δW makes the rows of r(u) + r'(u*) δ and d − u − δ small in the least-squares sense: u* = u for Newton's
method (Gauss–Newton, for there are more rows than functions), u* the first guess for chords. Rows come in blocks, of
which a triangular factor R is kept; chords solve with it by the semi-normal equations RᵀR δW = Aᵀ(−r).

Rows are weighed by how much the reaction, linearised at the first guess, amplifies errors from there on
(pde_checks.py): it is not the residual that should be small but what becomes of it.

d coordinates, n fields, m functions Φ, N collocation points, M data, P parameters; W (n, m) the coefficients, T the
time span.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..._core import TallLeastSquares
from ...base.checks import finite
from ...equations.pde.family import PDEFamily
from .groups import split
from .growth import Checks
from .rows import BLOCK, Functions, GroupRows, Order, PDEPoints

METHODS = ("newton", "chord")
TOLERANCE = 1e-9
RCOND = 1e-13
MOST_STEPS, MOST_CHORDS = 20, 60
FEW_STEPS = 12  # from the solution of a neighbouring member
PATIENCE = 6  # chords without a smaller step
MOST_TOTAL = 60  # Newton steps of all members, after which continuation gives up
LARGEST_SIZE = 1e2  # relative to the first guess: beyond, an iteration diverges
STAGNATION, LARGEST_ROUNDING, FAR_BELOW = 1e-8, 1e-4, 1e-2  # as in iterations.py
LARGEST_RESIDUAL = 5e-2  # between the points, of an answer that is called a solution
SMALLEST_PART = 1 / 64  # of a damped Newton step
FIRST_STRIDE, SHORTEST_STRIDE = 0.5, 1 / 8  # of the way in the stiffness parameter's logarithm
BETWEEN_POINTS = 1500
FAR = 0.1  # a relative step: with a first guess that far, weights are made again


@dataclass(frozen=True, eq=False)
class PDEAnswer:
    """What a solve found.

    coefficients: (n, m); u_i = Φ W_i. Without `converged` they are the last iterate, and no answer.
    method: "newton" or "chord". iterations: steps, those of failed attempts and easier members included.
    steps: the largest change of each iteration at the collocation points, relative to the size of each field.
    residual: root mean square of √x · (∂_x u − T (…)) at points between the collocation points, relative to the size
        of each field; √x as in the weights of the rows.
    converged: whether the last step is below the tolerance or at rounding, and the residual below 5e-2.
    message: a sentence that helps.
    """

    coefficients: np.ndarray
    method: str
    steps: tuple[float, ...]
    residual: float
    converged: bool
    message: str

    @property
    def iterations(self) -> int:
        return len(self.steps)

    @property
    def last_step(self) -> float:
        return self.steps[-1] if self.steps else math.inf


@dataclass(frozen=True, eq=False)
class _Member:
    """A member with its data, and what rows are weighed by in addition: growth (N,), and all of data's weights (M,)."""

    p: np.ndarray
    data: np.ndarray
    growth: np.ndarray
    data_weights: np.ndarray


@dataclass(frozen=True, eq=False)
class _Run:
    """Coefficients, the steps that led there, and why they are no solution (empty where they are)."""

    W: np.ndarray
    steps: tuple[float, ...]
    failure: str = ""
    message: str = ""


class PDENewton:
    """Solves members of a family on all functions of a dictionary, by Newton's method or chords.

    Parameters
    ----------
    family: a PDEFamily; linear ones take one step.
    functions: of d + 1 scaled coordinates, time last: a tensor FieldDictionary, or one of a body.
    points: where rows are, such as tensor_points makes: about twice as many as functions in each coordinate.
    rcond: relative singular values below which combinations of functions are left out.

    Errors: ValueError for a dictionary of another number of coordinates.
    """

    def __init__(self, family: PDEFamily, functions: Functions, points: PDEPoints, rcond: float = RCOND) -> None:
        coordinates = getattr(functions, "coordinates", family.d + 1)
        if coordinates != family.d + 1:
            raise ValueError(
                f"the functions are of {coordinates} coordinates, {family.name!r} has {family.d} and the time"
            )
        self.family, self.functions, self.points, self.rcond = family, functions, points, rcond
        whole = replace(split(family), mixing=np.eye(family.n), groups=(tuple(range(family.n)),))
        self.rows = GroupRows(family, whole, 0, points)

    # ------------------------------------------------------------------------------------------------------ solving
    def solve(
        self,
        p: np.ndarray,
        data: np.ndarray,
        method: str = "newton",
        *,
        guess: np.ndarray | None = None,
        tolerance: float = TOLERANCE,
    ) -> PDEAnswer:
        """Solve one member.

        p: (P,) parameters in the family's order. data: (n, M), initial and boundary values at `points.data`.
        method: "newton" linearises at all points in each step. Where that does not converge it is damped, then started
            from members of lower stiffness. "chord" keeps the first guess's linearisation, factored once: a step costs
            a hundredth, and converges where the guess is close or N small.
        guess: (n, m) coefficients to start from, such as a neighbouring member's; default the initial profile, constant
            in time.
        tolerance: of the last step, relative to each field's largest value.

        Failing to converge is reported in the answer. Errors: ValueError for a wrong shape or option.
        """
        if method not in METHODS:
            raise ValueError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
        if not (isinstance(tolerance, (int, float)) and tolerance >= 0):
            raise ValueError(f"tolerance must be a number of at least 0, got {tolerance!r}")
        p = _shaped(p, "p", (len(self.family.params),))
        data = _shaped(data, "data", (self.family.n, len(self.points.data)))
        W = self.constant(data) if guess is None else _shaped(guess, "guess", (self.family.n, self.functions.size))
        with np.errstate(all="ignore"):  # iterates may leave the domain of N
            member = self._member(p, data, W)
            run = self._newton(member, W, tolerance) if method == "newton" else self._chord(member, W, tolerance)
            if method == "newton" and not run.failure and max(run.steps) > FAR:
                again = self._newton_steps(self._member(p, data, run.W), run.W, tolerance, most=FEW_STEPS)
                run = run if again.failure else replace(again, steps=run.steps + again.steps, message=run.message)
            residual = self.residual(p, run.W) if np.isfinite(run.W).all() else math.inf
        failure = run.failure
        if not failure and not residual <= LARGEST_RESIDUAL:
            failure = (
                f"{run.message} But between the points the residual is {residual:.1e} of the solution: take more "
                "functions, or smoother data."
            )
        return PDEAnswer(run.W, method, run.steps, residual, not failure, failure or run.message)

    def constant(self, data: np.ndarray) -> np.ndarray:
        """Coefficients (n, m) of the initial values in data (n, M), constant in time."""
        return data[:, : len(self.points.initial)] @ self._constant.T

    @cached_property
    def _constant(self) -> np.ndarray:
        """Coefficients (m, M_0) that are 1 at one initial point, 0 at the others and constant in time."""
        m, M0 = self.functions.size, len(self.points.initial)
        system = TallLeastSquares(m, M0)
        for here in self._slices():
            A = self.functions.evaluate(self.points.interior[here], [self.rows.in_time])[0]
            A = self.points.interior_weights[here, None] * A
            system.add(A, np.zeros((len(A), M0)))
        w = self.points.initial_weights
        start = self.functions.evaluate(self.points.initial, [(0,) * (self.family.d + 1)])[0]
        system.add(np.ascontiguousarray(w[:, None] * start), np.diag(w))
        return system.solve(self.rcond)[0]

    def fitted(self, solution: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Coefficients (n, m) that come nearest to a solution, scaled points (N, d + 1) → (n, N): a first guess."""
        system = TallLeastSquares(self.functions.size, self.family.n)
        order = [(0,) * (self.family.d + 1)]
        for points in [*(self.points.interior[here] for here in self._slices()), self.points.initial]:
            system.add(self.functions.evaluate(points, order)[0], np.ascontiguousarray(solution(points).T))
        return np.ascontiguousarray(system.solve(self.rcond)[0].T)

    def evaluate(self, answer: PDEAnswer, points: np.ndarray) -> np.ndarray:
        """Values (n, N) at scaled points (N, d + 1); ValueError for an answer that has not converged."""
        if not answer.converged:
            raise ValueError(f"there is no solution to evaluate: {answer.message}")
        return self._values(answer.coefficients, points, (0,) * (self.family.d + 1))

    def residual(self, p: np.ndarray, W: np.ndarray) -> float:
        """As PDEAnswer.residual."""
        x = self._between[:, -1]
        missed, u = self._missed(p, W, self._between)
        return _largest_ratio(np.sqrt(np.mean(x * missed**2, axis=1)), np.abs(u).max(axis=1))

    @cached_property
    def _between(self) -> np.ndarray:
        """Points between the collocation points: of the same density, drawn with a fixed seed."""
        rng = np.random.default_rng(3)
        interior = self.points.interior
        times = np.unique(interior[:, -1])
        points = rng.random((BETWEEN_POINTS, self.family.d + 1))
        points[:, -1] = np.interp(points[:, -1], np.linspace(0, 1, len(times)), times)
        return points

    # ------------------------------------------------------------------------------------------------------- Newton
    def _member(self, p: np.ndarray, data: np.ndarray, W: np.ndarray) -> _Member:
        """The member with weights for errors as they grow along W."""
        interior, initial = self.points.interior, self.points.initial
        growth, first = np.ones(len(interior)), np.ones(len(initial))
        if self.family.J is not None:
            u = self._values(W, self.checks.points, (0,) * (self.family.d + 1))
            omega = self.checks.amplification(p, self.family.theta_at(p), u)
            if np.isfinite(omega).all():
                growth, first = omega[self._nearest], omega[self.checks.nearest(initial)]
        weights = self.points.data_weights.copy()
        weights[: len(first)] *= first
        return _Member(p, data, growth, weights)

    @cached_property
    def checks(self) -> Checks:
        """Where the growth of errors, and errors, are estimated."""
        return Checks(self.rows)

    @cached_property
    def _nearest(self) -> np.ndarray:
        return self.checks.nearest(self.points.interior)

    def _newton(self, member: _Member, W: np.ndarray, tolerance: float) -> _Run:
        """Undamped first, then damped, then by continuation in the stiffness."""
        plain = self._newton_steps(member, W, tolerance)
        if not plain.failure:
            return plain
        damped = self._newton_steps(member, W, tolerance, damped=True)
        steps = plain.steps + damped.steps
        if not damped.failure:
            return replace(damped, steps=steps, message="Newton's method converged with damping.")
        return self._continued(member, W, tolerance, replace(plain, steps=steps))

    def _continued(self, member: _Member, W: np.ndarray, tolerance: float, failed: _Run) -> _Run:
        """From the member of lowest stiffness in geometric steps, each from the solution before; data stay."""
        name = self.family.stiffness
        if name is None:
            return replace(failed, failure=f"{failed.failure} No parameter is positive, to continue in.")
        k = list(self.family.params).index(name)
        low, high = self.family.params[name].solve[0], member.p[k]
        steps, members, reached, to, stride = failed.steps, 0, 0.0, 0.0, FIRST_STRIDE  # shares of the way
        while reached < 1:
            if not 0 < low < high or stride < SHORTEST_STRIDE or len(steps) > MOST_TOTAL:
                end = f"ended at {name} = {low * (high / low) ** reached:.3g}" if members else "has no easier member"
                return replace(failed, steps=steps, failure=f"{failed.failure} Continuation in {name} {end}.")
            p = member.p.copy()
            p[k] = low * (high / low) ** to
            run = self._newton_steps(
                self._member(p, member.data, W), W, tolerance, most=FEW_STEPS if members else MOST_STEPS
            )
            steps, members = steps + run.steps, members + 1
            if not run.failure:
                reached, W, stride = to, run.W, 2 * stride
            else:
                stride = stride / 2 if to > 0 else 0.0
            to = min(reached + stride, 1.0)
        message = f"Newton's method converged by continuation from {name} = {low:g} over {members} members."
        return _Run(W, steps, message=message)

    def _newton_steps(
        self, member: _Member, W: np.ndarray, tolerance: float, damped: bool = False,
        most: int = MOST_STEPS,
    ) -> _Run:  # fmt: skip
        steps: list[float] = []
        first = self._size(W)
        while len(steps) < most:
            system = self._system(member, W)
            if system is None:
                return _Run(W, tuple(steps), "Newton's method met a right-hand side that is not finite.")
            step = least_squares(system, self.rcond).reshape(W.shape)
            part = self._damping(member, W, step) if damped else 1.0
            if part == 0:
                break
            W = W + part * step
            steps.append(self._change(step, W))
            if _largest_ratio(self._size(W), first) > LARGEST_SIZE:
                return _Run(W, tuple(steps), f"Newton's method diverges after {len(steps)} steps.")
            if part == 1 and self._settled(steps, W, member.p, tolerance):
                return _Run(W, tuple(steps), message="Newton's method converged.")
        where = f"{len(steps)} steps, the last {steps[-1]:.1e} of the solution" if steps else "no step"
        advice = "More functions, or a better guess may help."
        return _Run(W, tuple(steps), f"Newton's method does not converge after {where}. {advice}")

    def _damping(self, member: _Member, W: np.ndarray, step: np.ndarray) -> float:
        """The part of a step after which rows are missed by less; 0 where there is none."""
        part, before = 1.0, self._objective(member, W)
        while part >= SMALLEST_PART:
            if self._objective(member, W + part * step) <= (1 - part / 4) * before or part * before <= self.rcond:
                return part
            part /= 2
        return 1.0 if self._change(step, W) <= STAGNATION else 0.0

    # ------------------------------------------------------------------------------------------------------- chords
    def _chord(self, member: _Member, W: np.ndarray, tolerance: float) -> _Run:
        frozen = W
        system = self._system(member, frozen)
        if system is None:
            return _Run(W, (), "The right-hand side is not finite at the first guess.")
        steps: list[float] = []
        solve, step = normal_solve(system, self.rcond), least_squares(system, self.rcond).reshape(W.shape)
        advice = 'Use method="newton", or a guess that is closer.'
        while len(steps) < MOST_CHORDS:
            W = W + step
            steps.append(self._change(step, W))
            if not np.isfinite(steps[-1]) or _largest_ratio(self._size(W), self._size(frozen)) > LARGEST_SIZE:
                return _Run(W, tuple(steps), f"The chord iteration diverges after {len(steps)} steps. {advice}")
            if self._settled(steps, W, member.p, tolerance):
                return _Run(W, tuple(steps), message="The chord iteration converged.")
            if min(steps[-PATIENCE:]) > min(steps[:-PATIENCE], default=math.inf):
                break
            gradient = self._gradient(member, W, frozen)
            if gradient is None:
                return _Run(
                    W, tuple(steps), f"The chord iteration meets a right-hand side that is not finite. {advice}"
                )
            step = solve(gradient.ravel()).reshape(W.shape)
        return _Run(W, tuple(steps), f"The chord iteration stalls at steps of {min(steps):.1e}. {advice}")

    def _gradient(self, member: _Member, W: np.ndarray, frozen: np.ndarray) -> np.ndarray | None:
        """Aᵀ(−r) (n, m) with the rows A of the first guess and what the rows miss at W."""
        total = np.zeros(W.size)
        for A, missed in self._equations(member, frozen, W):
            if not np.isfinite(missed).all():
                return None
            total -= missed @ A
        gradient = total.reshape(W.shape)
        w = member.data_weights
        for i, missed in enumerate(member.data - W @ self.data_rows.T):
            gradient[i] += (np.where(self.rows.given[i], w**2 * missed, 0.0)) @ self.data_rows
        return gradient

    # --------------------------------------------------------------------------------------------------------- rows
    def _slices(self) -> Iterator[slice]:
        for start in range(0, len(self.points.interior), BLOCK):
            yield slice(start, start + BLOCK)

    def _system(self, member: _Member, W: np.ndarray) -> TallLeastSquares | None:
        """All rows linearised at W, for the step; None where they are not finite."""
        n, m = W.shape
        system = TallLeastSquares(n * m, 1)
        for A, missed in self._equations(member, W, W):
            if not (np.isfinite(A).all() and np.isfinite(missed).all()):
                return None
            system.add(A, -missed[:, None])
        w = member.data_weights
        for i, missed in enumerate(member.data - W @ self.data_rows.T):
            on = self.rows.given[i]
            A = np.zeros((int(on.sum()), n * m))
            A[:, i * m : (i + 1) * m] = w[on, None] * self.data_rows[on]
            system.add(A, (w * missed)[on, None])
        return system

    def _equations(self, member: _Member, at: np.ndarray, W: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Weighted rows (n·b, n·m) linearised `at` coefficients, and what they miss at W (n·b,), block by block."""
        family, rows, p = self.family, self.rows, member.p
        theta, (n, m) = family.theta_at(p), W.shape
        for here, (weights, parts) in zip(self._slices(), rows.blocks(self.functions), strict=True):
            points = self.points.interior[here]
            A = rows.weighted(parts, theta)  # (n, b, n·m)
            missed = A @ W.ravel()  # (n, b)
            if family.nonlinear or family.source is not None:
                value = self.functions.evaluate(points, [(0,) * (family.d + 1)])[0]
                missed = missed - rows.span * self.rows.forcing(p, points, W @ value.T)
                J = self.rows.jacobian(p, points, at @ value.T)
                for i in range(n):
                    for j in range(n):
                        if np.any(J[i, j]):
                            A[i, :, j * m : (j + 1) * m] -= (rows.span * J[i, j])[:, None] * value
            weights = weights * member.growth[here]
            yield (weights[:, None] * A).reshape(-1, n * m), (weights * missed).ravel()

    def linear(self, p: np.ndarray, W: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∂_x u − T Σ θ L u, and u, (n, N) each, at scaled points."""
        orders = [self.rows.in_time, *self.rows.orders, (0,) * (self.family.d + 1)]
        found = self.functions.evaluate(points, orders)
        values = {order: [value @ own[:, None] for own in W] for order, value in zip(orders, found, strict=True)}
        return self.rows.weighted(self.rows.parts(points, values), self.family.theta_at(p))[:, :, 0], W @ found[-1].T

    def _missed(self, p: np.ndarray, W: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∂_x u − T (Σ θ L u + f + N(u)), and u, (n, N) each, at scaled points."""
        linear, u = self.linear(p, W, points)
        return linear - self.rows.span * self.rows.forcing(p, points, u), u

    def _objective(self, member: _Member, W: np.ndarray) -> float:
        """The norm of what all rows miss."""
        total = 0.0
        for here in self._slices():
            missed, _ = self._missed(member.p, W, self.points.interior[here])
            total += float(np.sum((self.points.interior_weights[here] * member.growth[here] * missed) ** 2))
        missed = member.data_weights * (member.data - W @ self.data_rows.T)
        total += float(np.sum(missed[self.rows.given] ** 2))
        return math.sqrt(total) if math.isfinite(total) else math.inf

    @cached_property
    def data_rows(self) -> np.ndarray:
        return self.rows.data_rows(self.functions)

    def _values(self, W: np.ndarray, points: np.ndarray, order: Order) -> np.ndarray:
        return np.concatenate(
            [W @ self.functions.evaluate(points[k : k + BLOCK], [order])[0].T for k in range(0, len(points), BLOCK)],
            axis=1,
        )

    # -------------------------------------------------------------------------------------------------------- sizes
    @cached_property
    def _sample(self) -> np.ndarray:
        """The functions at the points where sizes are taken, (N, m)."""
        return self.functions.evaluate(self._between, [(0,) * (self.family.d + 1)])[0]

    def _size(self, W: np.ndarray) -> np.ndarray:
        return np.abs(W @ self._sample.T).max(axis=1)

    def _change(self, step: np.ndarray, W: np.ndarray) -> float:
        return _largest_ratio(self._size(step), self._size(W))

    def _settled(self, steps: list[float], W: np.ndarray, p: np.ndarray, tolerance: float) -> bool:
        """Whether the last step meets the tolerance, or is rounding: tiny, but no smaller than the one before."""
        if steps[-1] <= tolerance or len(steps) == 1 or not steps[-2] <= steps[-1] <= LARGEST_ROUNDING:
            return steps[-1] <= tolerance
        return steps[-1] <= STAGNATION or steps[-1] <= FAR_BELOW * self.residual(p, W)


def least_squares(system: TallLeastSquares, rcond: float) -> np.ndarray:
    """X (C, k): by substitution where the rows have full rank, which is three times as fast as by singular values."""
    from scipy.linalg import solve_triangular

    R, norms = _scaled_factor(system)
    if _full_rank(R, rcond):
        return solve_triangular(R, system.Qtb()) / norms[:, None]
    return system.solve(rcond)[0]


def normal_solve(system: TallLeastSquares, rcond: float) -> Callable[[np.ndarray], np.ndarray]:
    """g ↦ (AᵀA)⁻¹ g from the triangular factor of A's rows, unknowns scaled by their columns' norms."""
    from scipy.linalg import solve_triangular

    R, norms = _scaled_factor(system)
    if _full_rank(R, rcond):
        return lambda g: solve_triangular(R, solve_triangular(R, g / norms, trans="T")) / norms
    _, sigma, Vt = np.linalg.svd(R)
    kept = sigma > rcond * sigma[0]
    return lambda g: (Vt[kept].T @ ((Vt[kept] @ (g / norms)) / sigma[kept] ** 2)) / norms


def _scaled_factor(system: TallLeastSquares) -> tuple[np.ndarray, np.ndarray]:
    R = system.R()
    norms = np.linalg.norm(R, axis=0)
    norms[norms == 0] = 1.0
    return R / norms, norms


def _full_rank(R: np.ndarray, rcond: float) -> bool:
    diagonal = np.abs(np.diag(R))
    return bool(diagonal.min() > 10 * rcond * diagonal.max())


def _largest_ratio(part: np.ndarray, whole: np.ndarray) -> float:
    ratio = float((part / np.maximum(whole, np.finfo(float).tiny)).max())
    return ratio if math.isfinite(ratio) else math.inf


def _shaped(value: np.ndarray, what: str, shape: tuple[int, ...]) -> np.ndarray:
    array = finite(value, what)
    if array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}")
    return array
