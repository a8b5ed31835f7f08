"""What all tests share: one thread for each process, shipped models loaded once, SIGINT, the marker of slow tests."""

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TERMINAL = ("COLUMNS", "LINES", "TERMINAL_WIDTH", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")

os.environ.setdefault("MPLBACKEND", "Agg")
# Before NumPy and PyTorch are loaded, here and in the processes that tests start: matrices are small, and pytest's
# workers share the cores. Counts that are set already stay.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


def pytest_configure(config):
    if "STLFAST_BENCH_BUILD" not in os.environ and not os.access(ROOT, os.W_OK):
        folder = tempfile.TemporaryDirectory()
        config.add_cleanup(folder.cleanup)
        os.environ["STLFAST_BENCH_BUILD"] = folder.name  # which workers take over


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart():
    """No test depends on the terminal. Before test modules are imported; pytest has read these for itself."""
    for name in TERMINAL:
        os.environ.pop(name, None)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Forks of a process in which another test has left JAX's threads may hang: such a test gets one of its own."""
    if pyfuncitem.get_closest_marker("forks") is None or "jax" not in sys.modules:
        return None
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", pyfuncitem.nodeid]
    done = subprocess.run(command, cwd=pyfuncitem.config.rootpath, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return True


def pytest_collection_modifyitems(items):
    for item in items:
        for marker in item.iter_markers("slow"):
            if not marker.kwargs.get("reason"):
                raise pytest.UsageError(f"{item.nodeid} is marked slow without a reason: @pytest.mark.slow(reason=…)")


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt in this process's children, also where it was ignored when pytest started.

    A shell starts what runs in its background so, and children inherit it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


@cache
def _shipped(name):
    import stlfast

    return stlfast.load(name)


@pytest.fixture(scope="session")
def shipped_model():
    """The model that is shipped under a name, loaded once; tests don't change it."""
    return _shipped


@pytest.fixture(scope="session")
def dho():
    return _shipped("dho")


@pytest.fixture(scope="session")
def ncff():
    return _shipped("ncff")


@pytest.fixture(scope="session")
def truncated():
    """A compiled linear model with at most `rank` functions a band: the first ones, which compile's `rank` takes."""

    def cut(model, rank):
        def columns(coefficients):  # (D, n · functions)
            D, n = len(coefficients), 1 if model.compiled.decoupled else model.family.n
            return coefficients.reshape(D, n, -1)[:, :, :rank].reshape(D, -1).copy()

        bands = tuple((*band[:3], columns(band[3])) for band in model.compiled.bands)
        return type(model)(model.family, model.body, replace(model.compiled, bands=bands), model.passport)

    return cut
