"""Instruction lists against an evaluator that takes one point and one instruction at a time."""

import numpy as np
import pytest
import slow

from stlfast._core import Program

BINARY = sorted({*range(14)} - slow.UNARY)
POW = 5


def program(n_inputs, constants, code, outputs):
    return Program(
        n_inputs,
        np.array(constants, dtype=np.float64),
        np.array(code, dtype=np.int32).reshape(-1, 3),
        np.array(outputs, dtype=np.int32),
    )


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("registers", [(0, 0), (0, 1), (1, 0), (1, 2), (3, 0), (0, 3), (3, 1), (4, 0)])
def test_binary_operation(op, registers):
    # Registers: x, two parameters, a constant, exp(x): operands that vary with x and operands that do not.
    p = program(3, [0.75], [[6, 0, -1], [op, *registers]], [5])
    x = np.random.default_rng(op).uniform(0.1, 1.0, size=700)  # more than one block of points
    inputs = np.array([1.7, -0.3]) if op != POW else np.array([1.7, 0.3])
    np.testing.assert_allclose(p.evaluate(x, inputs), slow.evaluate(p, x, inputs), rtol=1e-15)


@pytest.mark.parametrize("op", sorted(slow.UNARY))
@pytest.mark.parametrize("register", [0, 1, 2])
def test_unary_operation(op, register):
    p = program(2, [0.75], [[op, register, -1]], [3])
    x = np.random.default_rng(op).uniform(0.01, 30.0, size=700)
    inputs = np.array([2.5])
    np.testing.assert_allclose(p.evaluate(x, inputs), slow.evaluate(p, x, inputs), rtol=1e-15)


@pytest.mark.parametrize("seed", range(20))
def test_random_program(seed):
    rng = np.random.default_rng(seed)
    n_inputs, constants, code = int(rng.integers(1, 5)), rng.normal(size=int(rng.integers(0, 4))), []
    bounded = [0, 1, 4, 9, 10, 12, 13]  # operations that keep registers moderate
    for k in range(40):
        op = int(rng.choice(bounded))
        a, b = rng.integers(0, n_inputs + len(constants) + k, size=2)
        code.append([op, a, b if op in BINARY else -1])
    p = program(n_inputs, constants, code, rng.integers(0, n_inputs + len(constants) + 40, size=5))
    x, inputs = rng.uniform(size=300), rng.normal(size=n_inputs - 1)
    expected = slow.evaluate(p, x, inputs)
    np.testing.assert_allclose(p.evaluate(x, inputs), expected, rtol=0, atol=1e-12 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("op", range(26))
def test_eight_points_have_a_way_of_their_own(op):
    """With the same values, whatever varies: x, a parameter, a constant, sin x and cos x."""
    rng = np.random.default_rng(op)
    for a, b in [(0, 1), (1, 0), (0, 2), (3, 4), (4, 3), (1, 2), (0, 0)]:
        second = b if op in BINARY or op in (23, 24) else -2 if op == 25 else -1
        p = program(2, [0.75], [[9, 0, -1], [10, 0, -1], [op, a, second], [1, 5, 0]], [5, 6, 3, 4, 1])
        x, inputs = rng.uniform(0.1, 0.9, 9), np.array([0.4])
        np.testing.assert_array_equal(p.evaluate(x[:8], inputs), p.evaluate(x, inputs)[:, :8])


@pytest.mark.parametrize("varying", [1, 2, 4])
def test_several_columns_of_points(varying):
    # Registers: four inputs, a constant, the sum of inputs 0 and 1, that over input 3, the quotient times the constant.
    arrays = np.array([0.75]), np.array([[0, 0, 1], [3, 5, 3], [2, 6, 4]], np.int32), np.array([7, 6, 3], np.int32)
    p = Program(4, *arrays, varying)
    rng = np.random.default_rng(varying)
    points, inputs = rng.uniform(0.5, 1.5, (varying, 700)), rng.uniform(0.5, 1.5, 4 - varying)
    given = points[0] if varying == 1 else points
    np.testing.assert_allclose(p.evaluate(given, inputs), slow.evaluate(p, given, inputs), rtol=1e-15)


def test_x_alone_parameters_alone_and_constants_alone():
    p = program(2, [4.0], [], [0, 1, 2])
    x = np.linspace(0, 1, 5)
    assert np.array_equal(p.evaluate(x, np.array([7.0])), [x, np.full(5, 7.0), np.full(5, 4.0)])


def test_outside_an_operations_domain_the_value_is_not_finite():
    # Callers check; the program itself says what the arithmetic says.
    p = program(1, [], [[7, 0, -1], [3, 1, 0], [8, 1, -1]], [1, 2, 3])
    assert np.array_equal(p.evaluate(np.zeros(1), np.zeros(0)), [[-np.inf], [-np.inf], [np.nan]], equal_nan=True)


def test_attributes_are_what_was_given():
    code, outputs, constants = [[2, 0, 1], [6, 2, -1]], [3, 0], [0.1]
    p = program(1, constants, code, outputs)
    assert p.n_inputs == 1
    assert p.code.tolist() == code
    assert p.code.dtype == np.int32
    assert p.outputs.tolist() == outputs
    assert p.constants.tolist() == constants
    assert p.evaluate(np.zeros(0), np.zeros(0)).shape == (2, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, [], [], [0]), "n_inputs is 0, expected 1"),
        ((-3, [], [], [0]), "n_inputs is -3"),
        ((2**31 - 1, [1.0], [[0, 0, 1]], [0]), r"n_inputs is 2147483647, expected 1 \(x itself\) … 65536"),
        ((1, [np.nan], [], [0]), "constants must be finite"),
        ((1, [np.inf], [], [0]), "constants must be finite"),
        ((1, [], [], []), "outputs is empty"),
        ((1, [], [[26, 0, 0]], [0]), "instruction 0 has op 26, expected 0 … 25"),
        ((1, [], [[-1, 0, 0]], [0]), "instruction 0 has op -1"),
        ((1, [1.0], [[0, 0, 2]], [0]), "instruction 0 reads register 2, expected 0 … 1"),
        ((1, [1.0], [[0, 0, 1], [0, 3, 0]], [0]), "instruction 1 reads register 3, expected 0 … 2"),
        ((1, [1.0], [[0, -1, 0]], [0]), "reads register -1"),
        ((1, [1.0], [[0, 0, -1]], [0]), "reads register -1"),
        ((1, [], [[6, 0, 0]], [0]), "instruction 0 is unary with b = 0, expected −1"),
        ((1, [], [[6, 1, -1]], [0]), "reads register 1"),
        ((1, [], [[6, 0, -1]], [2]), "an output is register 2, expected 0 … 1"),
        ((1, [], [[6, 0, -1]], [-1]), "an output is register -1"),
        ((1, [], [[6, 2**31 - 1, -1]], [0]), "reads register 2147483647"),
    ],
)
def test_invalid_programs(arguments, message):
    with pytest.raises(ValueError, match=message):
        program(*arguments)


CONSTANTS, CODE, OUTPUTS = np.ones(1), np.array([[0, 0, 1]], np.int32), np.array([2], np.int32)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, CONSTANTS.astype(np.float32), CODE, OUTPUTS), TypeError, "constants has dtype float32, expected float64"),
        ((1, CONSTANTS, CODE.astype(np.int64), OUTPUTS), TypeError, "code has dtype int64, expected int32"),
        ((1, CONSTANTS, CODE, OUTPUTS.astype(float)), TypeError, "outputs has dtype float64, expected int32"),
        ((1, [1.0], CODE, OUTPUTS), TypeError, "constants is a list, expected a NumPy array"),
        ((1, CONSTANTS[:, None], CODE, OUTPUTS), ValueError, "constants has 2 dimensions, expected 1"),
        ((1, CONSTANTS, CODE[0], OUTPUTS), ValueError, "code has 1 dimensions, expected 2"),
        ((1, CONSTANTS, np.zeros((1, 4), np.int32), OUTPUTS), ValueError, "code has 4 columns, expected 3"),
        ((1, CONSTANTS, np.zeros((3, 2), np.int32).T, OUTPUTS), ValueError, "code is not C-contiguous"),
    ],
)
def test_invalid_arrays(arguments, error, message):
    with pytest.raises(error, match=message):
        Program(*arguments)


@pytest.mark.parametrize(
    ("x", "inputs", "error", "message"),
    [
        (np.zeros(3), np.zeros(0), ValueError, "got 0 inputs besides those of the points, expected 1"),
        (np.zeros(3), np.zeros(2), ValueError, "got 2 inputs besides those of the points, expected 1"),
        (np.zeros((3, 1)), np.zeros(1), ValueError, "x has 2 dimensions, expected 1"),
        (np.zeros(6)[::2], np.zeros(1), ValueError, "x is not C-contiguous"),
        (np.zeros(3, np.float32), np.zeros(1), TypeError, "x has dtype float32"),
        (np.zeros(3), [1.0], TypeError, "inputs is a list"),
    ],
)
def test_invalid_points(x, inputs, error, message):
    p = program(2, [1.0], [[0, 0, 1]], [3])
    with pytest.raises(error, match=message):
        p.evaluate(x, inputs)
