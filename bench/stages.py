"""Times of each stage of a solve in C++ beside their floors, and CVODE in the same program: bench/cpp/stages.cpp.

    python -m bench.stages [--output docs/results] [--repetitions 9]

Writes stages.json (medians) and stages.md. Needs a C++ compiler, CMake, Eigen, nlohmann_json and Google Benchmark;
SUNDIALS for CVODE.

A stage's floor is what a matrix-vector product with as many operations, or as many bytes, takes: with a matrix in the
first cache, or in the second where the bytes do not fit the first; both measured in the same run.
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

MACHINE = ("machine: a matrix of 16 kB", "machine: a matrix of 256 kB")
FIRST_CACHE = 32768  # bytes


@driver.study
def run(repetitions: int) -> dict[str, Any]:
    """Everything that is measured, JSON-able; Absent says why the program is not there."""
    program = native.build("bench_stages", stlfast.isa())
    command = [program, SHIPPED, f"--benchmark_repetitions={repetitions}", "--benchmark_report_aggregates_only=true"]
    command += ["--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.05", "--benchmark_format=json"]
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True, check=True)
    results = json.loads(done.stdout)
    medians = {row["run_name"]: row for row in results["benchmarks"] if row["aggregate_name"] == "median"}
    listed = subprocess.run([program, SHIPPED, "--benchmark_list_tests"], text=True, capture_output=True, check=True)
    kept = ("cpu_time", "time_unit", "flops", "bytes", "error")
    return {
        "isa": stlfast.isa(),
        "compiler": results["context"]["compiler"],
        "repetitions": repetitions,
        "stages": {
            name: {key: medians[name][key] for key in kept if key in medians[name]}
            for name in listed.stdout.splitlines()
        },
    }


def page(results: dict[str, Any]) -> str:
    stages = results["stages"]
    small, large = (stages[name] for name in MACHINE)
    flops, near, far = small["flops"] / _ns(small), small["bytes"] / _ns(small), large["bytes"] / _ns(large)
    rows = []
    for name, stage in stages.items():
        if name in MACHINE:
            continue
        floor = None
        if "flops" in stage:
            floor = max(stage["flops"] / flops, stage["bytes"] / (near if stage["bytes"] <= FIRST_CACHE else far))
        counts = [f"{stage[key]:,.0f}" if key in stage else "–" for key in ("flops", "bytes")]
        ratio = ["–", "–"] if floor is None else [f"{floor / 1000:.2g}", f"{_ns(stage) / floor:.1f}"]
        rows.append([name, f"{_ns(stage) / 1000:.3g}", *counts, *ratio])
    return "\n\n".join([
        "# Each stage of a solve in C++",
        f"Made by `python -m bench.stages`; medians of {results['repetitions']} interleaved repetitions on one thread, "
        "512 output times, two states. Floor: what a matrix-vector product of as many flops or bytes takes at the "
        f"rates that this machine reached in the same run, {flops:.0f} flops a nanosecond and {near:.0f} bytes in the "
        f"first cache, {far:.0f} in the second. Totals have no floor of their own.",
        f"{driver.machine_line(results)} Build {results['isa']}; {results['compiler']}.",
        report.markdown(["stage", "µs", "flops", "bytes", "floor µs", "time over floor"], rows, left=1),
    ]) + "\n"  # fmt: skip


def _ns(row: dict[str, Any]) -> float:
    return row["cpu_time"] * {"ns": 1.0, "us": 1e3, "ms": 1e6}[row["time_unit"]]


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    return driver.write("stages", results, page(results), folder)


if __name__ == "__main__":
    parser = driver.parser(__doc__)
    parser.add_argument("--repetitions", type=int, default=9, help="default: %(default)s")
    driver.main(parser, lambda options: run(options.repetitions), write)
