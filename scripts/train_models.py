"""Train, compile, measure and save the models that come with the package.

    python scripts/train_models.py [NAME …] [--output DIR]

Without a name all of them, one after the other. Needs PyTorch (pip install 'stlfast[train]'), but for PDEs. A model
takes a minute or two on one core, that of two space dimensions five. Fails where a model misses the accuracy, size or
training time that is promised for it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from stlfast.measure import accuracy

PRETRAINED = Path(__file__).parents[1] / "python" / "stlfast" / "pretrained"

ALPHAS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 150.0, 300.0, 1000.0)
OMEGAS = (0.5, 1.0, 1.37, 2.0)
BETAS = (0.1, 0.5, 1.0)
Y0_BOX, Y0_SEED, Y0_COUNT = 5.0, 0, 2  # random initial values besides the family's own, in [0, 5]² or its y0_range
RANDOM_COUNT = 20  # members where no values are listed

TRAINING = {
    "objective": "varpro", "widths": (64, 64, 64), "activation": "tanh", "input": "log", "members": 4, "forcings": 8,
    "points": 300, "ridge": 1e-7, "steps": 1500, "lbfgs_steps": 100, "lr": 3e-3, "seed": 0,
}  # fmt: skip
MODELS: dict[str, dict[str, Any]] = {
    "dho": {
        "training": {**TRAINING, "tau": 1e-1},  # dho is smooth in time: room late, for oscillating forcings
        "compile": {"tol": 1e-8, "max_rank": 12},
        "members": {"alpha": ALPHAS},
    },
    "ncff": {
        "training": {**TRAINING, "tau": 1e-3},
        "compile": {"tol": 8e-9, "max_rank": 36},
        "members": {"alpha": ALPHAS, "omega": OMEGAS},
    },
    "duffing": {
        "training": {
            **TRAINING, "widths": (64, 64, 32), "tau": 1e-3, "members": 16, "points": 250, "steps": 1000,
            "lbfgs_steps": 300, "lr": 1e-2,
        },
        "compile": {"tol": 1e-7, "max_rank": 24},
        "members": {"alpha": ALPHAS[3:], "beta": BETAS},
        "promised": {"error": 1e-6, "error_full": 1e-7},
    },
    "robertson": {
        "training": {
            **TRAINING, "widths": (64, 64, 48), "tau": 1e-9, "members": 10, "points": 250, "steps": 300,
            "lbfgs_steps": 600, "lr": 1e-3,
        },
        "compile": {"tol": 5e-7, "max_rank": 56},
        "members": {},
        "promised": {"error": 1e-6, "error_full": 1e-6},
    },
    # Nothing trained resolves jumps inside the interval: the model has no body, and is solved on time windows.
    "vdp": {"training": None, "compile": {"basis": "chebyshev", "reduced": False}, "members": None},
}  # fmt: skip
PDE_MODELS: dict[str, dict[str, Any]] = {
    "advection_reaction": {
        "compile": {"space": 28, "degrees": 28, "time": 36, "tol": 2e-5, "max_rank": 105},
        "members": {"alpha": (1.0, 3.0, 10.0, 50.0, 200.0, 1000.0)},
        "profiles": {
            "own": None,
            "hump": lambda x: np.stack([np.exp(-(((x - 0.4) / 0.3) ** 2)), 0.3 * np.exp(-(((x - 0.6) / 0.4) ** 2))]),
            "front": lambda x: np.stack([0.5 * (1 - np.tanh((x - 0.5) / 0.15)), 0.1 + 0.3 * x]),
        },
        "promised": {"mean": 5e-4, "max": 5e-3},
    },
    "advection_diffusion_reaction_2d": {
        "compile": {"space": 7, "degrees": 5, "time": 36, "tol": 1e-5, "max_rank": 200},
        "members": {"alpha": (1.0, 10.0, 30.0, 100.0)},
        "profiles": {
            "own": None,
            "waves": lambda x, y: np.stack(
                [1 + 0.3 * np.cos(2 * np.pi * (x - y)), 0.5 + 0.2 * np.sin(4 * np.pi * x)]
            ),
        },
        "promised": {"mean": 1e-3},
    },
    "fisher_kpp": {
        "compile": {"bounds": ((0.0, 1.0),)},
        "members": {"r": (1.0, 5.0, 10.0, 20.0, 50.0)},
        "profiles": {
            "own": None,
            "low": lambda x: (0.3 + 0.2 * np.cos(np.pi * x))[None],
            "hump": lambda x: (0.5 - 0.2 * np.cos(2 * np.pi * x))[None],
        },
        "promised": {"mean": 1e-3},
    },
}  # fmt: skip
PDE_PROMISED = {"bytes": 4_000_000, "compile_seconds": 1200.0}
PROMISED = {"error": 1e-7, "error_full": 1e-9, "bytes": 1_000_000, "training_seconds": 300.0}


def make(name: str, folder: Path) -> bool:
    """Whether the model keeps every promise; it is saved in any case."""
    settings = MODELS[name]
    family = getattr(stlfast.families, name)()
    body = None if settings["training"] is None else stlfast.train_body(family, **settings["training"])
    model = stlfast.compile(family, body, **settings["compile"])
    members = members_of(family, settings["members"])
    low, high = (0.0, Y0_BOX) if family.y0_range is None else family.y0_range.T
    y0s = [None, *np.random.default_rng(Y0_SEED).uniform(low, high, (Y0_COUNT, family.n))]
    varied = family.y0_range is not None or not family.nonlinear
    rows = accuracy.measure(model, members, y0s if varied else [None])
    _record(model, rows)
    path = folder / f"{name}.safetensors"
    model.save(path)

    reached = accuracy.worst(rows) if rows else {}
    reached |= {"bytes": path.stat().st_size}
    reached |= {} if body is None else {"training_seconds": body.history["seconds"]}
    print(json.dumps({"model": name, "file": str(path), **reached, "compile": model.passport["compile"]}, indent=1))
    kept = _kept(name, reached, PROMISED | settings.get("promised", {}))
    missed = [
        f"the bound is below the error at {row['params']}"
        for row, end in itertools.product([] if family.nonlinear else rows, ("", "_full"))
        if row[f"bound{end}"] < row[f"error{end}"]
    ]
    for sentence in missed:
        print(f"{name}: {sentence}", file=sys.stderr)
    return kept and not missed


def make_pde(name: str, folder: Path) -> bool:
    """The same for a family of PDEs, which is compiled without a body."""
    settings = PDE_MODELS[name]
    family = getattr(stlfast.families, name)()
    compiler = stlfast.compile_nonlinear_pde if family.nonlinear else stlfast.compile_pde
    model = compiler(family, **settings["compile"])
    rows = accuracy.measure_pde(model, members_of(family, settings["members"]), settings["profiles"])
    _record(model, rows)
    path = folder / f"{name}.safetensors"
    model.save(path)
    reached = accuracy.worst(rows) | {"bytes": path.stat().st_size}
    reached["compile_seconds"] = model.passport["compile"]["seconds"]
    print(json.dumps({"model": name, "file": str(path), **reached, "compile": model.passport["compile"]}, indent=1))
    return _kept(name, reached, PDE_PROMISED | settings["promised"])


def _record(model: Any, rows: list[dict[str, Any]]) -> None:
    """What the passport of a shipped model says besides how it was compiled: when, how fast, and how accurate it is."""
    model.passport["compile"]["seconds"] = round(model.compile_seconds, 3)
    model.passport |= {"accuracy": rows, "created": time.strftime("%Y-%m-%d")}


def _kept(name: str, reached: dict[str, Any], promised: dict[str, float]) -> bool:
    missed = [f"{key} is {reached[key]:g}, more than {promised[key]:g}" for key in reached.keys() & promised.keys()
              if reached[key] > promised[key]]  # fmt: skip
    for sentence in missed:
        print(f"{name}: {sentence}", file=sys.stderr)
    return not missed


def members_of(family: stlfast.Family, axes: dict[str, Any] | None) -> list[dict[str, float]]:
    """Every combination of the axes; without any, random members of the solve ranges after their geometric middle."""
    if axes is None:
        return []
    if axes:
        return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    logs = np.log([interval.solve for interval in family.params.values()])
    low, high = logs.T
    rows = [logs.mean(axis=1), *np.random.default_rng(Y0_SEED).uniform(low, high, (RANDOM_COUNT, len(logs)))]
    return [dict(zip(family.params, np.exp(row).tolist(), strict=True)) for row in rows]


def main() -> int:
    known = [*MODELS, *PDE_MODELS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(known)}; default all")
    parser.add_argument("--output", type=Path, default=PRETRAINED, metavar="DIR", help="default: %(default)s")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"unknown model {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    options.output.mkdir(parents=True, exist_ok=True)
    makers = [make_pde if name in PDE_MODELS else make for name in options.names or known]
    return (
        0 if all([each(name, options.output) for each, name in zip(makers, options.names or known, strict=True)]) else 1
    )


if __name__ == "__main__":
    sys.exit(main())
