"""Safetensors files: read with errors that say what is wrong, written so that an interrupted write loses nothing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import FileFormatError, MissingFileError


def read(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors and metadata of a safetensors file; MissingFileError or FileFormatError (both ValueError) otherwise."""
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise MissingFileError(f"there is no file {os.fspath(path)!r}")
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise FileFormatError(
            f"{os.fspath(path)!r} is not a complete safetensors file ({error}); write it again or fetch a fresh copy"
        ) from error


def write(path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, whole or not at all."""
    from safetensors.numpy import save

    data = save({name: np.ascontiguousarray(array) for name, array in tensors.items()}, dict(metadata))
    write_whole(path, _ordered(data))


def _ordered(data: bytes) -> bytes:
    """The same file with its metadata in alphabetical order, so that equal contents are equal bytes."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors stay aligned
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write to a temporary file beside `path`, flush it to disk, then rename it over `path` in one step."""
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files that only their owner can read
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def parse_json(metadata: Mapping[str, str], key: str, where: str) -> Any:
    """The JSON value of a metadata entry; FileFormatError where it is missing or no JSON."""
    if key not in metadata:
        raise FileFormatError(f"{where}: the metadata entry {key!r} is missing (found: {sorted(metadata)})")
    try:
        return json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{where}: the metadata entry {key!r} is not valid JSON ({error})") from error
