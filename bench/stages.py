"""Times of each stage of a solve in C++, with CVODE beside them: builds and runs bench/cpp/stages.cpp.

    python -m bench.stages [options of Google Benchmark, such as --benchmark_out=stages.json]

Needs a C++ compiler, CMake, Eigen, nlohmann_json and Google Benchmark; SUNDIALS for CVODE.
"""

from __future__ import annotations

import subprocess
import sys

from bench import native
from bench.peers import Absent
from stlfast.model import SHIPPED


def main() -> None:
    try:
        program = native.build("bench_stages", native.isa())
    except Absent as reason:
        sys.exit(str(reason))
    sys.exit(subprocess.run([program, SHIPPED, *sys.argv[1:]], check=False).returncode)


if __name__ == "__main__":
    main()
