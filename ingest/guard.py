"""One bad field or part must not cost the whole mail: a step that fails leaves a defect, and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ingest.errors import CannotParse

T = TypeVar("T")


def guarded(what: str, defects: list[str], otherwise: T, step: Callable[[], T]) -> T:
    """What `step` gives, or `otherwise` with a note where it fails in whatever way a library fails on bad mail.

    What is beyond the limits stays so: CannotParse and MemoryError pass through.
    """
    try:
        return step()
    except (CannotParse, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - the libraries raise anything from IndexError to HeaderParseError
        defects.append(f"{what}: not understood")
        return otherwise
