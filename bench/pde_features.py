"""What training buys on partial differential equations: a trained body, the untrained one and polynomials of one size.

    python -m bench.pde_features [--output docs/results] [--quick]

Writes pde_features.json and pde_features.md. Needs PyTorch; about six minutes on one core (OMP_NUM_THREADS=1).

Every basis solves the same members for the same data on the same rows, with all its functions (stlfast.pde_full).
Errors are absolute, over fields and points, half of which are in the initial layer t < 5/λ with λ = 3/2 alpha.
n fields, K profiles, N points.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from bench import driver, models
from bench.pde_features_report import page
from stlfast import families
from stlfast._core import FieldDictionary
from stlfast.direct.pde import solver as pde_full
from stlfast.direct.pde.rows import PDEPoints, grid_points, physical
from stlfast.direct.pde.tensor import tensor_points
from stlfast.equations.pde import characteristics
from stlfast.equations.pde.family import PDEFamily
from stlfast.features.layers import TAU
from stlfast.training.pde import random_body

Profile = Callable[..., np.ndarray]  # x (N,), or x and y → (n, N)
LAYER = 5.0  # half the points are before this over the fastest rate
RATE = 1.5  # of both reactions, over alpha


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    points: int = 4000
    widths: tuple[int, ...] = (96, 96, 160)
    # in one and two dimensions:
    steps: tuple[int, int] = (1400, 500)  # of Adam; at most three minutes each
    lbfgs_steps: tuple[int, int] = (100, 60)
    alphas: tuple[tuple[float, ...], tuple[float, ...]] = ((10.0, 50.0, 200.0, 1000.0), (10.0, 30.0, 100.0))
    rows: tuple[tuple[int, ...], tuple[int, ...]] = ((24, 40), (9, 9, 32))  # functions that they would suit
    tensors: tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]] = (
        ((16, 30), (24, 20)), ((3, 3, 53), (5, 5, 19)),
    )  # fmt: skip  # (space…, time) of the tensor bases


QUICK = Effort(
    points=500, widths=(10, 8), steps=(15, 5), lbfgs_steps=(3, 2), alphas=((10.0, 1000.0), (100.0,)),
    rows=((10, 16), (5, 5, 12)), tensors=(((4, 10),), ((3, 3, 3),)),
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A family with its judge. Nonlinear families join here when pde_full solves them (families.fisher_kpp)."""

    family: PDEFamily
    dilations: tuple[float, ...]
    profiles: dict[str, Profile | None]  # None: the family's own
    truth: Callable[[Problem, np.ndarray, list[Any], int], tuple[np.ndarray, np.ndarray]]


# ----------------------------------------------------------------------------------------------------------- problems
def line_profiles() -> dict[str, Profile | None]:
    def bump(x: np.ndarray) -> np.ndarray:
        return np.stack([0.5 + np.exp(-(((x - 0.4) / 0.3) ** 2)), 1 - 0.5 * np.exp(-(((x - 0.5) / 0.3) ** 2))])

    def step(x: np.ndarray) -> np.ndarray:
        return np.stack([0.5 - 0.5 * np.tanh((x - 0.3) / 0.15), 0.5 + 0.25 * np.tanh((x - 0.4) / 0.15)])

    return {"default": None, "smooth bump": bump, "steep step": step}


def plane_profiles() -> dict[str, Profile | None]:
    def bump(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        phase = np.cos(2 * np.pi * (x - 0.4)) + np.cos(2 * np.pi * (y - 0.6)) - 2
        return np.stack([0.5 + np.exp(phase / 2), 1 - 0.5 * np.exp(phase / 2)])

    def waves(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        a, b = 4 * np.pi * x, 4 * np.pi * y
        return np.stack([1 + np.sin(a) * np.cos(b) / 2, (2 + np.cos(a + b)) / 4])

    return {"default": None, "smooth bump": bump, "shorter waves": waves}


def on_line(problem: Problem, p: np.ndarray, data: list[Any], points: int) -> tuple[np.ndarray, np.ndarray]:
    """Random scaled points (N, 2), and the exact solutions there (K, n, N)."""
    z = random_coordinates(points, 2, p[0], seed=1)
    family = problem.family
    starts = [
        partial(family.initial_at, p=p) if given is None else (lambda x, g=given: g(x[0])) for given in data
    ]  # fmt: skip
    return z, np.stack([characteristics.solution(family, g, physical(family, z), p) for g in starts])


def on_plane(problem: Problem, p: np.ndarray, data: list[Any], points: int) -> tuple[np.ndarray, np.ndarray]:
    """The same with all combinations of random coordinates, by the matrix exponential of each Fourier mode."""
    family, count = problem.family, round(points ** (1 / 3))
    axes = np.sort(random_coordinates(count, 3, p[0], seed=1), axis=0).T
    z = grid_points(axes)
    x, y, t = (axis[0] + a * (axis[1] - axis[0]) for a, axis in zip(axes, [*family.domain, family.t_span], strict=True))
    params = dict(zip(family.params, p.tolist(), strict=True))
    solutions = [family.reference(x, y, t, u0=g, method="modes", **params) for g in data]
    return z, np.stack(solutions).reshape(len(data), family.n, -1)


def random_coordinates(count: int, coordinates: int, alpha: float, seed: int) -> np.ndarray:
    """(count, d + 1); half the times are in the initial layer."""
    z = np.random.default_rng(seed).random((count, coordinates))
    z[: count // 2, -1] *= min(1.0, LAYER / (RATE * alpha))
    return z


def problems() -> list[Problem]:
    return [
        Problem(families.advection_reaction(), (1.0, 8.0, 64.0), line_profiles(), on_line),
        Problem(families.advection_diffusion_reaction_2d(), (1.0, 4.0, 16.0), plane_profiles(), on_plane),
    ]


# -------------------------------------------------------------------------------------------------------- measurement
def study(problem: Problem, effort: Effort) -> dict[str, Any]:
    """A trained body, the bases and their errors."""
    family, k = problem.family, problem.family.d - 1
    body = stlfast.train_body(
        family, widths=effort.widths, steps=effort.steps[k], lbfgs_steps=effort.lbfgs_steps[k], device="cpu",
        progress=False,
    )  # fmt: skip
    history = models.history(body)
    untrained = random_body(family, effort.widths, body.activation, body.tau, history["settings"]["seed"])
    kinds = ["periodic" if periodic else "chebyshev" for periodic in family.periodic]
    bases = {
        "trained": FieldDictionary.from_body(body.core(), list(problem.dilations)),
        "untrained": FieldDictionary.from_body(untrained.core(), list(problem.dilations)),
    }
    for *space, times in effort.tensors[k]:
        label = f"tensor {' × '.join(map(str, [*space, times]))}"
        bases[label] = FieldDictionary.tensor(list(zip(kinds, space, strict=True)), times, TAU)
    *space, times = effort.rows[k]
    points = tensor_points(family, tuple(space), times, TAU)
    rows = []
    for alpha in effort.alphas[k]:
        for name, functions in bases.items():
            rows.append({"alpha": alpha, "basis": name, **solved(problem, functions, points, alpha, effort.points)})
            driver.say(f"    {rows[-1]}")
    found = {
        "train": family.params[models.stiffness(family)].train,
        "training": {
            key: history[key] for key in ("seconds", "settings", "best_loss", "stopped_by", "device", "threads")
        }
        | {"first_loss": history["loss"][0], "steps": len(history["loss"])},
        "dilations": problem.dilations,
        "sizes": {name: functions.size for name, functions in bases.items()},
        "equations": len(points.interior),
        "data": len(points.data),
        "profiles": list(problem.profiles),
        "rows": rows,
    }
    if family.d == 1:
        found["kink"] = [
            {"alpha": alpha, "basis": name, **kinked(problem, functions, points, alpha, effort.points)}
            for alpha in effort.alphas[k]
            for name, functions in bases.items()
        ]
    return found


def solved(problem: Problem, functions: FieldDictionary, points: PDEPoints, alpha: float, count: int) -> dict[str, Any]:
    """Mean and largest error of each profile, and the seconds that all of them took."""
    p, data = np.array([alpha]), list(problem.profiles.values())
    z, truth = problem.truth(problem, p, data, count)
    given = np.stack([pde_full.member_data(problem.family, points, p, u0=g) for g in data])
    started = time.perf_counter()
    heads = pde_full.solve_data(problem.family, functions, points, p, given)
    seconds = time.perf_counter() - started
    mean, largest = pde_full.errors(functions, heads, z, truth)
    return {"mean": mean.tolist(), "largest": largest.tolist(), "seconds": round(seconds, 3)}


def kinked(problem: Problem, functions: FieldDictionary, points: PDEPoints, alpha: float, count: int) -> dict[str, Any]:
    """The default initial values with an inflow that stays what it is at t = 0: u(x, t) = e^{R x} g(0) for x < t."""
    family, p = problem.family, np.array([alpha])
    z = random_coordinates(count, 2, alpha, seed=2)
    (x, t), corner = physical(family, z), family.initial_at(np.zeros((1, 1)), p)
    carried = characteristics.solution(family, partial(family.initial_at, p=p), np.stack([x, t]), p)
    inflow = characteristics.solution(family, lambda x: np.tile(corner, x.shape[1]), np.stack([x, x]), p)
    truth = np.where(x < t, inflow, carried)[None]
    data = pde_full.member_data(family, points, p, inflow=lambda t: np.tile(corner, len(t)))
    heads = pde_full.solve_data(family, functions, points, p, data[None])
    mean, largest = pde_full.errors(functions, heads, z, truth)
    return {"mean": float(mean[0]), "largest": float(largest[0])}


# ----------------------------------------------------------------------------------------------------------- together
@driver.study
def run(effort: Effort) -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    results: dict[str, Any] = {"effort": asdict(effort), "families": {}}
    for problem in problems():
        driver.say(problem.family.name)
        results["families"][problem.family.name] = study(problem, effort)
    return results


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    return driver.write("pde_features", results, page(results), folder)


if __name__ == "__main__":
    parser = driver.parser(__doc__, quick="few points, barely trained bodies, to see that it runs")
    driver.main(parser, lambda options: run(QUICK if options.quick else Effort()), write)
