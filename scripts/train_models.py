"""Train, compile, measure and save the models that come with the package.

    python scripts/train_models.py [dho] [ncff] [--output DIR]

Without a name all of them, one after the other. Needs PyTorch (pip install 'stlfast[train]'); a model takes a minute or
two on one core. Fails where a model misses the accuracy, size or training time that is promised for it.
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
from stlfast import accuracy

PRETRAINED = Path(__file__).parents[1] / "python" / "stlfast" / "pretrained"

ALPHAS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 150.0, 300.0, 1000.0)
OMEGAS = (0.5, 1.0, 1.37, 2.0)
Y0_BOX, Y0_SEED, Y0_COUNT = 5.0, 0, 2  # random initial values besides the family's own, in [0, 5]²

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
}
PROMISED = {"error": 1e-7, "error_full": 1e-9, "bytes": 1_000_000, "training_seconds": 300.0}


def make(name: str, folder: Path) -> bool:
    """Whether the model keeps every promise; it is saved in any case."""
    settings = MODELS[name]
    family = getattr(stlfast.families, name)()
    body = stlfast.train_body(family, **settings["training"])
    model = stlfast.compile(family, body, **settings["compile"])
    axes = settings["members"]
    members = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    y0s = [None, *np.random.default_rng(Y0_SEED).uniform(0.0, Y0_BOX, (Y0_COUNT, family.n))]
    rows = accuracy.measure(model, members, y0s)
    model.passport["accuracy"] = rows
    model.passport["created"] = time.strftime("%Y-%m-%d")
    path = folder / f"{name}.safetensors"
    model.save(path)

    reached = {key: max(row[key] for row in rows) for key in ("error", "error_full", "bound", "bound_full")}
    reached |= {"bytes": path.stat().st_size, "training_seconds": body.history["seconds"]}
    print(json.dumps({"model": name, "file": str(path), **reached, "compile": model.passport["compile"]}, indent=1))
    missed = [f"{key} is {reached[key]:g}, more than {most:g}" for key, most in PROMISED.items() if reached[key] > most]
    missed += [
        f"the bound is below the error at {row['params']}"
        for row, end in itertools.product(rows, ("", "_full"))
        if row[f"bound{end}"] < row[f"error{end}"]
    ]
    for sentence in missed:
        print(f"{name}: {sentence}", file=sys.stderr)
    return not missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(MODELS)}; default all")
    parser.add_argument("--output", type=Path, default=PRETRAINED, metavar="DIR", help="default: %(default)s")
    options = parser.parse_args()
    if unknown := set(options.names) - MODELS.keys():
        parser.error(f"unknown model {', '.join(sorted(unknown))}; known: {', '.join(MODELS)}")
    options.output.mkdir(parents=True, exist_ok=True)
    return 0 if all([make(name, options.output) for name in options.names or MODELS]) else 1


if __name__ == "__main__":
    sys.exit(main())
