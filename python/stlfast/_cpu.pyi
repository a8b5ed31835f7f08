"""Names of builds of the compiled core, slowest first."""

BUILDS: tuple[str, ...]  # those that this package has
RUNS: tuple[str, ...]  # those of them that this processor runs
