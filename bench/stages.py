"""Times of each stage of a solve in C++ beside their floors, and CVODE in the same program: bench/cpp/stages.cpp.

    python -m bench.stages [--output docs/results] [--repetitions 9]

Writes stages.json (medians) and stages.md. Needs a C++ compiler, CMake, Eigen, nlohmann_json and Google Benchmark;
SUNDIALS for CVODE.

A stage's floor is the larger of its operations over the rate of a matrix-vector product in the first cache and its
bytes over the rate of a sum over 256 kB, both measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import stlfast
from bench import native
from bench.peers import Absent
from stlfast import demo, report
from stlfast.model import SHIPPED

MACHINE = ("machine: multiply and add", "machine: read 256 kB")


def measure(repetitions: int) -> dict[str, Any]:
    program = native.build("bench_stages", stlfast.isa())
    command = [program, SHIPPED, f"--benchmark_repetitions={repetitions}", "--benchmark_report_aggregates_only=true"]
    command += ["--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.05", "--benchmark_format=json"]
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True, check=True)
    results = json.loads(done.stdout)
    medians = [row for row in results["benchmarks"] if row["aggregate_name"] == "median"]
    kept = ("cpu_time", "time_unit", "flops", "bytes", "error")
    return {
        "isa": stlfast.isa(),
        "machine": demo.machine(),
        "compiler": results["context"]["compiler"],
        "repetitions": repetitions,
        "stages": {row["run_name"]: {key: row[key] for key in kept if key in row} for row in medians},
    }


def page(results: dict[str, Any]) -> str:
    stages = results["stages"]
    add, read = (stages[name] for name in MACHINE)
    flops, bytes_ = add["flops"] / _ns(add), read["bytes"] / _ns(read)
    rows = []
    for name, stage in stages.items():
        if name in MACHINE:
            continue
        floor = max(stage["flops"] / flops, stage["bytes"] / bytes_) if "flops" in stage else None
        counts = [f"{stage[key]:,.0f}" if key in stage else "–" for key in ("flops", "bytes")]
        ratio = ["–", "–"] if floor is None else [f"{floor / 1000:.2g}", f"{_ns(stage) / floor:.1f}"]
        rows.append([name, f"{_ns(stage) / 1000:.3g}", *counts, *ratio])
    return "\n\n".join([
        "# Each stage of a solve in C++",
        f"Made by `python -m bench.stages`; medians of {results['repetitions']} interleaved repetitions on one thread, "
        "512 output times, two states. Floor: the larger of flops and bytes over what this machine reached in the same "
        f"run, {flops:.1f} flops and {bytes_:.1f} bytes a nanosecond.",
        f"Machine: {report.machine(results['machine'])}. Build {results['isa']}; {results['compiler']}.",
        report.markdown(["stage", "µs", "flops", "bytes", "floor µs", "time over floor"], rows, left=1),
    ]) + "\n"  # fmt: skip


def _ns(row: dict[str, Any]) -> float:
    return row["cpu_time"] * {"ns": 1.0, "us": 1e3, "ms": 1e6}[row["time_unit"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/results"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--repetitions", type=int, default=9, help="default: %(default)s")
    options = parser.parse_args()
    try:
        results = measure(options.repetitions)
    except Absent as reason:
        sys.exit(str(reason))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "stages.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (options.output / "stages.md").write_text(page(results), encoding="utf-8")
    print(page(results))


if __name__ == "__main__":
    main()
