"""The functions that solutions are expanded in: those of a frozen body, dilated, or Chebyshev polynomials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .body import Body

if TYPE_CHECKING:
    from .. import _core

ROW_WEIGHTS = ("sqrt_t", "none")
MOST_FUNCTIONS = 4096  # Chebyshev polynomials in a dictionary


@dataclass(frozen=True)
class Dictionary:
    """The functions solutions are expanded in.

    Chebyshev polynomials of degree below `functions` in log time with knee tau where that is set, else the body's
    features at the dilations, with the constant 1 first.
    """

    dilations: tuple[float, ...] = ()
    constant: bool = True
    functions: int | None = None
    tau: float | None = None

    def core(self, body: Body | None) -> _core.Dictionary:
        from .. import _core

        if self.functions is not None:
            return _core.Dictionary.chebyshev(self.functions, "log", self.tau or 1.0)
        if body is None:
            raise ValueError("a dictionary of features needs a body")
        layers = _core.Body(list(body.weights), list(body.biases), body.activation, body.input, body.tau)
        return _core.Dictionary.from_body(layers, list(self.dilations), self.constant)

    @classmethod
    def from_dict(cls, entry: Any) -> Dictionary:
        """The dictionary of a model file's options; ValueError for one that compile does not make."""
        if not isinstance(entry, dict) or entry.keys() != {"dilations", "constant", "functions", "tau"}:
            raise ValueError("the dictionary must be a JSON object of dilations, constant, functions and tau")
        functions, tau = entry["functions"], entry["tau"]
        polynomial = type(functions) is int and 1 <= functions <= MOST_FUNCTIONS and type(tau) is float and tau > 0
        if type(entry["constant"]) is not bool or not (polynomial or (functions is None and tau is None)):
            raise ValueError(f"the dictionary is not one that compile makes: {str(entry)[:200]}")
        return cls(tuple(float(k) for k in entry["dilations"]), entry["constant"], functions, tau)
