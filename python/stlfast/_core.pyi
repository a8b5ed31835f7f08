"""What the compiled core offers; arrays are float64 and C-contiguous unless said otherwise."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__version__: str

class Program:
    def __init__(
        self, n_inputs: int, constants: np.ndarray, code: np.ndarray, outputs: np.ndarray, varying: int = 1
    ) -> None: ...
    def evaluate(self, x: np.ndarray, inputs: np.ndarray) -> np.ndarray: ...
    @property
    def n_inputs(self) -> int: ...
    @property
    def constants(self) -> np.ndarray: ...
    @property
    def code(self) -> np.ndarray: ...
    @property
    def outputs(self) -> np.ndarray: ...

class Body:
    def __init__(
        self, weights: list[np.ndarray], biases: list[np.ndarray], activation: str, input: str, tau: float = ...
    ) -> None: ...
    @property
    def width(self) -> int: ...

class Dictionary:
    @staticmethod
    def from_body(body: Body, dilations: list[float], constant: bool = True) -> Dictionary: ...
    @staticmethod
    def chebyshev(m: int, input: str = "log", tau: float = ...) -> Dictionary: ...
    def evaluate(self, x: np.ndarray, derivatives: int = 0) -> tuple[np.ndarray, ...]: ...
    @property
    def size(self) -> int: ...

class FieldBody:
    def __init__(
        self,
        weights: list[np.ndarray],
        biases: list[np.ndarray],
        activation: str,
        inputs: list[tuple[int, str]],
        tau: float = ...,
    ) -> None: ...
    @property
    def coordinates(self) -> int: ...
    @property
    def width(self) -> int: ...

class FieldDictionary:
    @staticmethod
    def from_body(body: FieldBody, dilations: list[float], constant: bool = True) -> FieldDictionary: ...
    @staticmethod
    def tensor(space: list[tuple[str, int]], time: int, tau: float = ...) -> FieldDictionary: ...
    def evaluate(self, points: np.ndarray, partials: Sequence[Sequence[int]]) -> list[np.ndarray]: ...
    @property
    def size(self) -> int: ...
    @property
    def coordinates(self) -> int: ...

class TallLeastSquares:
    def __init__(self, columns: int, right_hand_sides: int) -> None: ...
    def add(self, A: np.ndarray, B: np.ndarray) -> None: ...
    def merge(self, other: TallLeastSquares) -> None: ...
    def solve(self, rcond: float) -> tuple[np.ndarray, np.ndarray, int]: ...
    def R(self) -> np.ndarray: ...
    def Qtb(self) -> np.ndarray: ...
    @property
    def rows(self) -> int: ...

class Family:
    def __init__(
        self,
        n: int,
        A: Program,
        b: Program,
        theta: Program | None,
        parts: Program | None,
        low: np.ndarray,
        high: np.ndarray,
        stiffness: int,
        N: Program | None = None,
        J: Program | None = None,
    ) -> None: ...

class Points:
    @staticmethod
    def log_time(N: int, tau: float) -> Points: ...
    @staticmethod
    def given(x: np.ndarray, quadrature: bool) -> Points: ...
    @property
    def x(self) -> np.ndarray: ...
    @property
    def weight(self) -> np.ndarray: ...

class FullSpace:
    class Member:
        def solve(self, y0: np.ndarray, forcing: np.ndarray) -> np.ndarray: ...

    def __init__(self, dictionary: Dictionary, points: Points, n: int, shared_head: bool, solver: str) -> None: ...
    def factor(self, A: np.ndarray, rows: np.ndarray | None = None) -> FullSpace.Member: ...

class Answer:
    @property
    def band(self) -> int: ...
    @property
    def within(self) -> bool: ...
    @property
    def certified(self) -> bool: ...
    @property
    def bound(self) -> np.ndarray: ...
    @property
    def converged(self) -> bool: ...
    @property
    def iterations(self) -> int: ...
    @property
    def last_step(self) -> float: ...
    @property
    def residual(self) -> float: ...

class OutputTable:
    @property
    def x(self) -> np.ndarray: ...

class Member:
    def __init__(
        self,
        model: Model,
        output: OutputTable,
        parameters: np.ndarray,
        forcings: list[np.ndarray],
        reduced: bool | None,
        certify: bool,
        rtol: float,
        atol: float,
    ) -> None: ...
    def solve(
        self, y0: object, amplitudes: object, out: object, further: np.ndarray | None = None
    ) -> tuple[Answer, np.ndarray, bool]: ...

Modes = tuple[np.ndarray, np.ndarray, np.ndarray]
Band = tuple[np.ndarray, np.ndarray, float, np.ndarray]

class Model:
    def __init__(
        self,
        family: Family,
        dictionary: Dictionary,
        points: Points,
        shared_head: bool,
        solver: str,
        decoupled: bool,
        uniform_checks: int,
        modes: Modes,
        bands: list[Band],
    ) -> None: ...
    def solve(
        self,
        params: dict[str, float],
        names: tuple[str, ...],
        y0: object,
        reduced: bool | None,
        certify: bool,
        rtol: float,
        atol: float,
        added: np.ndarray | None,
        x: np.ndarray | None,
    ) -> tuple[Answer, np.ndarray, bool]: ...
    def solve_many(
        self,
        output: OutputTable,
        count: int,
        parameters: np.ndarray,
        y0: np.ndarray,
        final: bool,
        maximum: bool,
        reduced: bool | None,
        certify: bool,
        rtol: float,
        atol: float,
        threads: int,
        out: object,
        progress: Callable[[int], None] | None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]: ...
    def certify_heads(self, parameters: np.ndarray, y0: object, heads: object) -> Answer: ...
    def evaluate(self, answer: Answer, x: np.ndarray) -> np.ndarray: ...
    def coefficients(self, answer: Answer) -> np.ndarray: ...
    @property
    def forcing_points(self) -> np.ndarray: ...
    def output_table(self, x: np.ndarray) -> OutputTable: ...
    @property
    def output(self) -> OutputTable: ...

class NonlinearModel:
    def __init__(
        self,
        family: Family,
        y0: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        bands: list[tuple[Any, ...]],
        uniform_checks: int,
    ) -> None: ...
    def solve(
        self,
        params: dict[str, float],
        names: tuple[str, ...],
        y0: object,
        certify: bool,
        rtol: float,
        atol: float,
        x: np.ndarray | None,
        extrapolate: bool,
    ) -> tuple[Answer, np.ndarray] | None: ...
    def solve_many(
        self,
        output: OutputTable,
        count: int,
        parameters: np.ndarray,
        y0: np.ndarray,
        final: bool,
        maximum: bool,
        certify: bool,
        rtol: float,
        atol: float,
        threads: int,
        out: object,
        progress: Callable[[int], None] | None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]: ...
    def evaluate(self, answer: Answer, x: np.ndarray) -> np.ndarray: ...
    def output_table(self, x: np.ndarray) -> OutputTable: ...
    @property
    def output(self) -> OutputTable: ...

def error_estimate(
    family: Family, parameters: np.ndarray, x: np.ndarray, y: np.ndarray, dy: np.ndarray, y0: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]: ...
def uniform_checks(family: Family) -> int: ...
def compile_forcing(family: Family, points: Points) -> Modes: ...
def compile_bands(
    model: Model, tolerance: float, max_rank: int, max_bands: int, progress: Callable[[float], None]
) -> tuple[list[Band], float]: ...
def plain_times(t: object, t0: float, t1: float) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]: ...
def scaled_times(t: np.ndarray, t0: float, t1: float) -> np.ndarray | None: ...
def radau_points(s: int) -> np.ndarray: ...

class Chains:
    def __init__(
        self,
        n: int,
        coordinates: list[tuple[int, bool, bool, float, float]],
        powers: np.ndarray,
        cells: list[tuple[np.ndarray, np.ndarray, bool, np.ndarray, np.ndarray | None, tuple[int, ...]]],
        tolerance: float,
        start: np.ndarray | None,
    ) -> None: ...

class Windowed:
    @property
    def finished(self) -> bool: ...
    @property
    def compiled(self) -> bool: ...
    @property
    def limited(self) -> bool: ...
    @property
    def through(self) -> int: ...
    @property
    def relative_error(self) -> float: ...
    @property
    def edges(self) -> np.ndarray: ...
    @property
    def error(self) -> np.ndarray: ...
    @property
    def largest(self) -> np.ndarray: ...
    @property
    def last(self) -> np.ndarray: ...
    @property
    def least(self) -> np.ndarray: ...
    @property
    def rejected(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def last_step(self) -> float: ...
    @property
    def residual(self) -> float: ...

class Windows:
    def __init__(
        self,
        family: Family,
        values: tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], Callable[[np.ndarray, np.ndarray], np.ndarray]]
        | None,
        stops: Program | None = None,
        start: Program | None = None,
    ) -> None: ...
    def parameters(self, params: dict[str, float], names: tuple[str, ...]) -> np.ndarray: ...
    def with_chains(self, chains: Chains) -> Windows: ...
    def compiled(
        self,
        parameters: np.ndarray,
        y0: np.ndarray,
        relative: float,
        floor: np.ndarray,
        estimate: bool,
        chains: Chains,
        positive: list[int] = ...,
        stops: np.ndarray | None = None,
        jumps: np.ndarray | None = None,
    ) -> tuple[Windowed, float, bool]: ...
    def segments(self, parameters: np.ndarray, stops: np.ndarray | None = None) -> np.ndarray: ...
    def solve(
        self,
        parameters: np.ndarray,
        y0: np.ndarray,
        begin: float,
        end: float,
        relative: float,
        floor: np.ndarray,
        first: float,
        estimate: bool,
        added: np.ndarray | Callable[[np.ndarray], np.ndarray] | tuple[np.ndarray, np.ndarray] | None = None,
        stops: np.ndarray | None = None,
        jumps: np.ndarray | None = None,
        inside: float = 0.0,
        positive: list[int] = ...,
        x: np.ndarray | None = None,
        once: bool = False,
    ) -> tuple[Windowed, float, bool, Any]: ...  # the last an array, or None without x
    def solve_plain(
        self,
        params: dict[str, float],
        names: tuple[str, ...],
        y0: Any,
        box: np.ndarray | None,
        t: Any,
        x: np.ndarray,
        t0: float,
        t1: float,
        rtol: Any,
        smallest: float,
        atol: Any,
        smallest_floor: float,
        first: float,
        estimate: Any,
        positive: list[int],
    ) -> tuple[Windowed, float, bool, np.ndarray, np.ndarray | None] | None: ...
    def solve_many(
        self,
        x: np.ndarray,
        count: int,
        parameters: np.ndarray,
        y0: np.ndarray,
        final: bool,
        maximum: bool,
        certify: bool,
        relative: float,
        floor: np.ndarray,
        first: float,
        stops: np.ndarray | None,
        jumps: np.ndarray | None,
        positive: list[int],
        threads: int,
        out: np.ndarray | None,
        progress: Callable[[int], None] | None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]: ...
    def evaluate(self, solution: Windowed, x: np.ndarray) -> np.ndarray: ...

class FieldMember:
    bands: list[int]

class FieldAnswer:
    estimate: np.ndarray | None
    within: bool

class FieldModel:
    def __init__(
        self,
        theta: Program,
        varying: list[int],
        low: np.ndarray,
        high: np.ndarray,
        mixing: np.ndarray,
        axes: list[tuple[bool, int]],
        weight: np.ndarray,
        time: np.ndarray,
        check_times: np.ndarray,
        check_spaces: int,
        groups: list[tuple[list[int], list[tuple[Any, ...]]]],
    ) -> None: ...
    def factor(self, parameters: object) -> FieldMember: ...
    def solve(
        self,
        member: FieldMember,
        data: object,
        table: FieldTable,
        estimate: bool,
        rtol: object,
        atol: object,
        out: object,
    ) -> tuple[FieldAnswer, np.ndarray]: ...
    def solve_many(
        self,
        table: FieldTable,
        parameters: np.ndarray,
        data: np.ndarray,
        estimate: bool,
        rtol: object,
        atol: object,
        threads: int,
        out: object,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]: ...
    def evaluate(self, answer: FieldAnswer, points: np.ndarray) -> np.ndarray: ...

class FieldTable:
    def __init__(self, model: FieldModel, z: np.ndarray, x: np.ndarray) -> None: ...
