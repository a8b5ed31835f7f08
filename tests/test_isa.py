"""The builds of the compiled core for different processors: chosen, overridden, and the same in what they answer."""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import stlfast
from stlfast import _cpu, _isa

CASES = [
    (name, params | {"alpha": alpha, "reduced": reduced})
    for name, params in [("dho", {}), ("ncff", {"omega": 1.37})]
    for alpha in (1.0, 7.3, 75.0, 1000.0)
    for reduced in (True, False)
]
SOLVES = f"""
import json, stlfast
answers = []
for name, params in {CASES}:
    sol = stlfast.load(name).solve(**params)
    answers.append([sol.y.tolist(), sol.error_bound.tolist()])
print(json.dumps([stlfast.isa(), answers]))
"""
SAME = 1e-10  # relative
SLOW, FAST = _cpu.RUNS[0], _cpu.RUNS[-1]  # the same one on a processor that has the baseline alone


def python(script, isa, **options):
    env = {**os.environ, "STLFAST_ISA": isa}
    return subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=False, **options)


def solutions(isa):
    return json.loads(python(SOLVES, isa, text=True).stdout)


def test_the_best_that_the_processor_runs_is_taken():
    assert "baseline" in _cpu.RUNS
    assert set(_cpu.RUNS) <= set(_cpu.BUILDS) <= set(_isa.NEEDS)
    assert stlfast.isa() == (os.environ.get("STLFAST_ISA") or _cpu.RUNS[-1])
    assert solutions("")[0] == _cpu.RUNS[-1]


@pytest.fixture(scope="module")
def answers():
    (slow, ours), (fast, theirs) = solutions(SLOW), solutions(FAST)
    assert (slow, fast) == (SLOW, FAST)
    return list(zip(ours, theirs, strict=True))


@pytest.mark.parametrize("k", range(len(CASES)))
def test_both_give_the_same_results(answers, k):
    (y, bound), (y_other, bound_other) = answers[k]
    difference = np.abs(np.array(y) - y_other).max(axis=1) / np.abs(y).max(axis=1)
    assert difference.max() < SAME, CASES[k]
    # Residuals that are all rounding differ more, in bounds as small as the difference of the answers.
    np.testing.assert_allclose(bound, bound_other, rtol=0.1, atol=SAME)


@pytest.mark.parametrize(("writer", "reader"), [(SLOW, FAST), (FAST, SLOW)])
def test_each_reads_what_the_other_pickled(writer, reader):
    written = python(
        "import pickle, sys, stlfast; model = stlfast.load('dho'); "
        "sys.stdout.buffer.write(pickle.dumps([model, model.solve(alpha=75.0)]))",
        writer,
    )
    read = python(
        "import pickle, sys, stlfast; model, sol = pickle.load(sys.stdin.buffer); "
        "print(stlfast.isa(), repr(float(abs(sol([3.0]) - model.solve(t=[3.0], alpha=75.0).y).max())))",
        reader,
        input=written.stdout,
    )
    isa, difference = read.stdout.decode().split()
    assert isa == reader
    assert float(difference) < 1e-10


def test_types_go_by_the_module_that_is_imported():
    answer = stlfast.load("dho").solve(alpha=75.0)._answer
    assert type(answer).__module__ == "stlfast._core"
    assert pickle.loads(pickle.dumps(answer)).bound.tolist() == answer.bound.tolist()


def test_an_unknown_name_is_refused_at_import():
    done = python("import stlfast", "avx9", text=True)
    assert done.returncode != 0
    assert "ImportError: the environment variable STLFAST_ISA is 'avx9', which is unknown" in done.stderr
    assert "known: baseline, x86-64-v3" in done.stderr


@pytest.mark.parametrize(
    ("wanted", "builds", "runs", "expected"),
    [
        ("", ("baseline", "x86-64-v3"), ("baseline", "x86-64-v3"), "x86-64-v3"),
        ("", ("baseline", "x86-64-v3"), ("baseline",), "baseline"),
        ("baseline", ("baseline", "x86-64-v3"), ("baseline", "x86-64-v3"), "baseline"),
    ],
)
def test_choice(wanted, builds, runs, expected):
    assert _isa.choose(wanted, builds, runs) == expected


@pytest.mark.parametrize(
    ("builds", "problem"),
    [
        (("baseline", "x86-64-v3"), "needs a processor with AVX2 and FMA, which this one does not have"),
        (("baseline",), "is not in this installation"),
    ],
)
def test_what_the_processor_or_the_installation_lacks_is_refused(builds, problem):
    with pytest.raises(ImportError, match=f"STLFAST_ISA is 'x86-64-v3', which {problem}.*have baseline: set"):
        _isa.choose("x86-64-v3", builds, ("baseline",))
