"""How it is with each mailbox, as the desk and the doctor tell it."""

from store import ledger, mailboxes
from store.ledger import MailPlace
from tests.store.world import World


def _taken_in(world: World, uid: int) -> str:
    entry = ledger.begin_attempt(world.db, "integriteit", MailPlace("box", "INBOX", 1, uid))
    taken = world.open_case(reference=f"AAAAA-{uid:05d}")
    with world.db.begin() as session:
        ledger.settle(
            *(session, entry.id),
            raw_digest=bytes([uid]) * 32,
            stable_digest=bytes([uid + 100]) * 32,
            case_id=taken.case_id,
            message_id=taken.message_id,
        )
    return entry.id


def test_the_last_look_at_a_mailbox_is_known_by_its_desk(world: World) -> None:
    before = world.db.now()
    mailboxes.note_look(world.db, "integriteit", "box", 3)
    mailboxes.note_look(world.db, "integriteit", "box", 1)
    with world.db.read() as session:
        (look,) = mailboxes.looks(session, "integriteit")
        assert mailboxes.looks(session, "elders") == ()
    assert (look.account, look.waiting) == ("box", 1)
    assert look.looked_at >= before


def test_a_mail_lies_readable_from_its_move_until_it_is_expunged(world: World) -> None:
    first, second = _taken_in(world, 1), _taken_in(world, 2)

    def lying() -> int:
        with world.db.read() as session:
            return mailboxes.lying(session, "integriteit").get("box", 0)

    assert lying() == 0
    with world.db.begin() as session:
        ledger.mark_moved(session, first, None)
        ledger.mark_moved(session, second, None)
    assert lying() == 2
    with world.db.begin() as session:
        ledger.mark_expunged(session, [first])
    assert lying() == 1
