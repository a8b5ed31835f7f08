"""Members of nonlinear families of PDEs on all functions of a dictionary, one solve for all of space and time.

∂_x u − T (Σ_q θ_q L_q u + f + N(u)) = 0,   data rows u = d,   u_i = Φ W_i       scaled coordinates z, x ∈ [0, 1]

A step δ = Φ δW makes the rows of r(u) + r'(u*) δ and d − u − δ small in the least-squares sense: u* = u for Newton's
method (Gauss–Newton, for there are more rows than functions), u* the first guess for chords. Rows come in blocks, of
which a triangular factor R is kept; chords solve with it by the semi-normal equations RᵀR δW = Aᵀ(−r).

d coordinates, n fields, m functions Φ, N collocation points, M data, P parameters; W (n, m) the coefficients, T the
time span.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..._core import TallLeastSquares
from ...base.checks import finite
from ...equations.pde.family import PDEFamily
from ..newton import chord, newton, newton_steps
from .member import FieldMember
from .rows import Functions, PDEPoints
from .tables import FieldTables

METHODS = ("newton", "chord")
TOLERANCE = 1e-9
RCOND = 1e-13
LARGEST_RESIDUAL = 5e-2  # between the points, of an answer that is called a solution
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


class PDENewton(FieldTables):
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
        super().__init__(family, functions, points)
        self.rcond = rcond

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
            member = FieldMember.near(self, p, data, W, self.rcond)
            run = (newton if method == "newton" else chord)(member, W, tolerance)
            if method == "newton" and not run.failure and max(run.steps) > FAR:
                again = newton_steps(member.member(p, run.x), run.x, tolerance, most=member.limits.few_steps)
                run = run if again.failure else replace(again, steps=run.steps + again.steps, message=run.message)
            residual = self.residual(p, run.x) if np.isfinite(run.x).all() else math.inf
        failure = run.failure
        if not failure and not residual <= LARGEST_RESIDUAL:
            failure = (
                f"{run.message} But between the points the residual is {residual:.1e} of the solution: take more "
                "functions, or smoother data."
            )
        return PDEAnswer(run.x, method, run.steps, residual, not failure, failure or run.message)

    def constant(self, data: np.ndarray) -> np.ndarray:
        """Coefficients (n, m) of the initial values in data (n, M), constant in time."""
        result: np.ndarray = data[:, : len(self.points.initial)] @ self._constant.T
        return result

    @cached_property
    def _constant(self) -> np.ndarray:
        """Coefficients (m, M_0) that are 1 at one initial point, 0 at the others and constant in time."""
        m, M0 = self.functions.size, len(self.points.initial)
        system = TallLeastSquares(m, M0)
        for here in self.slices():
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
        for points in [*(self.points.interior[here] for here in self.slices()), self.points.initial]:
            system.add(self.functions.evaluate(points, order)[0], np.ascontiguousarray(solution(points).T))
        return np.ascontiguousarray(system.solve(self.rcond)[0].T)

    def evaluate(self, answer: PDEAnswer, points: np.ndarray) -> np.ndarray:
        """Values (n, N) at scaled points (N, d + 1); ValueError for an answer that has not converged."""
        if not answer.converged:
            raise ValueError(f"there is no solution to evaluate: {answer.message}")
        return self.values(answer.coefficients, points, (0,) * (self.family.d + 1))


def _shaped(value: np.ndarray, what: str, shape: tuple[int, ...]) -> np.ndarray:
    array = finite(value, what)
    if array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}")
    return array
