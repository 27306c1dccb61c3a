"""The doctor says what of the signing keys is not pinned, not written yet, or not what it was."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import delete, update

from config.settings import load
from meldpost.findings import Finding, Verdict
from meldpost.init import Made
from meldpost.signing_examined import signing
from store import certificates
from store.database import open_database
from store.keypairs import KeyKind, generate
from store.keyring import pins_of
from store.members import complete_signing_keys, unlock
from store.schema import KeyPair, PublicSigningKey, new_id
from tests.meldpost.plans import PASSPHRASE

WHAT = "signing key of desk-a"


def found(made: Made) -> dict[str, Finding]:
    return {finding.what: finding for finding in signing(load(made.config))}


def change(made: Made, *statements: object) -> None:
    database = open_database(load(made.config).database.url)
    with database.begin() as session:
        for statement in statements:
            session.execute(statement)  # type: ignore[call-overload]
    database.close()


def unpin(made: Made) -> str:
    """As a configuration of before has it; gives the line that was there."""
    text = made.config.read_text()
    line = re.search(r'^signing_key = ".*"$', text, re.MULTILINE)
    assert line
    made.config.write_text(text.replace(line[0], ""))
    return line[0]


def log_in(made: Made) -> None:
    settings = load(made.config)
    pins, database = pins_of(settings.desks["desk-a"]), open_database(settings.database.url)
    with database.begin() as session:
        secret = settings.secrets().key("passphrase-secret-desk-a")
        ring = unlock(session, "desk-a", "co", PASSPHRASE, secret, pins=pins)
        complete_signing_keys(session, ring, pins, datetime.now(UTC))
    database.close()


def test_of_what_init_made_everything_is_pinned_and_signed(made: Made) -> None:
    assert [(each.what, each.verdict) for each in found(made).values()] == [(WHAT, Verdict.FINE)]


def test_what_is_not_pinned_yet_is_told_with_the_line_to_write(made: Made) -> None:
    line = unpin(made)
    assert found(made)[WHAT].verdict is Verdict.NOTE
    assert line in found(made)[WHAT].text
    change(made, delete(PublicSigningKey))
    assert "when a member who opens the desk logs in" in found(made)[WHAT].text
    log_in(made)
    assert line in found(made)[WHAT].text


def test_a_key_that_does_not_stand_with_the_pinned_public_key_is_not_offered(made: Made) -> None:
    line = unpin(made)
    change(made, update(KeyPair).where(KeyPair.kind == KeyKind.DESK).values(public=generate().public.to_bytes()))
    assert line not in found(made)[WHAT].text


def test_a_pinned_key_that_is_not_in_the_database_is_wrong(made: Made) -> None:
    change(made, delete(PublicSigningKey).where(PublicSigningKey.owner == ""))
    assert found(made)[WHAT].verdict is Verdict.WRONG


def test_members_who_sign_nothing_yet_are_counted(made: Made) -> None:
    change(made, delete(PublicSigningKey).where(PublicSigningKey.owner != ""))
    assert "1 of the members" in found(made)["signatures of desk-a"].text
    log_in(made)
    assert "signatures of desk-a" not in found(made)


def test_a_newer_key_of_the_desk_is_to_be_pinned_when_it_is_certified_and_wrong_when_not(made: Made) -> None:
    settings = load(made.config)
    pins, database = pins_of(settings.desks["desk-a"]), open_database(settings.database.url)
    with database.begin() as session:
        secret = settings.secrets().key("passphrase-secret-desk-a")
        ring = unlock(session, "desk-a", "co", PASSPHRASE, secret, pins=pins)
        old = next(private for private in ring.privates.values() if private.public == pins.to_desk)
        before, fresh, stranger = ring.chain(session), generate(), generate()
        for number, private in ((2, fresh), (3, stranger)):
            row = {"desk": "desk-a", "owner": "", "kind": KeyKind.DESK, "generation": number}
            session.add(KeyPair(id=new_id(), public=private.public.to_bytes(), created_at=datetime.now(UTC), **row))
        session.flush()
        certificates.certify_next(session, before, fresh, 2, old)
    assert found(made)[WHAT].verdict is Verdict.NOTE
    assert "pin the new ones" in found(made)[WHAT].text
    with database.begin() as session:
        certificates.certify_next(session, before, stranger, 3, stranger)
    database.close()
    assert found(made)[WHAT].verdict is Verdict.WRONG
