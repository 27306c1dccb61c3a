"""The real daemon takes mail in and sends receipts while the mailer's key is made anew."""

import base64

import pytest

from config.secrets import read_private
from store import outbox
from store.frame import SealError
from store.keypairs import PrivateKey
from store.schema import MailerContact, Outbox
from store.sealing import open_sealed
from tests.system.installation import DESK, Installation, letter


def test_every_mail_has_its_receipt_also_one_of_a_daemon_with_the_old_pin_and_the_old_seed_opens_nothing(
    installation: Installation,
) -> None:
    installation.set_up()
    seed = installation.folder / "secrets" / f"mailer-seed-{DESK}"
    old = PrivateKey.from_seed(base64.b64decode(read_private(seed)))
    pinned = installation.config.read_bytes()
    daemon = installation.start()
    arrive(installation, 1)
    installation.receipts(1, name="r1")
    installation.command("rotate", "--mailer")
    newly_pinned = installation.config.read_bytes()
    assert newly_pinned != pinned
    installation.config.write_bytes(pinned)  # as on a machine to which nobody came yet
    arrive(installation, 2)
    installation.receipts(1, name="r2")
    assert generations(installation) == [1, 1]
    installation.config.write_bytes(newly_pinned)
    arrive(installation, 3)
    installation.receipts(1, name="r3")
    assert generations(installation) == [1, 1, 2]
    assert "The mailer has one key" in installation.command("rotate", "--mailer", "--finish")
    arrive(installation, 4)
    installation.receipts(1, name="r4")
    assert daemon.running
    assert [path.name for path in seed.parent.glob("*mailer-seed*")] == [seed.name]
    with installation.opened() as (session, _):
        contacts = session.query(MailerContact).all()
        frames = [(row.id, row.frame) for row in session.query(Outbox).all() if row.frame is not None]
    assert contacts
    assert {contact.key_pair_id for contact in contacts} == newest_pair(installation)
    for outbox_id, frame in frames:
        with pytest.raises(SealError):
            open_sealed(frame, old, outbox.frame_context(DESK, outbox_id, 2))


def arrive(installation: Installation, number: int) -> None:
    sender = installation.reporter(f"r{number}")
    installation.send(letter(sender, installation.address, text=f"Ik meld iets. {number}"), sender=sender)


def generations(installation: Installation) -> list[int]:
    query = "select generation from outbox join key_pair on key_pair.id = key_pair_id where outbox.kind = 'receipt'"
    return sorted(generation for (generation,) in installation.rows(query))


def newest_pair(installation: Installation) -> set[str]:
    return {id_ for (id_,) in installation.rows("select id from key_pair where kind = 'mailer' and generation = 2")}
