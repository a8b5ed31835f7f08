"""Where public classes say that they live, which is where users and pickles find them."""

from __future__ import annotations

from typing import TypeVar

Class = TypeVar("Class", bound=type)


def public(cls: Class) -> Class:
    """A class of the package's own namespace: pickles name it so, wherever in the package it is written."""
    cls.__module__ = "stlfast"
    return cls
