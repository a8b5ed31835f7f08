"""The C++ side of the benchmarks, built when first needed and loaded with ctypes.

Variants: "baseline" for any x86-64 (or other) processor, "x86-64-v3" for those with AVX2 and FMA.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.ctypeslib import ndpointer

import stlfast
from bench.peers import Absent
from bench.problem import Problem

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
VARIANTS = {"baseline": "", "x86-64-v3": "-march=x86-64-v3"}
EQUATIONS = {"dho": 0, "ncff": 1}  # as in bench/cpp/problems.hpp
NEEDED = {"avx2", "bmi2", "fma"}  # of /proc/cpuinfo, for x86-64-v3
_doubles = ndpointer(np.float64, flags="C_CONTIGUOUS")
_long, _int, _double = ctypes.c_long, ctypes.c_int, ctypes.c_double
SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "bench_flags": (ctypes.c_char_p, []),
    "bench_rhs": (None, [_int, _doubles, _double, _doubles, _doubles]),
    "bench_jacobian": (None, [_int, _doubles, _doubles]),
    "cvode_version": (ctypes.c_char_p, []),
    "cvode_repeat": (
        _int,
        [_long, _int, _doubles, _doubles, _long, _double, _double, _doubles, _long, _doubles],
    ),
    "exponential_repeat": (None, [_long, _int, _doubles, _doubles, _long, _doubles, _long, _doubles]),
    "table_repeat": (None, [_long, _doubles, _doubles, _long, _int, _long, _doubles]),
}


@cache
def load(variant: str | None = None) -> Any:
    """The library for a variant, by default the one that stlfast's own core uses; Absent says why there is none."""
    library = ctypes.CDLL(str(build("bench_peers", variant or default_variant())))
    for name, (result, arguments) in SIGNATURES.items():
        getattr(library, name).restype = result
        getattr(library, name).argtypes = arguments
    return library


def default_variant() -> str:
    chosen = stlfast.isa() if hasattr(stlfast, "isa") else None
    return chosen if chosen in VARIANTS else variants()[-1]


def variants() -> list[str]:
    """Those that this processor runs."""
    cpuinfo = Path("/proc/cpuinfo")
    features = set(cpuinfo.read_text().split()) if cpuinfo.is_file() else set()
    return list(VARIANTS) if features >= NEEDED else ["baseline"]


def build(target: str, variant: str) -> Path:
    """The path of a target, brought up to date; Absent says why it cannot be."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    cmake = shutil.which("cmake", path=path)
    if cmake is None:
        raise Absent("the C++ competitors need CMake: pip install cmake")
    folder = BUILD / variant
    prefixes = [str(p) for entry in sys.path if (p := Path(entry, "cmeel.prefix")).is_dir()]
    generator = ["-G", "Ninja"] if shutil.which("ninja", path=path) else []
    configure = [
        cmake, "-S", ROOT, "-B", folder, *generator, "-DSTLFAST_BENCH=ON", "-DCMAKE_BUILD_TYPE=Release",
        f"-DCMAKE_CXX_FLAGS={VARIANTS[variant]}", f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}",
    ]  # fmt: skip
    commands = [[cmake, "--build", folder, "--target", target]]
    if not (folder / "CMakeCache.txt").is_file():
        commands.insert(0, configure)
    for command in commands:
        done = subprocess.run(
            list(map(str, command)), env={**os.environ, "PATH": path}, text=True, capture_output=True, check=False
        )
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()
            raise Absent("the C++ competitors do not build: " + " ".join(" ".join(lines[-5:]).split()))
    suffixes = ("", ".so", ".dylib", ".exe", ".dll")
    names = [f"{prefix}{target}{suffix}" for prefix in ("lib", "") for suffix in suffixes]
    found = [file for file in folder.rglob("*") if file.name in names and file.is_file()]
    if not found:
        raise Absent(f"the build left no {target} in {folder.relative_to(ROOT)}")
    return found[0]


def member(problem: Problem, params: dict[str, Any]) -> tuple[int, np.ndarray]:
    """The first arguments of the library's functions: the equations and (alpha, omega)."""
    if problem.name not in EQUATIONS:
        raise Absent(f"{problem.name} is not among the C++ problems")
    return EQUATIONS[problem.name], np.array([params["alpha"], params.get("omega", 0.0)])
