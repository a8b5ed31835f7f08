"""Least squares in blocks of rows, against NumPy on all of them."""

import threading

import numpy as np
import pytest

from stlfast._core import TallLeastSquares


def ill_conditioned(rows, columns, condition, rng):
    u, _ = np.linalg.qr(rng.normal(size=(rows, columns)))
    v, _ = np.linalg.qr(rng.normal(size=(columns, columns)))
    return (u * np.geomspace(1, 1 / condition, columns)) @ v * 10.0 ** rng.uniform(-3, 3, columns)


def scaled_lstsq(A, B, rcond):
    scale = np.linalg.norm(A, axis=0)
    X, _, rank, _ = np.linalg.lstsq(A / scale, B, rcond=rcond)
    return X / scale[:, None], rank


def least_squares(A, B, block):
    problem = TallLeastSquares(A.shape[1], B.shape[1])
    for i in range(0, len(A), block):
        problem.add(A[i : i + block], B[i : i + block])
    return problem


@pytest.mark.parametrize("condition", [1e2, 1e6, 1e10])
@pytest.mark.parametrize("block", [13, 700, 3000])
def test_least_squares_agree_with_numpy(condition, block):
    rng = np.random.default_rng(5)
    A = ill_conditioned(3000, 90, condition, rng)
    B = np.stack([A @ (1 / np.linalg.norm(A, axis=0)), rng.normal(size=3000)], axis=1)
    problem = least_squares(A, B, block)
    X, residual, rank = problem.solve(1e-14)
    expected, expected_rank = scaled_lstsq(A, B, 1e-14)
    assert rank == expected_rank == 90
    # Rounding times the condition number where the residual is large.
    fit = np.linalg.norm(A @ (X - expected), axis=0) / np.linalg.norm(B, axis=0)
    assert (fit <= [1e-12, 1e-15 * condition + 1e-12]).all()
    size = np.linalg.norm(A, axis=0)
    rounding = 1e-15 * (size @ np.abs(expected) + np.linalg.norm(B, axis=0))  # of A's columns, times X
    assert (np.abs(residual - np.linalg.norm(A @ expected - B, axis=0)) <= rounding).all()
    R, Qtb = problem.R(), problem.Qtb()
    assert np.array_equal(R, np.triu(R))
    assert (np.abs(R.T @ R - A.T @ A) <= 1e-12 * np.outer(size, size)).all()
    assert (np.abs(R.T @ Qtb - A.T @ B) <= 1e-12 * np.outer(size, np.linalg.norm(B, axis=0))).all()


def test_blocks_in_either_order_and_merging():
    rng = np.random.default_rng(6)
    A, B = ill_conditioned(2000, 40, 1e6, rng), rng.normal(size=(2000, 1))
    expected, *_ = least_squares(A, B, 2000).solve(1e-14)
    backwards = np.asfortranarray(A)
    assert np.array_equal(least_squares(backwards, B, 321).solve(1e-14)[0], expected)
    assert np.array_equal(least_squares(A, np.repeat(B, 3, axis=1)[:, :1], 1).solve(1e-14)[0], expected)
    parts = [least_squares(A[k::4], B[k::4], 100) for k in range(4)]
    for part in parts[1:]:
        parts[0].merge(part)
    X, residual, _ = parts[0].solve(1e-14)
    assert parts[0].rows == 2000
    assert np.linalg.norm(A @ (X - expected)) <= 1e-9 * np.linalg.norm(B)
    np.testing.assert_allclose(residual, np.linalg.norm(A @ X - B, axis=0), rtol=1e-12)


def test_shortest_solution_where_functions_depend_on_each_other():
    rng = np.random.default_rng(7)
    A = rng.normal(size=(900, 60)) @ np.diag(np.geomspace(1, 1e6, 60))
    A[:, 40:] = A[:, :20] * 3
    B = rng.normal(size=(900, 2))
    X, residual, rank = least_squares(A, B, 128).solve(1e-12)
    expected, expected_rank = scaled_lstsq(A, B, 1e-12)
    assert rank == expected_rank == 40
    np.testing.assert_allclose(X, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(residual, np.linalg.norm(A @ expected - B, axis=0), rtol=1e-12)


def test_fewer_rows_than_columns():
    rng = np.random.default_rng(8)
    A, B = rng.normal(size=(10, 70)), rng.normal(size=(10, 1))
    X, residual, rank = least_squares(A, B, 4).solve(1e-12)
    assert rank == 10
    np.testing.assert_allclose(X, scaled_lstsq(A, B, 1e-12)[0], atol=1e-12)
    assert residual[0] < 1e-13


def test_threads_take_turns():
    rng = np.random.default_rng(9)
    A, B = rng.normal(size=(4000, 50)), rng.normal(size=(4000, 1))
    problem = TallLeastSquares(50, 1)

    def work(k):
        for i in range(k * 1000, (k + 1) * 1000, 50):
            problem.add(A[i : i + 50], B[i : i + 50])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problem.rows == 4000
    np.testing.assert_allclose(problem.solve(1e-14)[0], np.linalg.lstsq(A, B, rcond=None)[0], atol=1e-14)


@pytest.mark.parametrize(
    ("A", "B", "error", "message"),
    [
        (np.ones((5, 3)), np.ones((5, 1)), ValueError, r"A is \(5, 3\) and B \(5, 1\), expected \(rows, 4\)"),
        (np.ones((5, 4)), np.ones((4, 1)), ValueError, "equally many rows"),
        (np.full((5, 4), np.nan), np.ones((5, 1)), ValueError, "not finite: no rows of this block were added"),
        (np.ones((5, 4), np.float32), np.ones((5, 1)), TypeError, "A is no float64 array"),
        (np.ones((5, 4)), np.ones(5), TypeError, "B is no float64 array"),
        (np.ones((5, 4))[::-1], np.ones((5, 1)), ValueError, "A repeats rows, runs backwards"),
        (np.ones((5, 4)), np.broadcast_to(np.ones((1, 1)), (5, 1)), ValueError, "B repeats rows"),
    ],
)
def test_invalid_rows(A, B, error, message):
    problem = TallLeastSquares(4, 1)
    with pytest.raises(error, match=message):
        problem.add(A, B)
    assert problem.rows == 0


def test_invalid_problems():
    with pytest.raises(ValueError, match="columns is 0"):
        TallLeastSquares(0, 1)
    with pytest.raises(ValueError, match="rcond is -1"):
        TallLeastSquares(2, 1).solve(-1.0)
    with pytest.raises(ValueError, match="the other has 3 columns"):
        TallLeastSquares(2, 1).merge(TallLeastSquares(3, 1))
