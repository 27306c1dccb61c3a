"""Decrypters in their own processes: they work with nothing at hand, reach nothing, and cost one mail its opening."""

import json
from collections.abc import Iterator
from pathlib import Path

import pysequoia
import pytest

from ingest.errors import NotIsolated
from ingest.isolation import Layer, ProcessLimits, is_isolated
from ingest.mail import SealedKind, SignatureResult, Unopened
from ingest.protection.decrypters import Decrypters
from ingest.protection.opening import Opening
from ingest.protection.values import MailKeys, Question, closed
from ingest.raw import RawMail
from ingest.readers import Readers
from ingest.reading import read_mail
from tests.ingest.protection.sealing import ENTITY, HEAD, WORDS, GnuPG, OpenSSL, pgp_mime

HOSTILE = str(Path(__file__).parents[1] / "hostile")
LIMITS = ProcessLimits(cpu_seconds=20, wall_seconds=60, memory_bytes=600_000_000)


@pytest.fixture(scope="module")
def decrypters() -> Iterator[Decrypters]:
    made = Decrypters(LIMITS)
    try:
        assert is_isolated(made.nursery.layers)
    except NotIsolated as error:
        pytest.skip(str(error))
    yield made
    made.close()


def hostile(limits: ProcessLimits = LIMITS, layers: Layer | None = None) -> Decrypters:
    return Decrypters(limits, layers=layers, entry="hostile_decrypter", path=(HOSTILE,))


def order(what: str, keys: MailKeys | None = None) -> Question:
    return Question(SealedKind.PGP, b"x", keys=keys or MailKeys(), certificates=(what.encode(),))


def test_all_kinds_of_mail_are_opened_in_isolation(decrypters: Decrypters, openssl: OpenSSL, gnupg: GnuPG) -> None:
    keys = MailKeys(smime=openssl.keys().smime, openpgp=gnupg.desk_key())
    opening = Opening(decrypters, keys)
    mails = [
        openssl.encrypt("-des3"),
        openssl.encrypt("-aes-256-gcm", to="ec"),
        openssl.encrypt(entity=openssl.signed_entity(by="ec")),
        openssl.sign("-nodetach"),
        pgp_mime(gnupg.encrypt(ENTITY)),
        pgp_mime(gnupg.encrypt_and_sign(ENTITY)),
        HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + gnupg.encrypt(WORDS.encode()),
    ]
    with Readers(LIMITS).start() as readers:
        for mail in mails:
            with RawMail.from_bytes(mail) as raw:
                assert read_mail(readers, raw, opening, None).text.strip() == WORDS


def test_a_decrypter_reaches_nothing_but_its_line(openssl: OpenSSL) -> None:
    taken = hostile()
    answer = taken.unseal(order("reach", openssl.keys()))
    assert answer.content is not None
    assert not any(json.loads(answer.content).values())
    taken.close()
    free = hostile(layers=Layer.NONE)  # so the attempts are real
    answer = free.unseal(order("reach"))
    assert answer.content is not None
    assert json.loads(answer.content)["read a file"]
    free.close()


@pytest.mark.parametrize("what", ["die", "hang", "garbage", "flood", "lie"])
def test_a_decrypter_that_dies_or_hangs_or_lies_costs_one_opening(what: str) -> None:
    taken = hostile(ProcessLimits(cpu_seconds=1, wall_seconds=2))
    assert taken.unseal(order(what)) == closed(SealedKind.PGP, Unopened.BOUNDS)
    assert taken.nursery.is_running()
    taken.close()


def test_a_nursery_that_was_killed_is_started_anew() -> None:
    taken = hostile()
    assert taken.unseal(order("reach")).content is not None
    process = taken.nursery._process
    assert process is not None
    process.kill()
    process.wait()
    assert taken.unseal(order("reach")).content is not None
    taken.close()


def test_a_message_that_unpacks_to_more_than_anybody_writes_stays_closed(decrypters: Decrypters, gnupg: GnuPG) -> None:
    bomb = gnupg.encrypt(bytes(300_000_000), "--compress-algo", "zlib")
    assert len(bomb) < 1_000_000
    answer = decrypters.unseal(Question(SealedKind.PGP, bomb, keys=gnupg.keys()))
    assert (answer.content, answer.reason) == (None, Unopened.BOUNDS)


def test_the_next_question_finds_no_key_of_the_one_before(decrypters: Decrypters) -> None:
    key = pysequoia.Tsk.generate("desk")
    message = pysequoia.encrypt(ENTITY, recipients=[key.extract_certificate()])
    opened = decrypters.unseal(Question(SealedKind.PGP, message, keys=MailKeys(openpgp=str(key).encode())))
    assert opened.content == ENTITY
    assert decrypters.unseal(Question(SealedKind.PGP, message)).reason is Unopened.NO_KEY
    signature = pysequoia.sign(key.signer(), ENTITY, mode=pysequoia.SignatureMode.DETACHED)
    checked = decrypters.unseal(Question(SealedKind.PGP_SIGNATURE, signature, ENTITY))
    assert [each.result for each in checked.signatures] == [SignatureResult.UNKNOWN_KEY]


def test_no_decrypter_is_started_for_a_mail_without_protection() -> None:
    decrypters = Decrypters(LIMITS)
    with Readers(LIMITS).start() as readers, RawMail.from_bytes(HEAD + b"\r\nhallo") as raw:
        read_mail(readers, raw, Opening(decrypters), None)
    assert decrypters._nursery is None
