"""What each method costs before its first answer, and after how many solves that has paid for itself."""

from __future__ import annotations

from typing import Any

import stlfast
from bench.contenders import CVODE, HEYOKA, NUMBALSODA, OURS, RADAU
from bench.models import history
from bench.paper.accuracy import stl_body
from bench.paper.problems import PaperProblem
from bench.paper.run import Run

NATIVE = (NUMBALSODA, HEYOKA, CVODE)


def cost(run: Run, problem: PaperProblem, accuracy: dict[str, Any], times: dict[str, Any]) -> dict[str, Any]:
    """Seconds of training and compiling; break_even: solves until ours, set-up included, has beaten Radau and the
    fastest native solver, at an error of 1e-6; None where it never does.

    accuracy, times: what `accuracy` and `timings` found of the problem.
    """
    passport = stlfast.load(problem.name).passport
    ours = {
        "training": (passport["training"] or {"seconds": 0.0})["seconds"],
        "compile": passport["compile"]["seconds"],
    }
    bodies = [history(stl_body(run, problem, seed)) for seed in range(run.effort.seeds)]
    networks = {
        kind: [found["seconds"] for key, found in accuracy.items() if key.startswith(f"{kind}/")]
        for kind in ("pinn", "pinnsformer")
    }
    break_even = {}
    for alpha, found in times.items():
        seconds = {record["contender"]: record["seconds"] for record in found["records"]}
        peers = {name: seconds[name] for name in (RADAU, *NATIVE) if name in seconds}
        if OURS not in seconds or not peers:
            continue
        fastest = min(peers, key=lambda name: peers[name])
        setup, named = sum(ours.values()), dict.fromkeys((fastest, RADAU))
        break_even[alpha] = {name: _paid(setup, peers[name] - seconds[OURS]) for name in named if name in peers}
    return {
        "ours": ours,
        "stl": [about["seconds"] for about in bodies],
        "devices": sorted({f"{about['device']}, {about['threads']} thread(s)" for about in bodies}),
        **networks,
        "break_even": break_even,
    }


def _paid(setup: float, gain: float) -> float | None:
    return setup / gain if gain > 0 else None
