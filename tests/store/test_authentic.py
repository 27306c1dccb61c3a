"""What counts as written by Meldpost, and by whom; and that nobody who writes to the database alone adds to it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from cases.roles import Role
from store import audit, certificates, changes, keyring, members, models, records
from store.authentic import NotGenuine, Standing, Written, signed
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import KeyRing, PublicPair, newest_proven
from store.records import Name, Opened, RecordKind
from store.schema import Audit, KeyPair, Member, PublicSigningKey, Record, RecordPiece, SealedSeed, new_id
from store.sealing import Context, seal
from store.signing import DESK, Author, Signer, SigningKey
from tests.store.test_certificates import forge_member, rotate
from tests.store.world import FAST, INDEX, NOW, PASSPHRASE, SECRET, World, attachment, mail

LATER = NOW + timedelta(days=1)
DECIDED = {"severity": "hoog"}


def case_pair(session: Session, world: World, case_id: str) -> PublicPair:
    return newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, case_id)


def note(world: World, case_id: str, text: str = "Gebeld.", ring: KeyRing | None = None) -> Name:
    with world.db.begin() as session:
        note_id = changes.add_note(session, ring or world.ring, INDEX, case_id, text, LATER)
    return Name(case_id, note_id, RecordKind.NOTE)


def decide(world: World, case_id: str, version: int = 1, **decided: Any) -> Name:
    with world.db.begin() as session:
        changes.decide(
            *(session, world.ring, INDEX, case_id, decided or DECIDED), version=version, now=LATER + timedelta(hours=1)
        )
    return Name(case_id, case_id, RecordKind.DECISIONS)


def seen(world: World, name: Name, ring: KeyRing | None = None) -> Opened:
    with world.db.read() as session:
        found = records.marked(session, ring or world.ring, name)
    assert found is not None
    return found


def row_of(session: Session, name: Name) -> Record:
    return records._newest(session, "integriteit", name)


def refused(world: World, name: Name) -> None:
    """It is shown as what it is, and whoever asks for what counts does not get it."""
    assert seen(world, name).standing is Standing.FOREIGN
    with world.db.read() as session:
        with pytest.raises(NotGenuine):
            records.opened_json(session, world.ring, name)
        with pytest.raises(NotGenuine):
            records.opened_json_or_none(session, world.ring, name)
        assert records.opened_of_subjects(session, world.ring, [name.subject_id], name.kind) == {}
        if name.case_id is not None:
            assert records.opened_of_case(session, world.ring, name.case_id, name.kind)[name.subject_id] is None


def forge(
    session: Session,
    name: Name,
    content: dict[str, Any],
    to: PublicPair,
    *,
    version: int = 1,
    inside: Author | None = None,
    outside: Author | None = None,
    on_the_trail: bool = True,
    member_id: str | None = None,
    created_at: datetime = LATER,
) -> None:
    """A record that somebody seals who has public keys and the database; with signatures of who lends them a key."""
    written = Written(to.desk, name.case_id, name.subject_id, name.kind, version, created_at)
    context = Context(to.desk, name.case_id or "", name.kind, name.subject_id, to.generation, version)
    frame = seal(signed(written, content, inside), to.public, context)
    sha256 = hashlib.sha256(frame).digest()
    session.execute(
        delete(Record).where(Record.subject_id == name.subject_id, Record.kind == name.kind, Record.version == version)
    )
    session.add(
        Record(
            id=new_id(),
            desk=to.desk,
            case_id=name.case_id,
            subject_id=name.subject_id,
            kind=name.kind,
            version=version,
            key_pair_id=to.id,
            sha256=sha256,
            size=len(frame),
            frame=frame,
            signed_by=outside.id if outside else None,
            signature=outside.key.sign(written.frame_statement(outside.id, to.id, sha256)) if outside else None,
            created_at=created_at,
        )
    )
    if on_the_trail:
        audit.write_record(
            *(session, to.desk, created_at),
            member_id=outside.member_id if outside else member_id,
            case_id=name.case_id,
            subject_id=name.subject_id,
            kind=name.kind,
            version=version,
            sha256=sha256,
        )


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


# What Meldpost writes


def test_what_a_member_writes_is_genuine_and_known_as_theirs(world: World, case_id: str) -> None:
    for name in (note(world, case_id), decide(world, case_id)):
        found = seen(world, name)
        assert (found.standing, found.author_id) == (Standing.GENUINE, world.ring.member_id)
        with world.db.read() as session:
            assert row_of(session, name).signed_by == world.ring.member_id
            assert records.opened_json(session, world.ring, name) == found.content


def test_what_intake_writes_is_genuine_by_its_row_on_the_trail_alone(world: World, case_id: str) -> None:
    found = seen(world, Name(case_id, case_id, RecordKind.CARD))
    assert (found.standing, found.author_id, found.by_a_person) == (Standing.GENUINE, None, False)


def test_who_a_member_is_the_desk_itself_has_signed(world: World) -> None:
    found = seen(world, Name(None, world.ring.member_id, RecordKind.MEMBER))
    assert (found.standing, found.author_id) == (Standing.GENUINE, DESK)


def test_content_that_looks_like_a_signed_one_is_no_signature(world: World, case_id: str) -> None:
    """A mail may hold any words: what is signed is told by what is around the content, not in it."""
    name = Name(case_id, new_id(), RecordKind.NOTE)
    content = {"content": "{}", "by": world.ring.member_id, "signature": "00"}
    with world.db.begin() as session:
        to = case_pair(session, world, case_id)
        records.write_json(session, name, content, to, LATER, by=world.ring.author)
    assert seen(world, name).content == content


# Who only writes to the database


@pytest.mark.parametrize("on_the_trail", [False, True])
@pytest.mark.parametrize("kind", [RecordKind.NOTE, RecordKind.DECISIONS, RecordKind.OUTCOME, RecordKind.CONTACT])
def test_a_record_that_somebody_sealed_to_the_cases_key_counts_for_nothing(
    world: World, case_id: str, kind: RecordKind, on_the_trail: bool
) -> None:
    name = Name(case_id, case_id if kind is not RecordKind.NOTE else new_id(), kind)
    with world.db.begin() as session:
        content = {"by": world.ring.member_id, "text": "Niets aan de hand."}
        to = case_pair(session, world, case_id)
        forge(session, name, content, to, on_the_trail=on_the_trail, member_id=world.ring.member_id)
    refused(world, name)


def test_a_signature_of_somebody_who_is_no_member_counts_for_nothing(world: World, case_id: str) -> None:
    name = Name(case_id, new_id(), RecordKind.NOTE)
    stranger = SigningKey.of(generate(), Signer.MEMBER)
    with world.db.begin() as session:
        claimed = Author(world.ring.member_id, stranger)
        forge(session, name, {"text": "x"}, case_pair(session, world, case_id), inside=claimed, outside=claimed)
    refused(world, name)


@pytest.mark.parametrize("missing", ["inside", "outside"])
def test_one_signature_without_the_other_counts_for_nothing(world: World, case_id: str, missing: str) -> None:
    name = Name(case_id, new_id(), RecordKind.NOTE)
    stranger = Author(world.ring.member_id, SigningKey.of(generate(), Signer.MEMBER))
    true = world.ring.author
    with world.db.begin() as session:
        to = case_pair(session, world, case_id)
        inside, outside = (stranger, true) if missing == "inside" else (true, stranger)
        forge(session, name, {"text": "x"}, to, inside=inside, outside=outside)
    refused(world, name)


def test_signed_content_in_a_row_that_nobody_signed_counts_for_nothing(world: World, case_id: str) -> None:
    """Who opens a note can take its content with its author's signature, and seal both anew."""
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        true = world.ring.author
        forge(session, name, {"text": "x"}, case_pair(session, world, case_id), inside=true, member_id=true.id)
    refused(world, name)


def test_a_signed_note_copied_to_another_case_counts_for_nothing(world: World, case_id: str) -> None:
    other = world.open_case(reference="BBBBB-BBBBB").case_id
    name = note(world, case_id)
    moved = Name(other, name.subject_id, RecordKind.NOTE)
    with world.db.begin() as session:
        row = row_of(session, name)
        signature = row.signature
        to = case_pair(session, world, other)
        session.execute(delete(Record).where(Record.id == row.id))
        session.execute(delete(Audit).where(Audit.sha256 == row.sha256))
        forge(session, moved, {"text": "Gebeld."}, to, member_id=world.ring.member_id)
        session.flush()
        copied = row_of(session, moved)
        copied.signature, copied.signed_by = signature, world.ring.member_id
    refused(world, moved)


def test_the_content_and_signature_of_one_note_in_another_count_for_nothing(world: World, case_id: str) -> None:
    """Whoever can open a case has what is in its seals, and can put that elsewhere, but not sign for where."""
    one = note(world, case_id, "Akkoord.")
    other = Name(case_id, new_id(), RecordKind.NOTE)
    mallory = add(world, "mallory")
    with world.db.begin() as session:
        whole = b"".join(records._open(session, world.ring, row_of(session, one)))
        to = case_pair(session, world, case_id)
        forge(session, other, {}, to, outside=mallory.author)
        row = row_of(session, other)
        reframe(session, row, whole, to, mallory.author)
    refused(world, other)


def test_a_member_can_put_no_words_into_the_mouth_of_another(world: World, case_id: str) -> None:
    """Also one who can open the case, and whose own signature is good."""
    mallory = add(world, "mallory")
    name = Name(case_id, new_id(), RecordKind.NOTE)
    claimed = Author(world.ring.member_id, mallory.signing_key())
    with world.db.begin() as session:
        to = case_pair(session, world, case_id)
        forge(session, name, {"text": "x", "by": world.ring.member_id}, to, inside=claimed, outside=mallory.author)
    refused(world, name)
    own = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        content = {"text": "x", "by": world.ring.member_id}
        to = case_pair(session, world, case_id)
        forge(session, own, content, to, inside=mallory.author, outside=mallory.author)
    assert seen(world, own).author_id == mallory.member_id


def test_an_older_version_of_which_the_newer_was_taken_away_counts_for_nothing(world: World, case_id: str) -> None:
    name = decide(world, case_id)
    decide(world, case_id, 2, severity="laag")
    assert seen(world, name).content["severity"]["value"] == "laag"
    with world.db.begin() as session:
        session.execute(delete(Record).where(Record.kind == RecordKind.DECISIONS, Record.version == 2))
    refused(world, name)


def test_an_older_version_in_the_place_of_a_newer_one_does_not_open(world: World, case_id: str) -> None:
    name = decide(world, case_id)
    with world.db.read() as session:
        first = row_of(session, name)
    decide(world, case_id, 2, severity="laag")
    with world.db.begin() as session:
        second = row_of(session, name)
        second.frame, second.sha256 = first.frame, first.sha256
        second.signature, second.created_at = first.signature, first.created_at
        session.execute(update(Audit).where(Audit.record_version == 2).values(sha256=first.sha256))
    with world.db.read() as session, pytest.raises(records.CANNOT_OPEN):
        records.marked(session, world.ring, name)


def test_a_record_whose_row_on_the_trail_is_gone_or_says_otherwise_counts_for_nothing(
    world: World, case_id: str
) -> None:
    gone, changed, by_another = (note(world, case_id) for _ in range(3))
    with world.db.begin() as session:
        session.execute(delete(Audit).where(Audit.sha256 == row_of(session, gone).sha256))
        of = Audit.sha256 == row_of(session, by_another).sha256
        session.execute(update(Audit).where(of).values(member_id="f" * 32))
        of = Audit.sha256 == row_of(session, changed).sha256
        session.execute(update(Audit).where(of).values(sha256=b"f" * 32))
    for name in (gone, changed, by_another):
        refused(world, name)


def test_other_bytes_than_those_that_the_row_names_do_not_open(world: World, case_id: str) -> None:
    """The digest in the row and on the trail is left as it was, only the sealed bytes are others."""
    name = note(world, case_id)
    with world.db.begin() as session:
        row, to = row_of(session, name), case_pair(session, world, case_id)
        context = Context(to.desk, case_id, name.kind, name.subject_id, to.generation, 1)
        row.frame = seal(b'{"text": "Niets aan de hand."}', to.public, context)
    with world.db.read() as session, pytest.raises(records.CANNOT_OPEN):
        records.marked(session, world.ring, name)


def test_mail_that_the_trail_does_not_know_is_told_apart_and_still_shown(world: World) -> None:
    taken = world.open_case()
    name = Name(taken.case_id, taken.message_id, RecordKind.REPORT)
    assert seen(world, name).standing is Standing.GENUINE
    with world.db.begin() as session:
        session.execute(delete(Audit).where(Audit.record_kind == RecordKind.REPORT))
    found = seen(world, name)
    assert (found.standing, found.counts) == (Standing.FOREIGN, True)


def test_a_second_reading_of_a_mail_that_no_member_made_counts_for_nothing(world: World) -> None:
    taken = world.open_case()
    name = Name(taken.case_id, taken.message_id, RecordKind.REPORT)
    with world.db.begin() as session:
        forge(session, name, {"severity": "laag"}, case_pair(session, world, taken.case_id), version=2)
    refused(world, name)


def test_a_record_cannot_be_dated_otherwise(world: World, case_id: str) -> None:
    name = note(world, case_id)
    with world.db.begin() as session:
        row_of(session, name).created_at = NOW + timedelta(days=30)
    refused(world, name)


# Who writes to the keys


def test_a_members_signing_key_swapped_for_their_own_makes_nothing_genuine(world: World, case_id: str) -> None:
    theirs = SigningKey.of(generate(), Signer.MEMBER)
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        row = select(PublicSigningKey).where(PublicSigningKey.owner == world.ring.member_id)
        session.scalars(row).one().public = theirs.public
        claimed = Author(world.ring.member_id, theirs)
        forge(session, name, {"text": "x"}, case_pair(session, world, case_id), inside=claimed, outside=claimed)
    refused(world, name)


@pytest.mark.parametrize("by", ["stranger", "themselves", "another_member"])
def test_a_member_with_a_forged_certificate_makes_nothing_genuine(world: World, case_id: str, by: str) -> None:
    private = generate()
    certifier = {"stranger": generate(), "themselves": private, "another_member": own_private(world, "bram")}[by]
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        forge_member(session, world, "f" * 32, private, certifier)
        author = Author("f" * 32, SigningKey.of(private, Signer.MEMBER))
        forge(session, name, {"text": "x"}, case_pair(session, world, case_id), inside=author, outside=author)
    refused(world, name)


def test_a_desk_generation_without_a_certificate_certifies_nobody(world: World, case_id: str) -> None:
    private, member = generate(), generate()
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        before = world.ring.chain(session)
        add_desk_pair(session, world, 2, private)
        certificates.certify_next(session, before, private, 2, private)
        forge_member(session, world, "f" * 32, member, private)
        author = Author("f" * 32, SigningKey.of(member, Signer.MEMBER))
        forge(session, name, {"text": "x"}, case_pair(session, world, case_id), inside=author, outside=author)
    refused(world, name)


def test_nothing_is_sealed_to_a_desk_key_that_somebody_wrote_into_the_database(world: World) -> None:
    """Its private half is theirs, and they sealed it to the member as well, so that it opens like a true one."""
    private = generate()
    with world.db.begin() as session:
        add_desk_pair(session, world, 2, private)
    with world.db.read() as session:
        ring = members.unlock(session, world.ring.desk, "ada", PASSPHRASE, SECRET, pins=world.pins)
        assert private in ring.privates.values()
        assert ring.to_desk(session).id == world.keys.to_desk.id
    bram = add(world, "bram", ring)
    with world.db.begin() as session:
        models.add(session, ring, INDEX, b"model", [], {}, LATER)
        audit.write_look(session, ring, audit.Action.LOOK, LATER, detail={"what": "the queue"})
    with world.db.read() as session:
        pairs = set(session.scalars(select(Record.key_pair_id).where(Record.created_at >= NOW)))
        assert pairs <= {world.keys.to_desk.id, world.ring.own, bram.own}
        details = select(Audit.key_pair_id).where(Audit.action == audit.Action.LOOK)
        assert session.scalars(details).all() == [world.keys.to_desk.id]


def test_all_signing_keys_replaced_from_the_root_on_make_nothing_genuine(world: World, case_id: str) -> None:
    """The whole chain is theirs and holds together, but it does not begin at the pinned key."""
    desk, member = generate(), generate()
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        session.execute(delete(PublicSigningKey))
        pair = select(KeyPair).where(KeyPair.kind == KeyKind.DESK)
        session.scalars(pair).one().public = desk.public.to_bytes()
        session.flush()
        certificates.certify_first(session, world.ring.desk, desk, 1, NOW)
        forge_member(session, world, "f" * 32, member, desk)
        author = Author("f" * 32, SigningKey.of(member, Signer.MEMBER))
        forge(session, name, {"text": "x"}, case_pair(session, world, case_id), inside=author, outside=author)
    refused(world, name)


def test_nobody_but_the_desk_says_who_a_member_is(world: World) -> None:
    name = Name(None, world.ring.member_id, RecordKind.MEMBER)
    stranger = Author(DESK, SigningKey.of(generate(), Signer.DESK))
    with world.db.begin() as session:
        to = keyring.newest(session, world.ring.desk, KeyKind.DESK)
        forge(session, name, {"login": "eva", "role": "coordinator"}, to, version=2, inside=stranger, outside=stranger)
    refused(world, name)
    with world.db.read() as session:
        assert members.logins(session, world.ring) == {}


# Past members, and rotations


def test_what_a_member_signed_before_they_left_stays_genuine_and_nothing_after(world: World, case_id: str) -> None:
    bram = add(world, "bram")
    name = note(world, case_id, ring=bram)
    with world.db.begin() as session:
        session.get_one(Member, bram.member_id).retired_at = LATER + timedelta(hours=1)
        after = Name(case_id, new_id(), RecordKind.NOTE)
        to = case_pair(session, world, case_id)
        at = LATER + timedelta(hours=2)
        forge(session, after, {"text": "x"}, to, inside=bram.author, outside=bram.author, created_at=at)
    assert (seen(world, name).standing, seen(world, name).author_id) == (Standing.GENUINE, bram.member_id)
    refused(world, after)
    with world.db.begin() as session:
        rotate(session, world, 2, desk_private(world))
    assert seen(world, name).standing is Standing.GENUINE


def test_where_only_the_newest_generation_is_pinned_what_was_written_before_it_is_genuine_all_the_same(
    world: World, case_id: str
) -> None:
    name = note(world, case_id)
    with world.db.begin() as session:
        second = rotate(session, world, 2, desk_private(world))
        unsigned = Name(case_id, new_id(), RecordKind.NOTE)
        forge(session, unsigned, {"text": "x"}, case_pair(session, world, case_id), created_at=LATER)
    ring = replace(world.ring, root=SigningKey.of(second, Signer.DESK).public)
    assert seen(world, name, ring).standing is Standing.GENUINE
    assert seen(world, unsigned, ring).standing is Standing.FOREIGN


# From before there were signatures


def from_before(world: World, since: datetime = LATER + timedelta(days=7)) -> KeyRing:
    """The desk was made by a version that signed nothing, and a member logged in to one that does, at `since`."""
    pins = replace(world.pins, signing=None)
    with world.db.begin() as session:
        session.execute(delete(PublicSigningKey))
        session.execute(update(Record).values(signed_by=None, signature=None))
        members.complete_signing_keys(session, world.ring, pins, since)
    return world.ring


def test_what_was_written_before_the_desk_signed_anything_is_told_as_that_and_counts(
    world: World, case_id: str
) -> None:
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        forge(session, name, {"text": "Gebeld."}, case_pair(session, world, case_id), member_id=world.ring.member_id)
    from_before(world)
    found = seen(world, name)
    assert (found.standing, found.author_id, found.counts) == (Standing.BEFORE, None, True)
    assert seen(world, Name(case_id, case_id, RecordKind.CARD)).standing is Standing.GENUINE


def test_what_was_written_since_without_a_signature_counts_for_nothing(world: World, case_id: str) -> None:
    from_before(world, since=LATER - timedelta(hours=1))
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        forge(session, name, {"text": "x"}, case_pair(session, world, case_id))
    refused(world, name)


def test_on_a_desk_that_signed_from_the_start_nothing_is_from_before(world: World, case_id: str) -> None:
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        forge(session, name, {"text": "x"}, case_pair(session, world, case_id), created_at=NOW)
    refused(world, name)


# Sealing anew


def reseal_all(world: World, case_id: str, ring: KeyRing | None = None) -> PublicPair:
    with world.db.begin() as session:
        private = generate()
        old = case_pair(session, world, case_id)
        to = keyring.add_pair(session, world.ring.desk, KeyKind.CASE, "", private.public, LATER)
        keyring.seal_seed(session, private, to, world.keys.to_desk)
        session.flush()
        for row in session.scalars(select(Record).where(Record.key_pair_id == old.id)).all():
            records.reseal(session, ring or world.ring, row.id, to, LATER + timedelta(days=1))
        assert session.scalar(select(func.count()).where(Record.key_pair_id == old.id)) == 0
    return to


def test_a_record_sealed_anew_by_another_member_is_still_its_authors(world: World, case_id: str) -> None:
    bram = add(world, "bram")
    name = note(world, case_id)
    decisions = decide(world, case_id)
    decide(world, case_id, 2, severity="laag")
    reseal_all(world, case_id, bram)
    with world.db.read() as session:
        row = row_of(session, name)
        assert (row.signed_by, row.created_at) == (bram.member_id, LATER)
    for each in (name, decisions):
        assert (seen(world, each).standing, seen(world, each).author_id) == (
            Standing.GENUINE,
            world.ring.member_id,
        )
    card = seen(world, Name(case_id, case_id, RecordKind.CARD))
    assert card.standing is Standing.GENUINE
    with world.db.read() as session:
        assert [each.version for each in records.history(session, world.ring, decisions)] == [1, 2]


def test_what_meldpost_did_not_write_stays_that_when_it_is_sealed_anew(world: World) -> None:
    taken = world.open_case()
    forged = Name(taken.case_id, new_id(), RecordKind.NOTE)
    report = Name(taken.case_id, taken.message_id, RecordKind.REPORT)
    with world.db.begin() as session:
        forge(session, forged, {"text": "x"}, case_pair(session, world, taken.case_id))
        session.execute(delete(Audit).where(Audit.record_kind == RecordKind.REPORT))
    reseal_all(world, taken.case_id)
    refused(world, forged)
    assert seen(world, report).standing is Standing.FOREIGN


def test_a_note_from_before_signatures_stays_that_when_it_is_sealed_anew(world: World, case_id: str) -> None:
    name = Name(case_id, new_id(), RecordKind.NOTE)
    with world.db.begin() as session:
        forge(session, name, {"text": "Gebeld."}, case_pair(session, world, case_id), member_id=world.ring.member_id)
    from_before(world)
    reseal_all(world, case_id)
    assert seen(world, name).standing is Standing.BEFORE


def test_a_large_attachment_is_sealed_anew_in_its_pieces(world: World) -> None:
    content = bytes(range(256)) * 4096 * 3  # 3 MiB
    taken = world.open_case(mail(attachments=[attachment(lambda: iter([content]))]))
    with world.db.begin() as session:
        row = session.scalars(select(Record).where(Record.kind == RecordKind.ATTACHMENT)).one()
        name = Name(taken.case_id, row.subject_id, RecordKind.ATTACHMENT)
        identity = newest_proven(session, INDEX, world.ring.desk, KeyKind.IDENTITY, taken.case_id)
        records.reseal(session, world.ring, row.id, identity, LATER)
    with world.db.read() as session:
        assert b"".join(records.chunks(session, world.ring, name)) == content
        assert row_of(session, name).id != row.id
        owners = set(session.scalars(select(RecordPiece.record_id)))
        assert owners == {row_of(session, name).id}


def test_a_members_profile_sealed_anew_is_signed_by_the_desks_newest_key(world: World) -> None:
    with world.db.begin() as session:
        second = rotate(session, world, 2, desk_private(world))
        to = keyring.newest(session, world.ring.desk, KeyKind.DESK)
        ring = replace(world.ring, privates={**world.ring.privates, to.id: second})
        for row in session.scalars(select(Record).where(Record.kind == RecordKind.MEMBER)).all():
            records.reseal(session, ring, row.id, to, LATER)
    pinned = replace(ring, root=SigningKey.of(second, Signer.DESK).public)
    with world.db.read() as session:
        assert members.logins(session, pinned) == {world.ring.member_id: "ada"}


# Helpers


def add(world: World, login: str, holder: KeyRing | None = None) -> KeyRing:
    with world.db.begin() as session:
        members.add_member(
            *(session, holder or world.ring),
            login=login,
            address=f"{login}@desk.example",
            passphrase=PASSPHRASE,
            secret=SECRET,
            role=Role.DEPUTY,
            now=NOW,
            params=FAST,
        )
    with world.db.read() as session:
        return members.unlock(session, world.ring.desk, login, PASSPHRASE, SECRET, pins=world.pins)


def own_private(world: World, login: str) -> PrivateKey:
    ring = add(world, login)
    return ring.privates[ring.own]


def desk_private(world: World) -> PrivateKey:
    return world.fresh.privates[world.keys.to_desk.id]


def add_desk_pair(session: Session, world: World, generation: int, private: PrivateKey) -> None:
    pair_id = new_id()
    session.add(
        KeyPair(
            id=pair_id,
            desk=world.ring.desk,
            owner="",
            kind=KeyKind.DESK,
            generation=generation,
            public=private.public.to_bytes(),
            created_at=LATER,
        )
    )
    session.flush()
    of = keyring.pair(session, pair_id)
    own = keyring.pair(session, world.ring.own)
    frame = seal(private.seed, own.public, keyring._seed_context(of, own))
    session.add(SealedSeed(key_pair_id=pair_id, recipient_key_pair_id=own.id, frame=frame))
    session.flush()


def reframe(session: Session, row: Record, content: bytes, to: PublicPair, by: Author) -> None:
    """Seal other content into a record, with a good digest on the trail and a good signature of the sealed bytes."""
    context = Context(to.desk, row.case_id or "", row.kind, row.subject_id, to.generation, row.version)
    frame = seal(content, to.public, context)
    sha256 = hashlib.sha256(frame).digest()
    session.execute(update(Audit).where(Audit.sha256 == row.sha256).values(sha256=sha256))
    row.frame, row.sha256 = frame, sha256
    row.signature = by.key.sign(Written.of(row).frame_statement(by.id, to.id, sha256))
    session.flush()
