"""Builds and runs the C++ tests, and a separate C++ project that uses the installed package.

Both need a C++ compiler, CMake, Eigen, GoogleTest and nlohmann_json. Where one is missing the tests are skipped and say
which; STLFAST_REQUIRE_CPP=1 makes that a failure.
"""

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import sysconfig

import numpy as np
import pytest
import sympy as sp

import stlfast

ROOT = pathlib.Path(__file__).parents[1]
REQUIRED = os.environ.get("STLFAST_REQUIRE_CPP") == "1"
PATH = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])

PROBE = """
cmake_minimum_required(VERSION 3.20)
project(probe LANGUAGES CXX)
find_package(Eigen3 3.4 CONFIG QUIET)
find_package(GTest CONFIG QUIET)
find_package(nlohmann_json 3.10 CONFIG QUIET)
message(STATUS "Eigen3_FOUND=${Eigen3_FOUND} GTest_FOUND=${GTest_FOUND} json_FOUND=${nlohmann_json_FOUND}")
"""


def run(*command, cwd=None):
    env = {**os.environ, "PATH": PATH}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def configure(source, build, *options):
    generator = ["-G", "Ninja"] if shutil.which("ninja", path=PATH) else []
    prefixes = [p.as_posix() for d in sys.path if (p := pathlib.Path(d, "cmeel.prefix")).is_dir()]
    prefixes += filter(None, os.environ.get("CMAKE_PREFIX_PATH", "").split(os.pathsep))
    prefixes += [str(option) for option in options if not str(option).startswith("-")]
    flags = [option for option in options if str(option).startswith("-")]
    return run("cmake", "-S", source, "-B", build, *generator, f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}", *flags)


def missing(folder):
    """What the C++ tests need and this machine does not have, each with what to do."""
    compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    absent = []
    if not any(shutil.which(compiler, path=PATH) for compiler in compilers if compiler):
        absent.append("a C++ compiler (apt install g++)")
    if not shutil.which("cmake", path=PATH):
        absent.append("CMake (pip install cmake)")
    if not any(shutil.which(tool, path=PATH) for tool in ("ninja", "make")):
        absent.append("Ninja (pip install ninja)")
    if absent:
        return absent
    folder.joinpath("CMakeLists.txt").write_text(PROBE)
    found = configure(folder, folder / "build")
    if "Eigen3_FOUND=1" not in found:
        absent.append("Eigen 3.4 (pip install cmeel-eigen, or apt install libeigen3-dev)")
    if "GTest_FOUND=1" not in found:
        absent.append("GoogleTest (apt install libgtest-dev, or Conan)")
    if "json_FOUND=1" not in found:
        absent.append("nlohmann_json 3.10 (apt install nlohmann-json3-dev, or Conan)")
    return absent


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """The folder in which the library and its tests were built."""
    absent = missing(tmp_path_factory.mktemp("probe"))
    if absent and REQUIRED:
        pytest.fail("the C++ tests need " + "; ".join(absent))
    if absent:
        pytest.skip("the C++ tests need " + "; ".join(absent))
    folder = tmp_path_factory.mktemp("cpp")
    werror = "ON" if REQUIRED else "OFF"
    configure(
        ROOT,
        folder,
        "-DSTLFAST_TESTS=ON",
        "-DSTLFAST_V3=OFF",  # which the wheel's library has; one namespace compiles in half the time
        f"-DSTLFAST_WERROR={werror}",
        f"-DCMAKE_INSTALL_PREFIX={folder / 'installed'}",
    )
    run("cmake", "--build", folder, "--parallel", "2")
    return folder


def test_cpp_suite(build):
    print(run("ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error"))


def installed(build, source):
    """The folder of stlfastConfig.cmake in a plain CMake installation, or in the Python package."""
    if source == "wheel":
        return run(sys.executable, "-m", "stlfast", "--cmakedir").strip()
    run("cmake", "--install", build)
    return next((build / "installed").glob("lib*/**/stlfastConfig.cmake")).parent


# Under -march=native Eigen allocates differently, so that the program has to link another build of the library.
NATIVE = [("wheel", "-march=native")] if platform.machine() == "x86_64" else []


@pytest.mark.parametrize(("source", "flags"), [("cmake", ""), ("wheel", ""), *NATIVE])
def test_installed_package_serves_another_project(build, tmp_path, source, flags):
    options = (f"-Dstlfast_DIR={installed(build, source)}", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_FLAGS={flags}")
    configure(ROOT / "tests" / "cpp" / "consumer", tmp_path, *options)
    run("cmake", "--build", tmp_path)
    printed = run(tmp_path / "consumer", ROOT / "python" / "stlfast" / "pretrained" / "dho.safetensors")
    expected = stlfast.load("dho").solve(y0=[1.0, 0.999], alpha=75.0).y[:, -1]
    *values, within = printed.split()
    np.testing.assert_allclose(np.array(values, dtype=float), expected, rtol=1e-10)
    assert within == "1"
    answers_on_windows_as_python_does(tmp_path)


def answers_on_windows_as_python_does(folder):
    """A model on compiled windows whose states jump, at a time and from initial values that depend on parameters."""
    t, k, w, late, x, y = sp.symbols("t k w late x y")
    params = {k: stlfast.Range(1.0, 100.0), w: stlfast.Range(0.2, 0.9), late: stlfast.Range(1.0, 4.0)}
    for elimination in (y, y / (1 + y)):
        family = stlfast.Family(
            "doses", t, [x, y], [-k * x, k * x - w * elimination * (1 + sp.Heaviside(t - late))], (0.0, 5.0),
            params=params, y0=[w, 1 - w], doses=[(late / 2, {x: 1})], positive=[y],
        )  # fmt: skip
        model, path = stlfast.compile(family), folder / "doses.safetensors"
        model.save(path)
        for values in ({"k": 3.0, "w": 0.5, "late": 2.5}, {"k": 80.0, "w": 0.3, "late": 3.9}):
            sol = model.solve(t=np.array([0.0, 2.75, 5.0]), **values)
            printed = run(folder / "windows", path, *(str(each) for pair in values.items() for each in pair))
            compiled, within, *found = printed.split()
            assert (compiled == "1") == (sol.method == "compiled")
            assert (within == "1") == sol.success
            np.testing.assert_allclose(np.array(found, dtype=float), sol.y.ravel(), rtol=1e-9, atol=1e-12)


def test_reading_model_files_without_a_json_library_is_refused(build, tmp_path):
    with pytest.raises(AssertionError, match="reads model files with nlohmann_json"):
        configure(
            ROOT / "tests" / "cpp" / "consumer",
            tmp_path,
            f"-Dstlfast_DIR={installed(build, 'cmake')}",
            "-DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON",
        )


def test_preset_of_the_benchmarks_finds_what_it_needs(tmp_path):
    absent = missing(tmp_path)
    if absent or not shutil.which("ninja", path=PATH):
        pytest.skip("the preset needs " + "; ".join(absent or ["Ninja (pip install ninja)"]))
    run("cmake", "--preset", "bench", "-B", tmp_path / "bench", cwd=ROOT)
    targets = run("cmake", "--build", tmp_path / "bench", "--target", "help")
    if "bench_solvers:" not in targets:
        assert not REQUIRED, targets
        pytest.skip("the preset needs Google Benchmark (apt install libbenchmark-dev, or Conan)")
