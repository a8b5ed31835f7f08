"""Members of nonlinear families on all functions of a dictionary, one solve for the whole time span.

dy/dx = A(p, x) y + b(p, x) + N(x, y, p),   y(0) = y0,   x = (t − t0)/(t1 − t0) ∈ [0, 1],   y(x) = Φ(x) W

n states, N collocation points, M functions Φ, P parameters, W (M, n) the heads. Arrays over points are (n, N), (n², N).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ... import _core
from ...base.checks import finite
from ...equations.ode.family import Family
from ...features.body import Body
from ...features.dictionary import ROW_WEIGHTS, Dictionary
from ..newton import chord, newton
from .collocation import Grid
from .heads import Heads
from .perturbation import perturbation

METHODS = ("newton", "chord", "perturbation")
ORDER = 29  # of the perturbation series, as in arXiv 2501.17281
TOLERANCE = 1e-11


@dataclass(frozen=True, eq=False)
class FullAnswer:
    """What a solve found.

    heads: (M, n); y(x) = Φ(x) heads, which `FullSolver.evaluate` computes.
    method: the one that was asked for.
    iterations: Newton steps, those of failed attempts and easier members included; chords; or the order of the series.
    steps: the largest change of each iteration, or each term of the series, relative to the size of each state at the
        collocation points. last_step: the last of them.
    residual: the largest row-preconditioned residual between the collocation points, relative to the size of each
        state. It is about the relative error, unless the problem amplifies errors or the points miss a layer.
    converged: whether the last step is below the tolerance or at rounding, and the residual below 1e-2.
    message: a sentence that helps.
    """

    heads: np.ndarray
    method: str
    iterations: int
    last_step: float
    residual: float
    converged: bool
    message: str
    steps: tuple[float, ...] = ()


class FullSolver:
    """Solves members of a family on all functions of a dictionary, by Newton's method, chords or a perturbation series.

    Least squares over the collocation points; milliseconds a solve. Nothing is integrated in time. Layers belong at the
    beginning, where log time has its points; for others, as in Van der Pol's oscillator, there is `Windows`. What lies
    between all points is not seen, such as a pole of f that the answer jumps over.

    Parameters
    ----------
    family: any Family, also one with a Python function as rhs.
    dictionary: the functions: `Dictionary(functions=M, tau=tau)`, Chebyshev polynomials in log time with knee tau, or
        `Dictionary(dilations, constant)` of the features of `body`. The fastest layer must be longer than tau.
    points: (N,) collocation points x, increasing in [0, 1]. For Chebyshev polynomials M − 1 nodes of the same log time
        are best: with the initial values that is one equation for each unknown. More are least squares. For features
        about twice as many as functions.
    row_weights: "sqrt_t" weighs a point by the root of the time it stands for, "none" all alike; Newton's method, whose
        rows are preconditioned, always takes all alike.
    shared_head, solver: as for `compile`.

    The pipeline of arXiv 2501.17281 is uniform points, row_weights="none", shared_head=True, solver="pinv", with
    method="perturbation". Errors: ValueError for a wrong option, or a dictionary that does not fit.
    """

    def __init__(
        self,
        family: Family,
        dictionary: Dictionary,
        points: np.ndarray,
        row_weights: str = "sqrt_t",
        shared_head: bool = False,
        solver: str = "svd",
        body: Body | None = None,
    ) -> None:
        if not isinstance(family, Family):
            raise ValueError(f"FullSolver takes a stlfast.Family, got {type(family).__name__}")
        if row_weights not in ROW_WEIGHTS:
            raise ValueError(f"unknown row_weights {row_weights!r}; known: {', '.join(ROW_WEIGHTS)}")
        self.family, self.dictionary, self.body = family, dictionary, body
        x = finite(points, "points")
        self._functions = dictionary.core(body)
        # Preconditioned rows of Newton's method are alike already; √dt on top would let go of the early points.
        self._alike, self._space = (
            _core.FullSpace(self._functions, _core.Points.given(x, weighted), family.n, shared_head, solver)
            for weighted in (False, row_weights == "sqrt_t")
        )
        self._grid = Grid(self._functions, x)
        self._between = Grid(self._functions, np.concatenate([[x[0] / 2], (x[1:] + x[:-1]) / 2, [(1 + x[-1]) / 2]]))
        (self._start,) = self._functions.evaluate(np.zeros(1))  # (1, M)
        # Row-preconditioned y' = 0, y(0) = 1: with y0, the first guess.
        identity = np.tile(np.eye(family.n).reshape(-1, 1), len(x))
        flat = self._alike.factor(np.zeros((family.n**2, 1)), identity / self._grid.rate)
        self._ones = flat.solve(np.ones(family.n), np.zeros((family.n, len(x))))

    def solve(
        self,
        p: Sequence[float] | np.ndarray,
        y0: Sequence[float] | np.ndarray,
        method: str = "newton",
        *,
        guess: np.ndarray | None = None,
        order: int = ORDER,
        expand: str | None = None,
        tolerance: float = TOLERANCE,
    ) -> FullAnswer:
        """Solve one member.

        p: (P,) parameters in the family's order. y0: (n,) initial values.
        method: "newton" linearises at all points and solves for the step; every N. Where that does not converge it is
            damped, then started from members of lower stiffness.
            "chord" iterates y ← solution of y' = A y + b + N(y) with one factorisation of the linear part.
            "perturbation" is the series y = Σ_k ε^k y_k, k = 0 … order, in a factor ε of N, at ε = 1, with the same
            factorisation; N must be a polynomial. The last two converge where N is small beside A.
        guess: (M, n) heads to start Newton's method or the chords from; default the constant y0.
        expand: name of a parameter to expand in instead of ε. N must vanish where it is 0, and A and b not contain it.
        tolerance: of the last step relative to each state's largest value. A step that is no smaller than the one
            before is rounding, and accepted, below 1e-8, or far below the residual.

        Failing to converge is reported in the answer. Errors: ValueError for a wrong shape or option, and for a
        perturbation of an N that has none.
        """
        if method not in METHODS:
            raise ValueError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
        if not (isinstance(order, (int, np.integer)) and order >= 0):
            raise ValueError(f"order must be an integer of at least 0, got {order!r}")
        if not (isinstance(tolerance, (int, float)) and tolerance >= 0):
            raise ValueError(f"tolerance must be a number of at least 0, got {tolerance!r}")
        p, y0 = _vector(p, "p", len(self.family.params)), _vector(y0, "y0", self.family.n)
        space = self._alike if method == "newton" else self._space
        problem = Heads(self.family, space, self._start, self._grid, self._between, p, y0)
        start = self._ones * y0 if guess is None else self._heads(guess)
        with np.errstate(all="ignore"):  # trial states may leave the domain of f
            if method == "newton":
                run = newton(problem, start, tolerance)
            elif method == "chord":
                run = chord(problem, start, tolerance)
            else:
                run = perturbation(problem, order, expand, tolerance)
            residual = problem.residual(run.x)
        last, iterations = run.steps[-1] if run.steps else math.inf, len(run.steps) - (method == "perturbation")
        message = run.failure or run.message
        return FullAnswer(run.x, method, iterations, last, residual, not run.failure, message, run.steps)

    def evaluate(self, heads: np.ndarray, x: np.ndarray) -> np.ndarray:
        """y (n, S) at points x (S,) in [0, 1]."""
        x = finite(x, "x")
        if x.ndim != 1 or x.min(initial=0.0) < 0 or x.max(initial=0.0) > 1:
            raise ValueError("x must be one-dimensional and lie in [0, 1], where 1 is the end of t_span")
        result: np.ndarray = (self._functions.evaluate(x)[0] @ self._heads(heads)).T
        return result

    def fitted(self, solution: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Heads (M, n) that come nearest to a solution x (N,) → (n, N) at the collocation points: a first guess."""
        rows = np.concatenate([self._start, self._grid.H])
        values = solution(np.concatenate([[0.0], self._grid.x]))
        result: np.ndarray = np.linalg.lstsq(rows, values.T, rcond=None)[0]
        return result

    def error_estimate(self, p: np.ndarray, y0: np.ndarray, heads: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Estimate (n,) of max |error|, max |y| (n,), and max x |f − y'| / max |y|, for an N with instructions.

        e' = J e + f − y', e(0) = y0 − y(0), at the collocation points and twice between each two; error_estimate.hpp.
        """
        x, H, dH = self._checks
        values, slopes = (np.ascontiguousarray((functions @ heads).T) for functions in (H, dH))
        return _core.error_estimate(self.family.core(), p, x, values, slopes, y0)

    @cached_property
    def _checks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Check points x (C,) of the error estimate, and the functions and their derivatives there, (C, M)."""
        x = np.concatenate([[0.0], self._grid.x, [1.0]])
        x = np.unique(np.concatenate([x, *(x[:-1] + share * np.diff(x) for share in (1 / 3, 2 / 3))]))
        H, dH = self._functions.evaluate(x, 1)
        return x, H, dH

    def _heads(self, heads: np.ndarray) -> np.ndarray:
        expected = (self._functions.size, self.family.n)
        heads = finite(heads, "heads")
        if heads.shape != expected:
            raise ValueError(f"heads must have shape {expected}, got {heads.shape}")
        return heads


def _vector(value: Sequence[float] | np.ndarray, what: str, size: int) -> np.ndarray:
    array = finite(value, what)
    if array.shape != (size,):
        raise ValueError(f"{what} must have shape ({size},), got {array.shape}")
    return array
