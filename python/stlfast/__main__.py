"""`python -m stlfast` is the command `stlfast`."""

from .command.app import app

app(prog_name="stlfast")
