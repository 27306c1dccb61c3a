"""Texts of the desk's own that letters begin from, by purpose and language: sealed to the desk, signed by their writer.

Each change is a further version, and so is the way back to the text that Meldpost comes with: none is ever lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cases.letters import Purpose
from cases.roles import May
from store import records
from store.keyring import KeyRing, PublicPair
from store.records import CANNOT_OPEN, Name, RecordKind, WrittenAtOnce


class TextChanged(Exception):
    """Another wrote this text meanwhile."""


@dataclass(frozen=True)
class Version:
    """One version of a text. `text` is None where it was put back to the one that Meldpost comes with."""

    number: int
    text: str | None
    written_at: datetime
    author_id: str | None


def texts(session: Session, ring: KeyRing) -> Mapping[tuple[Purpose, str], str]:
    """The texts of its own that the desk uses now, without those that this member cannot open."""
    found = records.all_of_desk(session, ring, RecordKind.LETTER_TEXT).values()
    return {
        (Purpose(content["purpose"]), content["language"]): content["text"]
        for content in found
        if content["text"] is not None and content["purpose"] in set(Purpose)
    }


def text_of(session: Session, ring: KeyRing, purpose: Purpose, language: str) -> str | None:
    """The desk's own text; None where it has none, or not one that this member can open."""
    try:
        content, _ = records.opened_json_or_none(session, ring, _name(ring, purpose, language))
    except CANNOT_OPEN:
        return None
    return None if content is None else content["text"]


def versions(session: Session, ring: KeyRing, purpose: Purpose, language: str) -> tuple[Version, ...]:
    """All versions of a text, newest first."""
    found = records.history(session, ring, _name(ring, purpose, language))
    return tuple(
        Version(each.version, each.content["text"], datetime.fromisoformat(each.content["at"]), each.author_id)
        for each in reversed(found)
    )


def newest(session: Session, ring: KeyRing, purpose: Purpose, language: str) -> int:
    """The number of the newest version; 0 where the text was never changed."""
    return records.newest_version(session, ring.desk, _name(ring, purpose, language))


def keep(
    session: Session,
    ring: KeyRing,
    to_desk: PublicPair,
    purpose: Purpose,
    language: str,
    text: str | None,
    *,
    seen: int,
    now: datetime,
) -> None:
    """Write the version after the one that its writer saw; None puts the text back. Raises NotAllowed, TextChanged."""
    ring.require(May.SET_TEXTS)
    name = _name(ring, purpose, language)
    if records.newest_version(session, ring.desk, name) != seen:
        raise TextChanged
    content: Mapping[str, Any] = {"purpose": purpose, "language": language, "text": text, "at": now.isoformat()}
    try:
        records.write_json(session, name, content, to_desk, now, version=seen + 1, by=ring.author)
    except WrittenAtOnce:
        raise TextChanged from None


def _name(ring: KeyRing, purpose: Purpose, language: str) -> Name:
    subject = hashlib.sha256(f"letter text of {ring.desk}: {purpose}, {language}".encode()).hexdigest()[:32]
    return Name(None, subject, RecordKind.LETTER_TEXT)
