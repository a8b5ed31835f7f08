"""Exceptions that are more specific than the built-in ones they derive from."""

from __future__ import annotations

from .names import public


@public
class ParameterError(KeyError, ValueError):
    """A parameter that is unknown, missing, not a finite number, or outside the range that the family is solved on."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the repr of its message


@public
class UnknownModelError(ParameterError):
    """A name under which no model is shipped."""


@public
class FileFormatError(ValueError):
    """A file that is not safetensors, truncated, of a newer version, or with missing, unknown or broken contents."""


@public
class MissingFileError(FileFormatError, FileNotFoundError):
    """A file that does not exist."""


@public
class TrainingDiverged(RuntimeError):
    """The training loss became NaN or infinite."""
