"""What a backup needs of a database, whichever it is: taken apart into content and keys, and put together again.

The content file holds all that is sealed, and none of the keys; the key file holds whatever opens by a key that lies
elsewhere: sealed and wrapped seeds, and what is sealed to the mailer. A table that nobody sorted goes with the keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from store.ledger import Tombstone

OF_CONTENT = frozenset(
    {
        *("alembic_version", "desk", "key_pair", "signing_key", "case_file", "message", "attachment"),
        *(
            "record",
            "record_piece",
            "ledger",
            "mailbox",
            "mailbox_look",
            "mailbox_recheck",
            "lookup",
            "due",
            "mail_cap",
        ),
        *("legal_hold", "destruction", "backup", "audit", "audit_checkpoint", "audit_covered"),
    }
)
LEFT_OUT = frozenset(
    {
        *("session", "held_login", "login_attempt", "passkey_challenge", "mailbox_claim", "presence"),  # of the moment
        *("segment", "segment_piece", "segment_case"),  # made anew
    }
)


class BackupError(Exception):
    """No backup was made, or nothing was restored; the message says why and what to do."""


@dataclass(frozen=True)
class Destroyed:
    """What no restore may bring back: cases, with the desk of each, and their mails."""

    cases: Mapping[str, str] = field(default_factory=dict)
    mails: frozenset[Tombstone] = frozenset()

    def __or__(self, other: Destroyed) -> Destroyed:
        return Destroyed({**self.cases, **other.cases}, self.mails | other.mails)


OF_CASES = "SELECT case_id, desk FROM destruction"
OF_MAILS = (
    "SELECT ledger.desk, account, ledger.case_id, raw_digest, stable_digest FROM ledger "
    "JOIN destruction ON destruction.case_id = ledger.case_id "
    "WHERE raw_digest IS NOT NULL AND stable_digest IS NOT NULL"
)


def destroyed_of(cases: Iterable[Sequence[Any]], mails: Iterable[Sequence[Any]]) -> Destroyed:
    """From the rows that the two queries give."""
    return Destroyed(
        {row[0]: row[1] for row in cases},
        frozenset(Tombstone(row[0], row[1], row[2], bytes(row[3]), bytes(row[4])) for row in mails),
    )


@dataclass(frozen=True)
class Taken:
    """What the copy is of. `destroyed`: what was by then."""

    schema: str
    cases: int
    destroyed: Destroyed


class Copies(Protocol):
    """One database. All but `destroyed` and `discard` raise BackupError."""

    def take(self, content: Path, keys: Path) -> Taken:
        """Write both files, of one moment, while everything runs. They are there already, empty and private."""

    def is_elsewhere(self, folder: Path) -> bool:
        """Does this folder lie on another disk than the database, as far as that can be told?"""

    def prove(self, file: Path) -> None:
        """Is this a whole file of this kind of database?"""

    def rows(self, file: Path, table: str) -> Iterator[Mapping[str, Any]]:
        """The rows of a table in one of the two files, column by column: bytes are bytes, and on PostgreSQL all else
        is text. No table, no rows."""

    def is_there(self) -> bool:
        """Is there a database, in the place of which a restored one would come?"""

    def destroyed(self) -> Destroyed:
        """What is destroyed in the database that is there; nothing where it cannot be read, which may be why somebody
        restores."""

    def put_together(self, content: Path, keys: Path) -> str:
        """Make one database of both files, beside the one that is there; gives its URL. `put_in_place` does the
        rest."""

    def put_in_place(self, now: datetime) -> str | None:
        """Make it the database; gives where the one before it is now, if there was one."""

    def put_aside(self) -> list[str]:
        """What restores put aside and nobody removed yet."""

    def half_restored(self) -> list[str]:
        """What a restore that was killed left, keys and all; the next one removes it."""

    def discard(self) -> None:
        """Leave nothing of what was put together."""
