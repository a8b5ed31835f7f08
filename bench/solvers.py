"""Compiled models and the direct solver beside other solvers in C++ alone, in microseconds: bench/cpp/solvers.cpp.

    python -m bench.solvers [--output docs/results] [--repetitions 9]

Writes solvers.json (medians) and solvers.md; about five minutes. Needs a C++ compiler, CMake, Eigen, nlohmann_json and
Google Benchmark; SUNDIALS for CVODE and ARKODE, Boost for its Odeint. The program itself needs no Python:
cmake --preset bench.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import stlfast
from bench import driver, native
from stlfast.command import report
from stlfast.loading import SHIPPED

OURS = ("compiled model", "direct solver")
KEPT = ("error", "tolerance", "steps", "bound", "doubt")


@driver.study
def run(repetitions: int, only: str = ".*", least_seconds: float = 0.05) -> dict[str, Any]:
    """Everything that is measured, JSON-able; Absent says why the program is not there."""
    program = native.build("bench_solvers", stlfast.isa())
    command = [program, "--models", SHIPPED, f"--benchmark_filter={only}", f"--benchmark_repetitions={repetitions}"]
    command += ["--benchmark_enable_random_interleaving=true", f"--benchmark_min_time={least_seconds}"]
    done = subprocess.run([*map(str, command), "--benchmark_format=json"], text=True, capture_output=True, check=True)
    found = json.loads(done.stdout)
    rows: dict[str, Any] = {}
    for row in sorted(found["benchmarks"], key=lambda row: row["family_index"]):  # interleaved, but as registered
        if row.get("error_occurred"):
            rows[row["run_name"]] = {"skipped": row["error_message"]}
        elif repetitions == 1 or row.get("aggregate_name") == "median":
            assert row["time_unit"] == "us"
            rows[row["run_name"]] = {"us": row["cpu_time"], **{key: row[key] for key in KEPT if key in row}}
    versions = {key: found["context"][key] for key in ("compiler", "boost", "sundials")}
    load = found["context"]["load_avg"][0]  # of the minute before: what else the machine did
    return {"isa": stlfast.isa(), **versions, "load": load, "repetitions": repetitions, "rows": rows}


def _table(rows: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """By target, then by member: the row of each solver."""
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for name, row in rows.items():
        title, solver = name.split(": ")
        member, target = title.rsplit(", error ", 1)
        table.setdefault(target, {}).setdefault(member, {})[solver] = row
    return table


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _time(row: dict[str, Any]) -> str:
    if "skipped" in row:
        return row["skipped"].replace("e-0", "e-")
    return f"{_digits(row['us'])} ({report.scientific(row['error'], 0)})"


def _effort(row: dict[str, Any]) -> str:
    return "–" if "steps" not in row else f"{row['steps']:,.0f} ({report.scientific(row['tolerance'], 0)})"


def _ratios(rows: dict[str, dict[str, Any]], ours: str, solvers: list[str]) -> str:
    """How many times as long as one of ours the others take, on the members that both solve."""
    parts = []
    for solver in solvers:
        both = [row for row in rows.values() if "us" in row[ours] and "us" in row[solver]]
        ratios = [row[solver]["us"] / row[ours]["us"] for row in both]
        if ratios:
            less = f"below 1 in {sum(ratio < 1 for ratio in ratios)} of {len(ratios)}"
            parts.append(f"{solver} {_digits(min(ratios))} to {_digits(max(ratios))}, {less}")
    return "; ".join(parts)


def page(results: dict[str, Any]) -> str:
    tables = _table(results["rows"])
    solvers = list(dict.fromkeys(name.split(": ")[1] for name in results["rows"]))
    others = [solver for solver in solvers if not solver.startswith(OURS)]
    doubt = max(row.get("doubt", 0.0) for row in results["rows"].values())
    libraries = [
        f"{name} {results[key].replace('_', '.')}" for name, key in (("Boost", "boost"), ("SUNDIALS", "sundials"))
        if results[key]
    ]  # fmt: skip
    parts = [
        "# Other solvers in C++",
        f"Made by `python -m bench.solvers`, which runs `bench_solvers` (`bench/cpp/solvers.cpp`, "
        f"[without Python](../guide/cpp.md#other-solvers-beside-these)): processor time of one solve at 512 uniform "
        f"times on one thread, medians of {results['repetitions']} interleaved repetitions, nothing of it from Python. "
        "stlfast's compiled models and direct solver come with the bound or estimate of their error; the direct solver "
        "is collocation at Radau points (Radau IIA of 7 stages) and takes the right-hand side as the lists of "
        "instructions in the model file. The others have right-hand side and dense Jacobian written by hand and "
        "compiled with -O3, Odeint's inlined; SUNDIALS' vector operations are compiled as the program is.",
        "Each at the loosest of half decades of tolerance whose error, over each state's largest value at 512 uniform "
        "and 512 logarithmic times (for Van der Pol away from its jumps), is within the target; the truth is the "
        f"direct solver at 1e-12, from which CVODE or dopri5 at 1e-13 differs by {report.scientific(doubt)} at most. "
        "A compiled model has one accuracy.",
        f"{driver.machine_line(results, *libraries)} Build {results['isa']}; {results['compiler']}. "
        f"Load average when it began: {results['load']:.1f}; on a busy machine all take longer, in processor time too.",
    ]
    for target, rows in tables.items():
        parts += [
            f"## An error of at most {target}",
            "Microseconds, in brackets the error reached, or why there is none.",
            report.markdown(
                ["member", *solvers], [[name, *(_time(row[s]) for s in solvers)] for name, row in rows.items()], left=1
            ),
        ]
        parts += [
            f"Times over the {ours}'s: {told}." for ours in OURS if (told := _ratios(rows, ours, others))
        ]  # fmt: skip
    adaptive = [solver for solver in solvers if solver != "compiled model"]
    steps = [
        [f"{name}, {target}", *(_effort(row[s]) for s in adaptive)]
        for target, rows in tables.items() for name, row in rows.items()
    ]  # fmt: skip
    parts += [
        "## Steps",
        "Steps, of the direct solver its time windows; in brackets the tolerance.",
        report.markdown(["member, error", *adaptive], steps, left=1),
    ]
    return "\n\n".join(parts) + "\n"


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    return driver.write("solvers", results, page(results), folder)


if __name__ == "__main__":
    parser = driver.parser(__doc__)
    parser.add_argument("--repetitions", type=int, default=9, help="default: %(default)s")
    driver.main(parser, lambda options: run(options.repetitions), write)
