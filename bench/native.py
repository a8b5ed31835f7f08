"""The C++ side of the benchmarks, built when first needed and loaded with ctypes.

Instruction sets: "baseline" for any processor, "x86-64-v3" for x86-64 with AVX2 and FMA, named as stlfast.isa() does.
The environment variable STLFAST_BENCH_BUILD names another folder to build in than build/bench.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.ctypeslib import ndpointer

import stlfast
from bench.peers import Absent
from bench.problem import Problem

SOURCE = Path(__file__).parent / "cpp"
BUILD = Path(os.environ.get("STLFAST_BENCH_BUILD") or SOURCE.parents[1] / "build" / "bench")
EQUATIONS = {"dho": 0, "ncff": 1, "duffing": 2, "robertson": 3, "vdp": 4}  # as in bench/cpp/problems.hpp
_doubles = ndpointer(np.float64, flags="C_CONTIGUOUS")
_long, _int, _double, _text, _pointer = ctypes.c_long, ctypes.c_int, ctypes.c_double, ctypes.c_char_p, ctypes.c_void_p
Signatures = dict[str, tuple[Any, list[Any]]]
PEERS: Signatures = {
    "bench_flags": (_text, []),
    "bench_rhs": (None, [_int, _doubles, _double, _doubles, _doubles]),
    "bench_jacobian": (None, [_int, _doubles, _doubles, _doubles]),
    "cvode_version": (_text, []),
    "cvode_repeat": (
        _int,
        [_long, _int, _doubles, _doubles, _long, _double, _double, _doubles, _long, _doubles],
    ),
    "cvode_solve": (_int, [_pointer, _doubles, _double, _double, _long, _doubles, _long, _doubles]),
    "exponential_repeat": (None, [_long, _int, _doubles, _doubles, _long, _doubles, _long, _doubles]),
    "table_repeat": (None, [_long, _doubles, _doubles, _long, _int, _long, _doubles]),
}
OURS: Signatures = {
    "model_open": (_pointer, [_text]),
    "model_close": (None, [_pointer]),
    "model_repeat": (None, [_long, _pointer, _doubles, _doubles, _int, _doubles]),
    "model_evaluate": (None, [_long, _pointer, _doubles, _long, _doubles]),
    "model_sweep": (None, [_long, _pointer, _doubles, _doubles, _long, _doubles]),
    "member_open": (_pointer, [_pointer, _doubles]),
    "member_close": (None, [_pointer]),
    "member_repeat": (None, [_long, _pointer, _doubles, _doubles]),
    "nonlinear_open": (_pointer, [_text]),
    "nonlinear_repeat": (_int, [_long, _pointer, _doubles, _doubles, _int, _doubles]),
    "nonlinear_evaluate": (None, [_pointer, _doubles, _long, _doubles]),
    "nonlinear_sweep": (None, [_long, _pointer, _doubles, _doubles, _long, _doubles]),
}
PDE: Signatures = {  # bench/cpp/pde_library.hpp
    "pde_flags": (_text, []),
    "pde_sundials_version": (_text, []),
    "pde_search": (_pointer, [_double]),
    "pde_search_close": (None, [_pointer]),
    "pde_peers": (_pointer, [_pointer, _double]),
    "pde_peers_count": (_int, [_pointer]),
    "pde_peer": (_text, [_pointer, _int]),
    "pde_repeat": (None, [_long, _pointer, _int, _doubles]),
    "pde_peers_close": (None, [_pointer]),
}


@cache
def peers() -> Any:
    """The C++ competitors, for the instruction set of stlfast's own core; Absent says why they are not there."""
    return _load("bench_peers", PEERS)


@cache
def ours() -> Any:
    """stlfast's C++ interface."""
    return _load("bench_stlfast", OURS)


@cache
def pde() -> Any:
    """The C++ competitors for advection and reaction."""
    return _load("bench_pde", PDE)


def _load(target: str, signatures: Signatures) -> Any:
    library = ctypes.CDLL(str(build(target, stlfast.isa())))
    for name, (result, arguments) in signatures.items():
        getattr(library, name).restype = result
        getattr(library, name).argtypes = arguments
    return library


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time: all build in one folder."""
    try:
        BUILD.mkdir(parents=True, exist_ok=True)
        lock = (BUILD / "lock").open("w")
    except OSError as error:
        raise Absent(f"{error}: name a folder to build in with STLFAST_BENCH_BUILD") from None
    with lock:
        if os.name == "posix":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def build(target: str, isa: str) -> Path:
    """The path of a target for an instruction set, brought up to date; Absent says why it cannot be."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    cmake = shutil.which("cmake", path=path)
    if cmake is None:
        raise Absent("the C++ benchmarks need CMake: pip install cmake")
    prefixes = [str(p) for entry in sys.path if (p := Path(entry, "cmeel.prefix")).is_dir()]
    generator = ["-G", "Ninja"] if shutil.which("ninja", path=path) else []
    installed = subprocess.run(
        [sys.executable, "-m", "stlfast", "--cmakedir"], text=True, capture_output=True, check=True
    ).stdout.strip()
    options = [
        f"-Dstlfast_DIR={installed}", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}",
    ]  # fmt: skip
    commands: tuple[list[Any], ...] = (
        [cmake, "-S", SOURCE, "-B", BUILD, *generator, *options],
        [cmake, "--build", BUILD, "--target", f"{target}_{isa}"],
    )
    with _alone():
        for command in commands:
            done = subprocess.run(
                list(map(str, command)), env={**os.environ, "PATH": path}, text=True, capture_output=True, check=False
            )
            if done.returncode != 0:
                lines = (done.stdout + done.stderr).strip().splitlines()
                raise Absent(
                    f"{target} does not build (stlfast needs nlohmann_json too, programs Google Benchmark): "
                    + " ".join(" ".join(lines[-5:]).split())
                )
    stems = (f"{target}_{isa}", f"lib{target}_{isa}")
    found = [file for file in BUILD.rglob("*") if file.is_file() and file.name.split(".")[0] in stems]
    found = [file for file in found if file.suffix in ("", ".so", ".dylib", ".dll", ".exe")]
    if not found:
        raise Absent(f"the build left no {target}")
    return found[0]


def member(problem: Problem, params: dict[str, Any]) -> tuple[int, np.ndarray]:
    """The first arguments of the library's functions: the equations and the parameters, padded to three."""
    if problem.name not in EQUATIONS:
        raise Absent(f"{problem.name} is not among the C++ problems")
    p = problem.family.check_params(params)
    return EQUATIONS[problem.name], np.concatenate([p, np.zeros(3 - len(p))])
