"""The manifest of a backup: what it consists of, with proofs by the desks' index keys.

It lies where others may write, so nothing in it counts before it was looked at piece by piece, and its proof after.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from store.copies import BackupError

FORMAT = 1


@dataclass(frozen=True)
class Part:
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup consists of. `proofs` are digests of all else under each desk's index key. `pins`: the public keys
    that the configuration pinned for each desk; none in a backup of before they were kept."""

    made_at: str
    schema: str
    cases: int
    content: Part
    keys: Part
    proofs: Mapping[str, str]
    pins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    format: int = FORMAT

    def stated(self) -> bytes:
        """What the proofs are about."""
        without = {"proofs"} if self.pins else {"proofs", "pins"}
        told = {name: value for name, value in asdict(self).items() if name not in without}
        return json.dumps(told, sort_keys=True).encode()

    def written(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def read(path: Path) -> Manifest:
    """Raises BackupError for whatever is none."""
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}. Without it there is no backup.") from None
    except (ValueError, RecursionError):
        found = None
    manifest = _manifest_of(found)
    if manifest is None:
        raise BackupError(
            f"{path} is no manifest of a backup: it is damaged, or was changed. Take it out of the folder, or put back "
            "the one that was written."
        )
    if manifest.format != FORMAT:
        raise BackupError(f"{path} is of another version of Meldpost.")
    return manifest


def _manifest_of(found: Any) -> Manifest | None:
    try:
        manifest = Manifest(**{**found, **{name: Part(**found[name]) for name in ("content", "keys")}})
        moment = datetime.fromisoformat(manifest.made_at)
    except (ValueError, KeyError, TypeError):
        return None
    parts = (manifest.content, manifest.keys)
    texts = [manifest.schema, *(text for part in parts for text in (part.name, part.sha256))]
    numbers = [manifest.cases, manifest.format, *(part.size for part in parts)]
    fits = (
        moment.tzinfo is not None
        and all(isinstance(text, str) for text in texts)
        and all(type(number) is int for number in numbers)
        and _is_of_texts(manifest.proofs)
        and isinstance(manifest.pins, dict)
        and all(_is_of_texts(pins) for pins in manifest.pins.values())
    )
    return manifest if fits else None


def _is_of_texts(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(text, str) and text.isascii() for text in found.values())
