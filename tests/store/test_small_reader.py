"""docs/sealed-format.md is enough to read what Meldpost wrote: a reader made from it alone agrees with every vector."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from store import changes
from store.frame import Context
from store.keypairs import KeyKind, generate
from store.records import RecordKind
from store.schema import KeyPair, PublicSigningKey, Record
from store.sealing import seal
from tests.store import small_reader
from tests.store.make_vectors import FOLDER, of_group
from tests.store.small_reader import Refused, number, signed_by, statement
from tests.store.test_sealing import CHUNK, load, vectors
from tests.store.world import INDEX, NOW, World

LATER = NOW + timedelta(days=1)


def paths(group: str) -> list[Path]:
    return sorted(path for path in FOLDER.glob("*.json") if of_group(path.stem) == group)


@pytest.mark.parametrize("name", vectors("good"))
def test_it_opens_every_good_vector(name: str) -> None:
    vector, frame, key, _ = load(name)
    content = small_reader.read(frame, key.seed, vector["context"])
    assert (len(content), hashlib.sha256(content).hexdigest()) == (vector["size"], vector["sha256"])


@pytest.mark.parametrize("name", vectors("broken"))
def test_it_refuses_every_broken_vector_by_the_same_name(name: str) -> None:
    vector, frame, key, _ = load(name)
    with pytest.raises(Refused, match=vector["error"]):
        small_reader.read(frame, key.seed, vector["context"])


@pytest.mark.parametrize("size", [0, 255, 256, 4_000, CHUNK - 1, CHUNK, 3 * CHUNK + 5])
def test_it_opens_what_meldpost_seals_today(size: int) -> None:
    key, content = generate(), os.urandom(size)
    frame = seal(content, key.public, Context("desk", "", "note", "één", 7, 3))
    place = {"desk": "desk", "case": "", "kind": "note", "record": "één", "generation": 7, "version": 3}
    assert small_reader.read(frame, key.seed, place) == content


@pytest.mark.parametrize("path", paths("passkey-seed"), ids=lambda path: path.stem)
def test_it_does_with_a_seed_under_a_passkey_as_the_vector_says(path: Path) -> None:
    vector = json.loads(path.read_text())
    place = {"desk": vector["desk"].encode(), "member": vector["member"].encode()}
    place["credential"] = bytes.fromhex(vector["credential"])
    given = [bytes.fromhex(vector[part]) for part in ("wrapped", "computed", "secret")]
    if path.stem.startswith("good"):
        assert small_reader.seed_under_passkey(*given, place).hex() == vector["seed"]
    else:
        with pytest.raises(Refused, match="WrongPasskey"):
            small_reader.seed_under_passkey(*given, place)


@pytest.mark.parametrize("path", paths("signature"), ids=lambda path: path.stem)
def test_it_takes_a_signature_for_good_or_not_as_the_vector_says(path: Path) -> None:
    vector = json.loads(path.read_text())
    stated = statement(vector["label"].encode(), *map(encoded, vector["parts"]))
    good = signed_by(bytes.fromhex(vector["public"]), stated, bytes.fromhex(vector["signature"]))
    assert good is path.stem.startswith("good")


def encoded(part: Mapping[str, Any]) -> bytes:
    ((form, value),) = part.items()
    match form:
        case "text":
            return str(value).encode()
        case "number":
            return number(value)
        case "time":
            return microseconds(datetime.fromisoformat(value))
        case _:
            return bytes.fromhex(value)


def microseconds(at: datetime) -> bytes:
    return number((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))


def test_it_checks_who_wrote_a_note_and_who_sealed_it(world: World) -> None:
    case_id = world.open_case().case_id
    with world.db.begin() as session:
        changes.add_note(session, world.ring, INDEX, case_id, "Gebeld.", LATER)
    with world.db.read() as session:
        row = session.scalars(select(Record).where(Record.kind == RecordKind.NOTE)).one()
        seed = world.ring.private(session, row.key_pair_id).seed
        signer = session.scalars(select(PublicSigningKey).where(PublicSigningKey.owner == row.signed_by)).one()
    assert row.frame
    assert row.signature
    place = {"desk": row.desk, "case": case_id, "kind": "note", "record": row.subject_id, "generation": 1, "version": 1}
    whole = json.loads(small_reader.read(row.frame, seed, place))
    about = (
        *(row.desk.encode(), case_id.encode(), row.subject_id.encode(), b"note", number(1)),
        *(microseconds(row.created_at), whole["by"].encode()),
    )
    content = hashlib.sha256(whole["content"].encode()).digest()
    stated = statement(b"meldpost record, as written", *about, content)
    assert signed_by(signer.public, stated, bytes.fromhex(whole["signature"]))
    sha256 = hashlib.sha256(row.frame).digest()
    stated = statement(b"meldpost record, as sealed", *about, row.key_pair_id.encode(), sha256)
    assert signed_by(signer.public, stated, row.signature)
    assert json.loads(whole["content"])["text"] == "Gebeld."


def test_it_checks_the_certificates_of_the_desk_and_of_a_member(world: World) -> None:
    with world.db.read() as session:
        keys = {row.owner: row for row in session.scalars(select(PublicSigningKey))}
        kinds = (KeyKind.DESK, KeyKind.MEMBER)
        pairs = {row.owner: row.public for row in session.scalars(select(KeyPair).where(KeyPair.kind.in_(kinds)))}
    desk, member = keys[""], keys[world.ring.member_id]
    for key, label in ((desk, b"meldpost desk key"), (member, b"meldpost member key")):
        stated = statement(
            *(label, key.desk.encode(), key.owner.encode(), number(key.generation)),
            *(microseconds(key.created_at), key.public, pairs[key.owner]),
        )
        assert signed_by(key.public, stated, key.own_signature)
        assert signed_by(desk.public, stated, key.certificate)
    own = world.ring.privates[world.ring.own].seed
    derived = Ed25519PrivateKey.from_private_bytes(small_reader.signing_seed(own, b"member"))
    assert derived.public_key().public_bytes_raw() == member.public


def test_the_reader_takes_nothing_from_meldpost() -> None:
    source = Path(small_reader.__file__).read_text()
    assert not [line for line in source.splitlines() if line.startswith(("import store", "from store", "from tests"))]
