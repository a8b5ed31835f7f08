"""Model files that are whole but have one array or number changed: refused, or good for a solve; never a crash.

Names with numbers in them stand for a kind, of which the first is changed: bands.0.guess for those of all bands.
"""

import json
import pathlib
import re

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import stlfast

NAMES = ("dho", "duffing", "advection_reaction", "fisher_kpp")
HUGE = 2**59  # rows of nothing: their product with anything overflows
NUMBERS = (0, -1, 2**31, 2**62, 2**70)


def parts_of(name):
    """The tensors and metadata of a shipped model."""
    path = pathlib.Path(stlfast.__file__).parent / "pretrained" / f"{name}.safetensors"
    with safe_open(path, "np") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118


@pytest.fixture(scope="module", params=NAMES)
def parts(request):
    return parts_of(request.param)


def outcome(path, tensors, metadata):
    """Whether the file was refused; what was not is good for a solve, which may find its numbers out of range."""
    save_file(tensors, path, metadata)
    try:
        model = stlfast.load(path)
    except stlfast.FileFormatError:
        return "refused"
    params = {name: np.sqrt(r.solve[0] * r.solve[1]) for name, r in model.family.params.items()}
    try:
        model.solve(**params)
    except (ValueError, LookupError):
        return "no solution"
    return "solved"


def first_of_each_kind(tensors):
    return {re.sub(r"\d+", "0", name): name for name in reversed(tensors)}.values()


def shapes(shape):
    yield (*shape, 1) if 0 not in shape else (*shape, 0)
    yield (1, *shape)
    yield (0,) * len(shape)
    for axis in range(len(shape)):
        yield tuple(0 if k == axis else size for k, size in enumerate(shape))
        yield tuple(HUGE if k == axis else 0 for k in range(len(shape)))


def reshaped(tensor, shape):
    return tensor.reshape(shape) if tensor.size == np.prod(shape) else np.zeros(shape, tensor.dtype)


def test_an_array_of_another_shape(parts, tmp_path):
    tensors, metadata = parts
    refused = 0
    for name in first_of_each_kind(tensors):
        for shape in shapes(tensors[name].shape):
            if np.prod(shape, dtype=float) > 1e6:
                continue
            changed = tensors | {name: reshaped(tensors[name], shape)}
            refused += outcome(tmp_path / "changed.safetensors", changed, metadata) == "refused"
    assert refused >= 3 * len(list(first_of_each_kind(tensors)))


def test_another_number_in_the_compile_options(parts, tmp_path):
    tensors, metadata = parts
    options = json.loads(metadata["compile"])
    refused = 0
    for place, number in ((place, number) for place in numbers_in(options) for number in NUMBERS):
        changed = metadata | {"compile": json.dumps(put(options, place, number))}
        refused += outcome(tmp_path / "changed.safetensors", tensors, changed) == "refused"
    assert refused


def numbers_in(value, place=()):
    """The places of all numbers in nested lists and objects."""
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers_in(inner, (*place, key))
    elif type(value) in (int, float):
        yield place


def put(value, place, number):
    """A copy with another number in that place."""
    if not place:
        return number
    copy = value.copy()
    copy[place[0]] = put(value[place[0]], place[1:], number)
    return copy


@pytest.mark.parametrize(
    ("name", "tensor", "shape"),
    [
        ("duffing", "bands.0.guess", (1, 1, 1)),
        ("duffing", "bands.0.coefficients", (HUGE, 0)),
        ("advection_reaction", "groups.0.0.time", (0, 0)),
        ("advection_reaction", "groups.0.0.core", (0, HUGE)),
        ("advection_reaction", "check_times", (1,)),
    ],
)
def test_arrays_that_crashed(name, tensor, shape, tmp_path):
    tensors, metadata = parts_of(name)
    assert tensor in tensors
    changed = tensors | {tensor: np.zeros(shape)}
    assert outcome(tmp_path / "changed.safetensors", changed, metadata) == "refused"


@pytest.mark.parametrize("entry", [{"check_spaces": 2**62}, {"check_spaces": 2**64 // 17 + 1}])
def test_products_of_sizes_that_overflow(entry, tmp_path):
    tensors, metadata = parts_of("advection_reaction")
    changed = metadata | {"compile": json.dumps(json.loads(metadata["compile"]) | entry)}
    assert outcome(tmp_path / "changed.safetensors", tensors, changed) == "refused"


@pytest.mark.parametrize("sizes", [{"space": [10**9]}, {"time": 10**9}, {"space": [2**32], "time": 2**32}])
def test_more_points_than_memory(sizes, tmp_path):
    tensors, metadata = parts_of("advection_reaction")
    options = json.loads(metadata["compile"])
    changed = metadata | {"compile": json.dumps(options | {"options": options["options"] | sizes})}
    assert outcome(tmp_path / "changed.safetensors", tensors, changed) == "refused"
