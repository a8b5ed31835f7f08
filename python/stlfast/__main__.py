"""`python -m stlfast` is the command `stlfast`."""

from .cli import app

app(prog_name="stlfast")
