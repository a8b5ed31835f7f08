"""`import stlfast` is light, and every public name is there."""

import json
import os
import subprocess
import sys

import pytest

import stlfast

HEAVY = {"torch", "sympy", "scipy", "matplotlib", "safetensors", "rich", "typer"}


def run(script, **environment):
    env = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_import_loads_not_even_numpy():
    assert run(f"import json, sys, stlfast; print(json.dumps(sorted({HEAVY | {'numpy'}!r} & set(sys.modules))))") == []


def test_loading_and_solving_need_numpy_and_a_reader_of_files():
    script = (
        "import json, sys, stlfast; stlfast.load('dho').solve(alpha=75.0); "
        f"print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))"
    )
    assert run(script) == ["safetensors"]


def test_what_loads_takes_less_than_numpys_own_import(tmp_path):
    """Processor time, a tenth of a second or less; from bytecode, which the first of three runs writes."""
    script = (
        "import json, time; begin = time.process_time(); import numpy; middle = time.process_time(); import stlfast; "
        "stlfast.load; print(json.dumps([middle - begin, time.process_time() - middle]))"
    )
    bytecode = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    _, *times = (run(script, **bytecode) for _ in range(3))
    assert min(ours / theirs for theirs, ours in times) < 1


def test_defining_a_body_or_a_range_needs_numpy_alone():
    script = (
        "import json, sys, stlfast; stlfast.Body.random(); stlfast.Range((1, 2), (1, 2)); "
        f"print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))"
    )
    assert run(script) == []


@pytest.mark.parametrize("name", [*stlfast.__all__, "__version__"])
def test_public_names(name):
    assert getattr(stlfast, name) is not None
    assert name in dir(stlfast)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        stlfast.nothing  # noqa: B018
