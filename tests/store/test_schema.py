"""What the database may show: column by column the design's list "In clear", and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import LargeBinary

from store.database import Database
from store.schema import Base

IN_CLEAR = (
    "ids",
    "key generations",
    "public keys",
    "times",
    "status",
    "due dates and their kind",
    "padded sizes",
    "counts",
    "the keyed digests above",
    "account/folder/UID",
    "members' own addresses for notices",
)
"""The design's list, word by word."""

TEXT_IN_CLEAR = {
    "audit.action",
    "audit.record_kind",
    "case_file.status",
    "consent.action",
    "due.kind",
    "due.state",
    "key_pair.kind",
    "ledger.account",
    "ledger.done_folder",
    "ledger.folder",
    "ledger.state",
    "lookup.kind",
    "mailbox.account",
    "mailbox.folder",
    "mailbox_claim.account",
    "mailbox_look.account",
    "mailbox_recheck.account",
    "mailbox_claim.holder",
    "member.address",
    "message.state",
    "outbox.kind",
    "presence.doing",
    "outbox.state",
    "record.kind",
    "second_factor.kind",
}
"""Every column of words, apart from ids: whoever adds one must come by here and say why it betrays nothing."""

DESIGN = Path(__file__).parents[3] / "shared" / "DESIGN.md"
COLUMNS = [column for table in Base.metadata.sorted_tables for column in table.columns]


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_every_column_is_sealed_or_stands_on_the_list_of_what_is_in_clear(column: object) -> None:
    info = column.info  # type: ignore[attr-defined]
    assert info.get("sealed") is True or info.get("clear") in IN_CLEAR
    assert len(info) == 1


def test_a_sealed_column_holds_bytes() -> None:
    assert all(isinstance(column.type, LargeBinary) for column in COLUMNS if column.info.get("sealed"))


def test_words_in_clear_are_ids_states_and_places_only() -> None:
    wordy = {
        str(column)
        for column in COLUMNS
        if column.type.python_type is str and not column.name.endswith("id") and column.name not in ("desk", "slug")
    }
    assert (
        wordy
        - {
            "consent.asked_by",
            "consent.given_by",
            "key_pair.owner",
            "signing_key.owner",
            "record.signed_by",
            "outbox.claim",
            "due.claim",
            "ledger.duplicate_of",
        }
        == TEXT_IN_CLEAR
    )


@pytest.mark.skipif(not DESIGN.exists(), reason="the design document lies beside the project, and is not here")
def test_the_list_is_the_designs_own() -> None:
    line = next(line for line in DESIGN.read_text().splitlines() if line.startswith("- **In clear**"))
    stated = line.split(":", 1)[1].split(". ", 1)[0].strip()
    assert ", ".join(IN_CLEAR) == stated


def test_the_migrations_lead_to_the_schema_of_the_models(db: Database) -> None:
    with db._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_is_upgrading_once(db: Database) -> None:
    assert db.is_current()
    db.upgrade()
    assert db.is_current()
