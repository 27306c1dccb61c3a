"""What intake writes: to which keys, all or nothing, and with nothing at hand that opens it."""

from __future__ import annotations

import hashlib
import os
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from store import ledger, records
from store.casework import download_attachment, download_raw, view_case
from store.intake import NoSuchCase, add_message
from store.keypairs import KeyKind, PrivateKey
from store.keyring import KeyRing, NoSuchKey
from store.ledger import AlreadyTakenIn, MailPlace
from store.lookups import knows_address, message_with_id
from store.records import Name, RecordKind
from store.schema import Audit, Base, CaseFile, KeyPair, Message, Record, SealedSeed
from tests.store.world import INDEX, NOW, World, attachment, mail, new_case

TO_IDENTITY = {"raw", "message", "attachment", "contact", "outgoing"}
TO_CASE = {"report", "masked", "card"}


def test_what_tells_who_reported_is_sealed_to_the_identity_key_and_the_rest_to_the_case_key(world: World) -> None:
    taken = world.open_case()
    world.enqueue(case_id=taken.case_id, copy={"kind": "receipt", "subject": "s", "text": "t", "to": "a"})
    with world.db.read() as session:
        rows = session.execute(
            select(Record.kind, KeyPair.kind)
            .join(KeyPair, KeyPair.id == Record.key_pair_id)
            .where(Record.case_id == taken.case_id)
        ).all()
    assert {kind for kind, to in rows if to == KeyKind.IDENTITY} == TO_IDENTITY
    assert {kind for kind, to in rows if to == KeyKind.CASE} == TO_CASE


def test_a_case_has_two_key_pairs_whose_seeds_are_sealed_to_the_desk_and_the_recovery_key_only(world: World) -> None:
    taken = world.open_case()
    with world.db.read() as session:
        own = session.scalars(select(KeyPair).where(KeyPair.owner == taken.case_id)).all()
        sealed = session.execute(
            select(SealedSeed.key_pair_id, SealedSeed.recipient_key_pair_id).where(
                SealedSeed.key_pair_id.in_([row.id for row in own])
            )
        ).all()
    assert {row.kind for row in own} == {"case", "identity"}
    expected = {(row.id, to) for row in own for to in (world.keys.to_desk.id, world.keys.recovery.id)}
    assert {tuple(row) for row in sealed} == expected


def test_the_recovery_key_opens_a_case_by_itself(world: World) -> None:
    taken = world.open_case()
    recovery = PrivateKey.from_seed(world.fresh.recovery_seed)
    ring = KeyRing("", world.ring.desk, "", {world.keys.recovery.id: recovery})
    with world.db.read() as session:
        name = Name(taken.case_id, taken.message_id, RecordKind.MESSAGE)
        assert records.opened_json(session, ring, name)["text"] == "Zwanenzang in de kantine."


def test_what_the_daemon_holds_opens_nothing(world: World) -> None:
    taken = world.open_case()
    ring = KeyRing("", world.ring.desk, "", {world.keys.mailer.id: world.mailer})
    with world.db.read() as session, pytest.raises(NoSuchKey):
        records.opened(session, ring, Name(taken.case_id, taken.message_id, RecordKind.RAW))


def test_a_member_reads_what_was_taken_in(world: World) -> None:
    taken = world.open_case()
    with world.db.begin() as session:
        view = view_case(session, world.ring, taken.case_id, NOW)
    (message,) = view.messages
    assert message.content["subject"] == "Zwanenzang"
    assert view.reference == "AAAAA-BBBBB"
    assert view.contact["email"] == "sanne@thuis.example"
    assert view.report["primary"] == "pesten"
    with download_raw(world.db, world.ring, taken.case_id, message.id, NOW) as raw:
        assert b"".join(raw.chunks) == b"".join(mail().raw())
    about = message.content["attachments"][0]
    with download_attachment(world.db, world.ring, taken.case_id, about["id"], NOW) as file:
        assert (file.name, b"".join(file.chunks)) == ("zwanenzang.pdf", b"%PDF zwanenzang")


def test_a_mail_that_cannot_be_read_is_kept_whole(world: World) -> None:
    raw = b"\x00\xff" * 40_000
    unread = mail(
        state="unreadable",
        raw=lambda: iter([raw]),
        content={},
        contact={},
        report={},
        masked_text="",
        attachments=[],
        message_ids=[],
        sender=None,
    )
    taken = world.open_case(unread)
    with download_raw(world.db, world.ring, taken.case_id, taken.message_id, NOW) as kept:
        assert b"".join(kept.chunks) == raw
    with world.db.begin() as session:
        assert view_case(session, world.ring, taken.case_id, NOW).messages[0].state == "unreadable"


def test_a_later_mail_needs_public_keys_only_and_goes_to_the_same_case(world: World) -> None:
    taken = world.open_case()
    with world.db.begin() as session:
        again = add_message(
            session, world.keys, INDEX, taken.case_id, mail(message_ids=["<two@x>"]), sender_is_new=False, now=NOW
        )
    assert again.case_id == taken.case_id
    with world.db.begin() as session:
        assert len(view_case(session, world.ring, taken.case_id, NOW).messages) == 2
        assert (
            session.scalars(select(func.count()).select_from(KeyPair).where(KeyPair.owner == taken.case_id)).one() == 2
        )


def test_a_sender_who_is_new_to_a_case_is_marked_and_stays_unknown_to_it(world: World) -> None:
    taken = world.open_case()
    stranger = mail(sender="vreemd@elders.example", contact={"name": "Vreemd"}, report={"missing": []})
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, taken.case_id, stranger, sender_is_new=True, now=NOW)
    with world.db.begin() as session:
        view = view_case(session, world.ring, taken.case_id, NOW)
        assert [message.sender_is_new for message in view.messages] == [False, True]
        assert view.report["missing"] == ["address", "phone"]
        digest = INDEX.address(taken.case_id, "vreemd@elders.example")
        assert not knows_address(session, world.ring.desk, taken.case_id, digest)
        known = INDEX.address(taken.case_id, "Sanne@thuis.example ")
        assert knows_address(session, world.ring.desk, taken.case_id, known)


def test_a_mail_for_a_case_that_is_gone_is_told_so(world: World) -> None:
    with world.db.begin() as session, pytest.raises(NoSuchCase):
        add_message(session, world.keys, INDEX, "0" * 32, mail(), sender_is_new=False, now=NOW)


def test_a_message_is_found_by_any_message_id_it_has_or_refers_to(world: World) -> None:
    taken = world.open_case(mail(message_ids=["<one@x>", "<zero@x>", ""]))
    with world.db.read() as session:
        for known in ("<one@x>", " <zero@x>"):
            found = message_with_id(session, world.ring.desk, INDEX.message_id(known))
            assert found is not None
            assert found.message_id == taken.message_id
        assert message_with_id(session, world.ring.desk, INDEX.message_id("")) is None


def test_two_cases_cannot_have_one_reference(world: World) -> None:
    world.open_case()
    with pytest.raises(IntegrityError):
        world.open_case()


def test_who_loses_the_race_for_a_mail_leaves_nothing_behind(world: World) -> None:
    place = MailPlace("post", "INBOX", 1, 7)
    entry = ledger.begin_attempt(world.db, world.ring.desk, place)
    digests = {"raw_digest": b"r" * 32, "stable_digest": b"s" * 32}

    def take_in(reference: str) -> None:
        with world.db.begin() as session:
            taken = new_case(session, world.keys, reference=reference)
            ledger.settle(session, entry.id, **digests, case_id=taken.case_id, message_id=taken.message_id)

    take_in("AAAAA-AAAAA")
    before = _counts(world)
    with pytest.raises(AlreadyTakenIn):
        take_in("BBBBB-BBBBB")
    assert _counts(world) == before


@pytest.mark.parametrize("same", ["raw_digest", "stable_digest"])
def test_the_same_mail_from_another_place_of_the_account_is_no_second_case(world: World, same: str) -> None:
    first = ledger.begin_attempt(world.db, world.ring.desk, MailPlace("post", "INBOX", 1, 7))
    second = ledger.begin_attempt(world.db, world.ring.desk, MailPlace("post", "INBOX", 2, 9))
    digests = {"raw_digest": b"r" * 32, "stable_digest": b"s" * 32}
    with world.db.begin() as session:
        taken = new_case(session, world.keys)
        ledger.settle(session, first.id, **digests, case_id=taken.case_id, message_id=taken.message_id)
    before = _counts(world)
    other = {name: value if name == same else b"o" * 32 for name, value in digests.items()}

    def take_in_again() -> None:
        with world.db.begin() as session:
            copy = new_case(session, world.keys, reference="CCCCC-CCCCC")
            ledger.settle(session, second.id, **other, case_id=copy.case_id, message_id=copy.message_id)

    with pytest.raises(AlreadyTakenIn):
        take_in_again()
    assert _counts(world) == before
    with world.db.begin() as session:
        found = ledger.find_by_digest(session, "post", **other)
        assert found is not None
        ledger.settle_duplicate(session, second.id, found.id)
    with world.db.read() as session:
        entry = ledger.find(session, second.place)
        assert entry is not None
        assert (entry.state, entry.case_id) == (ledger.State.DUPLICATE, taken.case_id)


def test_the_same_mail_in_two_accounts_is_a_case_of_each(world: World) -> None:
    for account, reference in (("post", "AAAAA-AAAAA"), ("tweede", "BBBBB-BBBBB")):
        entry = ledger.begin_attempt(world.db, world.ring.desk, MailPlace(account, "INBOX", 1, 7))
        with world.db.begin() as session:
            taken = new_case(session, world.keys, reference=reference)
            ledger.settle(
                session,
                entry.id,
                raw_digest=b"r" * 32,
                stable_digest=b"s" * 32,
                case_id=taken.case_id,
                message_id=taken.message_id,
            )
    with world.db.read() as session:
        assert session.scalars(select(func.count()).select_from(CaseFile)).one() == 2


def test_a_large_attachment_is_sealed_and_opened_in_constant_memory(world: World) -> None:
    block = os.urandom(64 * 1024)
    size = 24 * 1024 * 1024

    def blocks() -> Iterator[bytes]:
        return (block for _ in range(size // len(block)))

    tracemalloc.start()
    taken = world.open_case(mail(attachments=[attachment(blocks)]))
    _, writing = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    with world.db.begin() as session:
        view = view_case(session, world.ring, taken.case_id, NOW)
    about = view.messages[0].content["attachments"][0]
    digest, read = hashlib.sha256(), 0
    with download_attachment(world.db, world.ring, taken.case_id, about["id"], NOW) as file:
        for chunk in file.chunks:
            digest.update(chunk)
            read += len(chunk)
    _, reading = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == size
    assert digest.digest() == hashlib.sha256(b"".join(blocks())).digest()
    assert max(writing, reading) < 12 * 1024 * 1024


def test_the_trail_holds_the_digest_of_every_sealed_record(world: World) -> None:
    world.open_case(mail(attachments=[attachment(lambda: iter([os.urandom(3 * 1024 * 1024)]))]))
    with world.db.read() as session:
        for row in session.scalars(select(Record)):
            pieces = [row.frame] if row.frame is not None else list(records._pieces(session, row.id))
            assert hashlib.sha256(b"".join(pieces)).digest() == row.sha256
            named = (Audit.subject_id == row.subject_id, Audit.record_kind == row.kind)
            assert session.scalars(select(Audit.sha256).where(*named)).one() == row.sha256


def test_nothing_readable_rests_in_the_database_files(world: World, tmp_path: Path) -> None:
    if world.db.dialect != "sqlite":
        pytest.skip("looks into SQLite's files")
    taken = world.open_case()
    world.enqueue(case_id=taken.case_id, copy={"kind": "receipt", "subject": "s", "text": "Zwanenzang", "to": "a"})
    with world.db.begin() as session:
        view_case(session, world.ring, taken.case_id, NOW)
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert any(name.endswith("-wal") for name in found), "the test must see the log that is still open"
    marked = (
        "zwanenzang",
        "sanne",
        "vogel",
        "thuis.example",
        "dijkgraaf",
        "AAAAA-BBBBB",
        "pesten",
        "melding",
        "token@",
    )
    for name, content in found.items():
        for word in marked:
            for encoding in ("utf-8", "utf-16-le"):
                pattern = re.compile(re.escape(word.encode(encoding)), re.IGNORECASE)
                assert not pattern.search(content), f"{word!r} stands in {name}"
    assert b"integriteit" in found["meldpost.db"] + found["meldpost.db-wal"], "the scan must be able to find something"


def _counts(world: World) -> dict[str, int]:
    with world.db.read() as session:
        tables = [table for table in Base.metadata.sorted_tables if table.name != "ledger"]
        return {table.name: session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}


def test_a_message_and_its_case_are_there_together_or_not_at_all(world: World) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half of it"
        raise OSError("the line dropped")

    before = _counts(world)
    with pytest.raises(OSError, match="line dropped"):
        world.open_case(mail(attachments=[attachment(broken)]))
    assert _counts(world) == before
    with world.db.read() as session:
        assert session.scalars(select(Message.id)).all() == []
