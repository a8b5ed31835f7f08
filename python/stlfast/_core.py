"""The compiled core: the names of the extension that was built for this processor."""

from importlib import import_module

from ._isa import isa

_EXTENSIONS = {"baseline": "_core_baseline", "x86-64-v3": "_core_v3"}

_extension = import_module(f".{_EXTENSIONS[isa()]}", __package__)
__version__ = _extension.__version__
globals().update({name: value for name, value in vars(_extension).items() if not name.startswith("_")})
