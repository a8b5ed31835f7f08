"""The ODE problems of arXiv 2501.17281 as it poses them, what it publishes of them, and how errors are measured.

n states, N times. Stiffnesses are the published labels: of the damped oscillator twice this package's alpha.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from bench.models import stiffness
from stlfast.measure.exact import point_set, truth

PUBLISHED = Path(__file__).with_name("published.json")  # figures of the authors' result files; facts, not results
UNIFORM = 1000  # times that published errors are compared over, as they were measured
Solve = Callable[[np.ndarray], np.ndarray]  # times (N,) → y (n, N)


@cache
def published() -> dict[str, Any]:
    """The authors' tables by name, "dho_transfer" and so on: alpha_list, and mae_y1, …, maxae_y2 of the same length."""
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))


def published_largest(name: str) -> list[tuple[float, float]]:
    """Published stiffness, and the largest error of either state there.

    Of duffing the best of the orders 0 … 29 of its series; it has beta = 0.1, as the authors' notebook says: at 0.5 and
    alpha = 10 no order of the exact series is closer than 0.03.
    """
    table = published()[f"{name}_transfer"]
    largest = map(max, table["maxae_y1"], table["maxae_y2"])
    return list(zip(table["alpha_list"], largest, strict=True))


@dataclass(frozen=True, eq=False)
class PaperProblem:
    """A shipped family as the paper takes it.

    label: the published stiffness over this package's. others: the parameters that the paper holds fixed. train: our
    choice of stiffnesses, in published labels, that bodies are trained on; the authors' are not public.
    """

    name: str
    label: float
    others: dict[str, float]
    train: tuple[float, float]
    _truth: dict[Any, np.ndarray] = field(default_factory=dict, init=False)

    @cached_property
    def family(self) -> stlfast.Family:
        return getattr(stlfast.families, self.name)()

    @property
    def model(self) -> Any:
        """The shipped one, linear or not."""
        return stlfast.load(self.name)

    @property
    def stiffness(self) -> str:
        return stiffness(self.family)

    @cached_property
    def low_stiff(self) -> stlfast.Family:
        """The family on the train range, everything else fixed: what the paper's pipeline is trained on."""
        low, high = (end / self.label for end in self.train)
        solved = self.family.params[self.stiffness].solve
        return self.narrowed(stlfast.Range((low, high), (min(low, solved[0]), solved[1])))

    def narrowed(self, interval: stlfast.Range) -> stlfast.Family:
        """The family with another range of its stiffness, the other parameters and the initial values held fixed."""
        fixed = {name: stlfast.Range((value, value), (value, value)) for name, value in self.others.items()}
        ranges = fixed | {self.stiffness: interval}
        meta = self.family.to_dict() | {"y0_range": None}
        for entry in meta["params"]:
            entry |= {"train": list(ranges[entry["name"]].trained), "solve": list(ranges[entry["name"]].solve)}
        return stlfast.Family.from_parts(meta, self.family.tensors())

    @property
    def alphas(self) -> list[float]:
        """The published stiffnesses of the transfer."""
        return self.published["alpha_list"]

    @property
    def published(self) -> dict[str, list[float]]:
        return published()[f"{self.name}_transfer"]

    @property
    def vanilla(self) -> dict[str, list[float]]:
        """What is published of vanilla PINNs."""
        return published()[f"{self.name}_vanilla_pinn"]

    def params(self, alpha: float) -> dict[str, Any]:
        return {self.stiffness: alpha / self.label, **self.others}

    def truth(self, alpha: float) -> np.ndarray:
        """y (n, N) at `times`: exact, of the nonlinear problem SciPy's LSODA at rtol = 1e-12."""
        if alpha not in self._truth:
            self._truth[alpha] = truth(self.family, self.times, **self.params(alpha))
        return self._truth[alpha]

    @property
    def span(self) -> tuple[float, float]:
        return self.family.t_span_at(**self.params(self.alphas[0]))

    @cached_property
    def times(self) -> np.ndarray:
        """The uniform times and those of `stlfast.reference.point_set`, which see the transient, together."""
        return np.union1d(self.uniform, point_set(*self.span))

    @cached_property
    def uniform(self) -> np.ndarray:
        return np.linspace(*self.span, UNIFORM)

    @property
    def x(self) -> np.ndarray:
        """`times` scaled to [0, 1]."""
        return (self.times - self.times[0]) / np.ptp(self.times)

    def errors(self, alpha: float, solve: Solve) -> dict[str, Any]:
        """mae, maxae (n,) over uniform times, as published; maxae_all (n,) over all times. None where not finite."""
        return self.errors_of(alpha, solve(self.times))

    def errors_of(self, alpha: float, y: np.ndarray) -> dict[str, Any]:
        """The same of values y (n, N) at `times`."""
        error = np.abs(y - self.truth(alpha))
        uniform = error[:, np.isin(self.times, self.uniform)]
        found = {"mae": uniform.mean(axis=1), "maxae": uniform.max(axis=1), "maxae_all": error.max(axis=1)}
        return {key: [finite(v) for v in values] for key, values in found.items()}


def finite(value: Any) -> float | None:
    """As JSON holds it: None for what is no number or infinite."""
    return float(value) if math.isfinite(value) else None


PROBLEMS = {
    problem.name: problem
    for problem in (
        PaperProblem("dho", 2.0, {}, (2.0, 20.0)),
        PaperProblem("ncff", 1.0, {"omega": 1.0}, (1.0, 20.0)),
        PaperProblem("duffing", 1.0, {"beta": 0.1}, (5.0, 40.0)),
    )
}
