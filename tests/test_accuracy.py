"""The shipped models against exact solutions over their whole range, and the bound in every one of those solves."""

import itertools

import numpy as np
import pytest

import stlfast
from stlfast.measure.exact import exact, point_set

ALPHAS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 150.0, 300.0, 1000.0)
OMEGAS = (0.5, 1.0, 1.37, 2.0)
MEMBERS = [("dho", {"alpha": a}) for a in ALPHAS] + [
    ("ncff", {"alpha": a, "omega": w}) for a, w in itertools.product(ALPHAS, OMEGAS)
]


@pytest.fixture(scope="module")
def models(shipped_model):
    found = {name: shipped_model(name) for name in stlfast.pretrained()}
    return {name: model for name, model in found.items() if isinstance(model, (stlfast.Model, stlfast.NonlinearModel))}


@pytest.mark.parametrize(("name", "params"), MEMBERS, ids=lambda v: v if isinstance(v, str) else str(list(v.values())))
def test_errors_and_bounds(models, name, params):
    model = models[name]
    t = point_set(*model.family.t_span_at(**params))
    rng = np.random.default_rng(int(1000 * sum(params.values())))
    for y0 in (model.family.y0, *rng.uniform(0.0, 5.0, (2, model.family.n))):
        truth = exact(model.family, t, y0, **params)
        for reduced, largest in ((None, 1e-7), (False, 1e-9)):
            solution = model.solve(y0, t=t, reduced=reduced, **params)
            error = np.abs(solution.y - truth).max(axis=1)
            assert (error <= largest).all()
            assert (solution.error_bound >= error).all()
            assert solution.method == ("full" if reduced is False else "reduced")
            scale = np.abs(solution.y).max(axis=1)
            assert solution.success == bool((solution.error_bound <= 1e-8 + 1e-6 * scale).all())


def test_training_saw_no_stiff_member(models):
    for model in models.values():
        if model.body is None:
            continue
        training = model.passport["training"]
        low, high = np.array([interval.train for interval in model.family.params.values()]).T
        members = np.array(training["members"])
        assert np.all((low * (1 - 1e-12) <= members) & (members <= high * (1 + 1e-12)))
        assert training["seconds"] <= 300.0


def test_passport_states_the_accuracy_measured(models):
    """Solving again gives what the passport says, within rounding noise of another processor."""
    for model in models.values():
        assert model.passport["sha256"] == (None if model.body is None else model.body.sha256)
        assert model.passport["accuracy"] or model.body is None
