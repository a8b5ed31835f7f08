"""Models: what a solve returns, every wrong argument, files that are not what they should be."""

import json
import os
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import slow
from safetensors.numpy import load_file, save_file

import stlfast
from stlfast import _core
from stlfast.base import files as _files
from stlfast.measure.exact import exact, point_set


# ------------------------------------------------------------------------------------------------------------ solving
def test_solution_has_the_shape_of_scipys(dho):
    solution = dho.solve(alpha=75.0)
    assert solution.t.shape == (512,)
    assert (solution.t[0], solution.t[-1]) == (0.0, 10.0)
    assert solution.y.shape == (2, 512)
    assert solution.y.flags.c_contiguous
    assert solution.success
    assert (solution.status, solution.method) == (0, "reduced")
    assert solution.error_bound.shape == solution.error_estimate.shape == (2,)
    np.testing.assert_allclose(solution.y[:, 0], dho.family.y0, atol=1e-7)
    np.testing.assert_allclose(solution(solution.t), solution.y, rtol=0.0, atol=1e-12)
    assert solution(3.0).shape == (2,)
    np.testing.assert_array_equal(solution.sol([3.0])[:, 0], solution(3.0))


def test_output_times_in_any_order(dho):
    t = np.array([3.0, 0.0, 10.0, 1e-3])
    solution = dho.solve([0.3, 2.0], t=t, alpha=400.0)
    np.testing.assert_array_equal(solution.t, t)
    order = np.argsort(t)
    np.testing.assert_allclose(
        solution.y[:, order], exact(dho.family, t[order], [0.3, 2.0], alpha=400.0), rtol=0.0, atol=1e-7
    )


def test_float32_and_integers_are_converted(dho):
    same = dho.solve([1.0, 2.0], alpha=75.0).y
    np.testing.assert_array_equal(dho.solve(np.array([1, 2], dtype=np.float32), alpha=75).y, same)
    np.testing.assert_array_equal(dho.solve([1, 2], alpha=75).y, same)


def test_without_certificate(dho):
    solution = dho.solve(alpha=75.0, certify=False)
    assert solution.error_bound is None
    assert solution.error_estimate is None
    assert solution.success
    assert solution.status == 1


def test_superposition(dho):
    """The answer is linear in the initial values."""
    one, two, both = (dho.solve(y0, alpha=33.0).y for y0 in ([1.0, 0.0], [0.0, 1.0], [2.0, -3.0]))
    np.testing.assert_allclose(2 * one - 3 * two, both, rtol=0.0, atol=1e-11)


def test_added_forcing(ncff):
    def forcing(t):
        return np.stack([np.exp(-t), 0.3 * np.cos(t)])

    for method in (None, "full", "windows"):
        solution = ncff.solve(alpha=60.0, omega=1.2, forcing=forcing, method=method)
        truth = exact(ncff.family, solution.t, forcing=forcing, alpha=60.0, omega=1.2)
        error = np.abs(solution.y - truth).max(axis=1)
        assert solution.success
        assert (error <= 1e-7).all()
        assert (solution.error_estimate >= error).all()
    assert ncff.solve(alpha=60.0, omega=1.2, forcing=forcing, method="full").error_bound is not None


@pytest.mark.parametrize(("name", "params"), [("dho", {"alpha": 5.0}), ("ncff", {"alpha": 100.0, "omega": 1.0})])
@pytest.mark.parametrize("width", [0.02, 0.05, 0.2, 1.0])
def test_bound_sees_narrow_forcing(shipped_model, name, params, width):
    """Pulses anywhere in time, too narrow for the reduced basis to follow: no success with a bound below the error."""
    model = shipped_model(name)
    t = np.linspace(0.0, 10.0, 2001)
    for centre in np.linspace(2.0, 9.9, 9):

        def pulse(s, centre=centre):
            return 1e-3 * np.stack([0 * s, np.exp(-(((s - centre) / width) ** 2))])

        truth = exact(model.family, t, forcing=pulse, **params)
        for method in ("reduced", "full", None):
            solution = model.solve(t=t, forcing=pulse, method=method, **params)
            error = np.abs(solution.y - truth).max(axis=1)
            assert (solution.error_estimate >= error).all()
            assert method is None or (solution.error_bound >= error).all()


def test_forcing_of_the_family_itself(ncff):
    """Twice the forcing, half of it added by hand, is the sum of two answers."""
    params = {"alpha": 60.0, "omega": 1.2}

    def same(t):
        return ncff.family.forcing(t, **params)

    doubled = ncff.solve([0.0, 0.0], forcing=same, **params)
    np.testing.assert_allclose(doubled.y, 2 * ncff.solve([0.0, 0.0], **params).y, rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("name", ["dho", "ncff"])
def test_full_dictionary_agrees_with_slow_least_squares(shipped_model, name):
    model = shipped_model(name)
    dictionary = model.compiled.dictionary.core(model.body)
    points = _core.Points.given(model.compiled.points, True)
    t = point_set(0.0, 10.0)
    (H,) = dictionary.evaluate(t / 10.0)
    for alpha in (1.0, 30.0, 1000.0):
        params = {"alpha": alpha} | ({"omega": 1.3} if name == "ncff" else {})
        p = np.array(list(params.values()))
        heads = slow.least_squares(model.family, dictionary, points.x, points.weight, p, [1.0, 2.0])
        np.testing.assert_allclose(
            model.solve([1.0, 2.0], t=t, reduced=False, **params).y, (H @ heads).T, rtol=0.0, atol=1e-8
        )


def test_answers_do_not_jump_between_bands(dho):
    low, high = 1.0, 1000.0
    for alpha in np.geomspace(low, high, 40)[1:-1]:
        left, right = (dho.solve(alpha=alpha * factor).y for factor in (1 - 1e-9, 1 + 1e-9))
        assert np.abs(left - right).max() <= 1e-7


def test_many_threads_give_the_same_bits(ncff):
    fresh = pickle.loads(pickle.dumps(ncff))  # its bands are still to be built, which threads must not disturb
    alphas = np.geomspace(1.0, 1000.0, 64)
    expected = [ncff.solve(alpha=a, omega=1.1).y for a in alphas]
    results = {}

    def work(k):
        results[k] = [fresh.solve(alpha=a, omega=1.1).y for a in alphas]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for values in results.values():
        for got, want in zip(values, expected, strict=True):
            np.testing.assert_array_equal(got, want)


def test_pickle(dho):
    solution = pickle.loads(pickle.dumps(dho.solve(alpha=12.0)))
    np.testing.assert_array_equal(solution([0.5, 3.0]), dho.solve(alpha=12.0)([0.5, 3.0]))
    assert solution.success
    copy = pickle.loads(pickle.dumps(dho))
    np.testing.assert_array_equal(copy.solve(alpha=12.0).y, dho.solve(alpha=12.0).y)
    assert copy.passport == dho.passport


# ---------------------------------------------------------------------------------------------------- wrong arguments
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.5}, r"alpha = 0.5 is outside \[1, 1000\]"),
        ({"alpha": float("nan")}, "not finite"),
        ({"alpha": float("inf")}, "not finite"),
        ({"alpha": "stiff"}, "alpha must be one number"),
        ({"alpha": 10**400}, "alpha must be one number"),
        ({"alpha": [1.0, 2.0]}, "alpha must be one number"),
        ({}, "missing parameter alpha"),
        ({"alpha": 2.0, "beta": 1.0}, "unknown parameter beta"),
    ],
)
def test_wrong_parameters(dho, arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        dho.solve(**arguments)
    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y0": [1.0]}, r"y0 must have shape \(2,\), got \(1,\)"),
        ({"y0": [[1.0, 2.0]]}, r"y0 must have shape \(2,\)"),
        ({"y0": 1.0}, r"y0 must have shape \(2,\)"),
        ({"y0": np.ma.masked_equal([1.0, 2.0], 2.0)}, "y0 must be an array without a mask"),
        ({"t": np.ma.masked_equal([1.0, 2.0], 2.0)}, "t must be an array without a mask"),
        ({"certify": "no"}, "certify must be True or False, got 'no'"),
        ({"reduced": 2}, "reduced must be True, False or None, got 2"),
        ({"y0": [1.0, float("nan")]}, "y0 must be finite; entry 1"),
        ({"y0": [1.0, float("inf")]}, "y0 must be finite"),
        ({"y0": ["a", "b"]}, "y0 must be an array of real numbers"),
        ({"y0": [1.0, 2j]}, "y0 must be an array of real numbers"),
        ({"y0": [[1.0], [1.0, 2.0]]}, "y0 must be an array of real numbers"),
        ({"t": [-0.1, 1.0]}, r"t = -0.1 is outside t_span = \(0, 10\)"),
        ({"t": [1.0, 10.5]}, "t = 10.5 is outside"),
        ({"t": [1.0, float("nan")]}, "t must be finite; entry 1"),
        ({"t": [[1.0]]}, "t must be one-dimensional"),
        ({"t": 1.0}, "t must be"),
        ({"rtol": -1.0}, "rtol must be a finite number of at least 0"),
        ({"rtol": float("nan")}, "rtol must be"),
        ({"rtol": "small"}, "rtol must be"),
        ({"atol": None}, "atol must be"),
        ({"forcing": 5}, "forcing must be a function"),
        ({"forcing": lambda t: np.ones((2, len(t))) * 1j}, "the value of forcing must be an array of real numbers"),
        ({"atol": float("inf")}, "atol must be"),
        ({"forcing": lambda t: np.ones(len(t))}, r"forcing returned shape .* expected \(2, "),
        ({"forcing": lambda t: np.full((2, len(t)), np.nan)}, "forcing is not finite at t = "),
    ],
)
def test_wrong_arguments(dho, arguments, message):
    with pytest.raises(ValueError, match=message):
        dho.solve(**arguments, alpha=75.0)


def test_wrong_evaluation_times(dho):
    solution = dho.solve(alpha=75.0)
    for times in ([-1.0], [11.0], [np.nan], 20.0):
        said = "must be finite" if np.isnan(times).any() else "outside t_span"
        with pytest.raises(ValueError, match=said):
            solution(times)


def test_unknown_model_lists_the_known():
    for name in (None, 5, b"dho"):
        with pytest.raises(ValueError, match="load takes a name or a path"):
            stlfast.load(name)
    with pytest.raises(KeyError, match=r"known: .*dho, duffing, fisher_kpp, ncff"):
        stlfast.load("duffink")


# -------------------------------------------------------------------------------------------------------- wrong files
@pytest.fixture
def saved(dho, tmp_path):
    path = tmp_path / "model.safetensors"
    dho.save(path)
    return path


def rewritten(path, tensors=None, metadata=None):
    """The file with some tensors and metadata entries replaced, or dropped where given as None."""
    old_tensors, old_metadata = _files.read(path)
    new_tensors = {k: v for k, v in (old_tensors | (tensors or {})).items() if v is not None}
    new_metadata = {k: v for k, v in (old_metadata | (metadata or {})).items() if v is not None}
    save_file(new_tensors, path, new_metadata)
    return path


def test_save_and_load(dho, saved):
    again = stlfast.load(saved)
    np.testing.assert_array_equal(again.solve(alpha=700.0).y, dho.solve(alpha=700.0).y)
    np.testing.assert_array_equal(again.solve(alpha=700.0, reduced=False).y, dho.solve(alpha=700.0, reduced=False).y)
    assert again.passport == dho.passport
    assert repr(again.family) == repr(dho.family)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        stlfast.load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000, -1])
def test_truncated_file(saved, keep):
    data = saved.read_bytes()
    saved.write_bytes(data[:keep])
    with pytest.raises(stlfast.FileFormatError, match="not a complete safetensors file"):
        stlfast.load(saved)


def test_not_safetensors(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}) * 100)
    with pytest.raises(stlfast.FileFormatError, match="not a complete safetensors file"):
        stlfast.load(path)


def test_safetensors_of_something_else(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(stlfast.FileFormatError, match="no stlfast model"):
        stlfast.load(path)


@pytest.mark.parametrize("version", ["7", "1.5", "one", ""])
def test_newer_version(saved, version):
    with pytest.raises(stlfast.FileFormatError, match="upgrade stlfast"):
        stlfast.load(rewritten(saved, metadata={"format_version": version}))


@pytest.mark.parametrize(
    "name",
    ["points", "modes.g", "family.A.code", "family.theta.outputs", "body.layers.1.weight", "bands.0.coefficients"],
)
def test_missing_tensor(saved, name):
    with pytest.raises(stlfast.FileFormatError):
        stlfast.load(rewritten(saved, {name: None}))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("points", lambda a: a[::-1].copy()),
        ("points", lambda a: a[:1]),
        ("points", lambda a: a.astype(np.float32)),
        ("modes.g", lambda a: np.zeros((3, 2))),
        ("modes.interpolate", lambda a: np.zeros((2, 2))),
        ("family.A.code", lambda a: a + 1000),
        ("family.A.code", lambda a: a.astype(np.int64)),
        ("family.b.outputs", lambda a: a[:1]),
        ("body.layers.0.weight", lambda a: a.T.copy()),
        ("body.layers.2.bias", lambda a: a[:-1]),
        ("bands.1.low", lambda a: np.zeros(3)),
        ("bands.1.coefficients", lambda a: a[:, :-1].copy()),
        ("bands.1.tau", lambda a: np.array([-1.0])),
        ("bands.1.tau", lambda a: np.array([5e-324])),
        ("bands.1.coefficients", lambda a: np.zeros((0, 40))),
        ("bands.1.coefficients", lambda a: np.zeros((5, 0))),
        ("bands.1.high", lambda a: a * 1000),
        ("bands.1.tau", lambda a: np.zeros(2)),
    ],
)
def test_wrong_tensor(saved, name, change):
    tensor = load_file(saved)[name]
    with pytest.raises(stlfast.FileFormatError):
        stlfast.load(rewritten(saved, {name: change(tensor)}))


@pytest.mark.parametrize("name", ["points", "body.layers.1.weight", "bands.0.coefficients", "bands.0.tau"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_tensor(saved, name, value):
    tensor = load_file(saved)[name].copy()
    tensor.flat[0] = value
    with pytest.raises(stlfast.FileFormatError, match="NaN or infinity"):
        stlfast.load(rewritten(saved, {name: tensor}))


@pytest.mark.parametrize(
    "change",
    [
        {"row_weights": "x"},
        {"row_weights": None},
        {"shared_head": "false"},
        {"solver": None},
        {"uniform_checks": -1},
        {"uniform_checks": "many"},
        {"uniform_checks": 10**400},
        {"dictionary": {"dilations": ["one"], "constant": True, "functions": None, "tau": None}},
        {"dictionary": {"dilations": [], "constant": True, "functions": 10**9, "tau": 1e-3}},
        {"dictionary": {"dilations": [], "constant": True, "functions": True, "tau": 1e-3}},
        {"dictionary": {"dilations": [], "constant": True, "functions": 9, "tau": 0.0}},
        {"dictionary": 3},
    ],
)
def test_wrong_compile_option(saved, change):
    _, metadata = _files.read(saved)
    options = json.loads(metadata["compile"]) | change
    with pytest.raises(stlfast.FileFormatError):
        stlfast.load(rewritten(saved, metadata={"compile": json.dumps(options)}))


def test_hostile_numbers_and_nesting(saved):
    _, metadata = _files.read(saved)
    family = json.loads(metadata["family"])
    for text in ("[" * 100_000, json.dumps(family | {"y0": [10**400, 1.0]}), json.dumps(family | {"y0": ["1", {}]})):
        with pytest.raises(stlfast.FileFormatError):
            stlfast.load(rewritten(saved, metadata={"family": text}))


def test_changed_weights_are_noticed(saved):
    bias = load_file(saved)["body.layers.0.bias"]
    with pytest.raises(stlfast.FileFormatError, match="SHA-256"):
        stlfast.load(rewritten(saved, {"body.layers.0.bias": bias + 1e-9}))


@pytest.mark.parametrize("key", ["family", "body", "compile", "passport"])
@pytest.mark.parametrize("value", [None, "", "not json", "[]", "3", '{"a": 1}', "\"__import__('os')\""])
def test_wrong_metadata(saved, key, value):
    if key == "passport" and value == '{"a": 1}':
        value = "[1]"  # any object is a passport
    with pytest.raises(stlfast.FileFormatError):
        stlfast.load(rewritten(saved, metadata={key: value}))


def test_metadata_is_data(saved, tmp_path):
    """Strings that would be code elsewhere stay strings."""
    _, metadata = _files.read(saved)
    family = json.loads(metadata["family"])
    evil = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    family["equations"] = [evil, evil]
    model = stlfast.load(rewritten(saved, metadata={"family": json.dumps(family)}))
    model.solve(alpha=75.0)
    assert evil in repr(model)
    assert not (tmp_path / "ran").exists()


def test_interrupted_save_leaves_the_old_file(dho, saved, monkeypatch):
    before = saved.read_bytes()

    def interrupt(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        dho.save(saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_core_refuses_what_is_not_an_array_of_its_type(dho):
    p, heads = np.array([75.0]), np.zeros((257, 2))
    for parameters, error in (
        (p.astype(np.float32), TypeError),
        ([75.0], TypeError),
        (np.array([75.0, 1.0]), ValueError),
        (np.ones((1, 1)), ValueError),
    ):
        with pytest.raises(error):
            dho.core.certify_heads(parameters, [1.0, 0.5], heads)
    for added, error in ((np.ones((2, 3)), ValueError), (np.ones(3), ValueError), ([1.0], TypeError)):
        with pytest.raises(error):
            dho.core.solve({"alpha": 75.0}, ("alpha",), [1.0, 0.5], None, True, 1e-6, 1e-8, added, None)
    with pytest.raises(ValueError, match="expected"):
        _core.Family(3, *[getattr(dho.family, k).program for k in ("A", "b", "theta", "parts")], p, p, 0)


# ---------------------------------------------------------------------------------------------------------- footprint
def test_loading_and_solving_needs_numpy_alone():
    program = (
        "import sys, stlfast\n"
        "stlfast.load('ncff').solve(alpha=75.0, omega=1.0)\n"
        "found = {'torch', 'sympy', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_shipped_files_are_small():
    from stlfast.loading import SHIPPED

    fields = ["advection_diffusion_reaction_2d", "advection_reaction", "fisher_kpp"]
    assert stlfast.pretrained() == sorted([*fields, "dho", "duffing", "ncff", "robertson", "vdp"])
    for name in stlfast.pretrained():
        assert (SHIPPED / f"{name}.safetensors").stat().st_size <= (4_000_000 if name in fields else 1_000_000)


def test_a_solve_releases_the_gil(dho):
    """Another thread runs on meanwhile, though Python itself would not switch to it for a minute."""
    ticks, stop = [0], threading.Event()

    def tick():
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(0)

    thread, interval = threading.Thread(target=tick), sys.getswitchinterval()
    dho.solve(alpha=75.0, reduced=False)  # the first builds tables
    thread.start()
    sys.setswitchinterval(60.0)
    try:
        before = ticks[0]
        for _ in range(20):
            dho.solve(alpha=75.0, reduced=False)
        during = ticks[0] - before
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
    assert during > 200  # of thousands; where it is held, there are none


@pytest.mark.parametrize("name", ["dho", "ncff", "duffing", "robertson"])
def test_times_of_ones_own_are_as_accurate_as_the_default_grid(name, shipped_model):
    """In any order, by short series on pieces of time instead of the grid's table."""
    model = shipped_model(name)
    rng = np.random.default_rng(0)
    for _ in range(10):
        params = {key: float(rng.uniform(*interval.solve)) for key, interval in model.family.params.items()}
        sol = model.solve(method="reduced", **params)
        order = rng.permutation(len(sol.t))
        own = model.solve(t=sol.t[order], method="reduced", **params)
        size = np.abs(sol.y).max(axis=1, keepdims=True)
        assert (np.abs(own.y - sol.y[:, order]) <= 2e-13 * size).all()
