"""What each method costs before its first answer, and after how many solves that has paid for itself."""

from __future__ import annotations

from typing import Any

import stlfast
from bench.contenders import OURS, RADAU
from bench.paper.accuracy import stl_body
from bench.paper.problems import PaperProblem
from bench.paper.run import Run


def cost(run: Run, problem: PaperProblem, accuracy: dict[str, Any], times: dict[str, Any]) -> dict[str, Any]:
    """Seconds of training and compiling; break_even: solves after which ours, set-up included, has beaten Radau.

    accuracy, times: what `accuracy` and `timings` found of the problem.
    """
    passport = stlfast.load(problem.name).passport
    ours = {
        "training": (passport["training"] or {"seconds": 0.0})["seconds"],
        "compile": passport["compile"]["seconds"],
    }
    bodies = [stl_body(run, problem, seed).history for seed in range(run.effort.seeds)]
    networks = {
        kind: [found["seconds"] for key, found in accuracy.items() if key.startswith(f"{kind}/")]
        for kind in ("pinn", "pinnsformer")
    }
    break_even = {}
    for alpha, found in times.items():
        seconds = {record["contender"]: record["seconds"] for record in found["records"]}
        if RADAU in seconds and seconds[RADAU] > seconds[OURS]:
            break_even[alpha] = sum(ours.values()) / (seconds[RADAU] - seconds[OURS])
    return {
        "ours": ours,
        "stl": [history["seconds"] for history in bodies],
        "devices": sorted({history["device"] for history in bodies}),
        **networks,
        "break_even": break_even,
    }
