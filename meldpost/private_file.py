"""Writes a file that holds what people reported: readable to its owner alone, whole or not there."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


class CannotWrite(Exception):
    """The file cannot be written; says why."""


def write_private(path: Path, pieces: Iterable[str | bytes]) -> None:
    """Put these pieces into the place of a file, or make it, with mode 0600. Raises CannotWrite."""
    if path.exists() and not path.is_file():
        raise CannotWrite(f"{path} is not a file that can be written.")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}.") from error
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(each if isinstance(each, bytes) else each.encode(errors="replace") for each in pieces)
        beside.replace(path)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        beside.unlink(missing_ok=True)
