"""Which build of the compiled core this process uses.

There is one for every processor, "baseline", and on x86-64 one for those with AVX2 and FMA, "x86-64-v3". The best that
the processor runs is taken when stlfast is imported; the environment variable STLFAST_ISA, if set, names another.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ._cpu import BUILDS, RUNS

NEEDS = {"baseline": "nothing", "x86-64-v3": "AVX2 and FMA"}


def choose(wanted: str, builds: Sequence[str], runs: Sequence[str]) -> str:
    """The build `wanted`, or where that is empty the last, fastest, of `runs`; ImportError if it cannot be had."""
    if not wanted:
        return runs[-1]
    if wanted in runs:
        return wanted
    if wanted in builds:
        problem = f"needs a processor with {NEEDS[wanted]}, which this one does not have"
    elif wanted in NEEDS:
        problem = "is not in this installation, which was built for another kind of processor or by another compiler"
    else:
        problem = f"is unknown; known: {', '.join(NEEDS)}"
    raise ImportError(
        f"the environment variable STLFAST_ISA is {wanted!r}, which {problem}. This processor and installation have "
        f"{', '.join(runs)}: set one of these, or unset it for the fastest"
    )


_CHOSEN = choose(os.environ.get("STLFAST_ISA", ""), BUILDS, RUNS)


def isa() -> str:
    """The instruction set that the compiled core in use was built for: "baseline" or "x86-64-v3".

    It is the best that the processor has, or what the environment variable STLFAST_ISA said when stlfast was imported.
    Results of both agree to 1e-10 relative.
    """
    return _CHOSEN
