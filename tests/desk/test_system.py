"""The state of the system as a page tells it: what is well, what is not, and what to do about it."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from cases.roles import Role
from config.settings import MailboxSettings
from store import mailboxes, outbox
from store.outbox import NewOutgoing, OutboxState, OutgoingKind
from store.schema import Backup, Desk, Due, MailboxLook, Member, Outbox, new_id
from tests.desk.conftest import log_in
from tests.desk.world import DESK, World, coordinator, join

FINE, NOTE, WRONG = "Goed", "Bekijk dit", "Doe iets"


def told(world: World) -> dict[str, tuple[str, str]]:
    """What the page says of each part: its verdict, and the rest of its line."""
    page = coordinator(world).get("/settings/system").text
    lines = re.findall(
        r'<th scope="row">(.*?)</th>\s*<td[^>]*><span[^>]*>(.*?)</span></td>\s*(.*?)</tr>', page, re.DOTALL
    )
    return {what: (verdict, rest) for what, verdict, rest in lines}


def with_mailbox(world: World) -> None:
    box = MailboxSettings(desk=DESK, host="imap.example", user="u")
    world.serve(world.settings.model_copy(update={"mailboxes": {"meldingen": box}}))


def looked_at(world: World, when: datetime, waiting: int = 0) -> None:
    mailboxes.note_look(world.database, DESK, "meldingen", waiting)
    with world.database.begin() as session:
        session.execute(update(MailboxLook).values(looked_at=when))


def queue(world: World, state: OutboxState, when: datetime) -> None:
    outbox_id = outbox.new_outbox_id()
    new = NewOutgoing(
        *(outbox_id, OutgoingKind.NOTICE, None, "lid@desk.example", b"Subject: x\r\n\r\nx\r\n"),
        message_id=f"<{outbox_id}@desk.example>",
        envelope_sender="integriteit@desk.example",
    )
    with world.database.begin() as session:
        outbox.enqueue(session, world.keys.mailer, world.index, new, world.clock.now)
        session.execute(
            update(Outbox).where(Outbox.id == outbox_id).values(state=state, not_before=when, settled_at=when)
        )


def test_a_mailbox_that_was_read_today_and_a_fresh_backup_are_well(world: World) -> None:
    with_mailbox(world)
    looked_at(world, world.clock.now, waiting=2)
    with world.database.begin() as session:
        session.add(Backup(id=new_id(), made_at=world.clock.now))
    lines = told(world)
    assert {verdict for verdict, _ in lines.values()} == {FINE}
    assert "2 mails hadden toen geen resultaat" in lines["Postbus meldingen"][1]


def test_a_mailbox_that_nobody_read_for_a_day_asks_for_the_doctor(world: World) -> None:
    with_mailbox(world)
    assert told(world)["Postbus meldingen"][0] == NOTE
    looked_at(world, world.clock.now - timedelta(days=2))
    verdict, rest = told(world)["Postbus meldingen"]
    assert verdict == WRONG
    assert "meldpost doctor" in rest
    assert told(world)["De daemon, die mail opneemt en verzendt"][0] == WRONG


def test_a_backup_that_is_missing_or_old_asks_for_one(world: World) -> None:
    what = "Laatste back-up die is gecontroleerd en op een andere schijf ligt"
    assert told(world)[what][0] == WRONG
    with world.database.begin() as session:
        session.add(Backup(id=new_id(), made_at=world.clock.now - timedelta(days=9)))
    verdict, rest = told(world)[what]
    assert verdict == WRONG
    assert "meldpost backup" in rest


@pytest.mark.parametrize(
    ("state", "verdict", "said"),
    [
        (OutboxState.QUEUED, WRONG, "1 mail had meer dan een half uur geleden uit moeten gaan"),
        (OutboxState.FAILED, NOTE, "1 mail van de laatste zeven dagen kon niet worden bezorgd"),
        (OutboxState.UNCERTAIN, NOTE, "Van 1 mail van de laatste zeven dagen weet niemand"),
        (OutboxState.HELD, NOTE, "1 mail wacht op een woord"),
    ],
)
def test_mail_that_does_not_go_out_is_told_by_its_number(
    world: World, state: OutboxState, verdict: str, said: str
) -> None:
    assert told(world)["Mail die uitgaat"][0] == FINE
    queue(world, state, world.clock.now - timedelta(hours=1))
    found, rest = told(world)["Mail die uitgaat"]
    assert found == verdict
    assert said in rest


def test_a_mail_that_was_queued_just_now_is_no_trouble(world: World) -> None:
    queue(world, OutboxState.QUEUED, world.clock.now)
    assert told(world)["Mail die uitgaat"][0] == FINE


def test_that_nothing_goes_out_after_a_restore_is_told(world: World) -> None:
    with world.database.begin() as session:
        session.execute(update(Desk).values(outbox_paused_at=world.clock.now))
    verdict, rest = told(world)["Mail die uitgaat"]
    assert verdict == WRONG
    assert "sinds het terugzetten" in rest


def test_what_the_daemon_should_have_done_by_itself_is_told(world: World) -> None:
    case_id = world.new_case().case_id
    with world.database.begin() as session:
        session.execute(update(Due).where(Due.case_id == case_id).values(wake_at=world.clock.now - timedelta(hours=1)))
    assert told(world)["Wat hij vanzelf doet"][0] == WRONG


def test_an_administrator_sees_it_with_no_content_address_or_case(world: World) -> None:
    with_mailbox(world)
    case_id = world.new_case().case_id
    world.hold_receipt(case_id)
    visitor = coordinator(world, join(world, "a.beheerder", Role.ADMINISTRATOR))
    assert "/settings/system" in visitor.get("/settings/").text
    page = visitor.get("/settings/system").text
    assert "1 mail wacht op een woord" in page
    with world.database.read() as session:
        addresses = [row.address for row in session.query(Member)]
    for word in ("Dijkgraaf", "Ramdin", "K2345", case_id, "imap.example", "reporter.example", *addresses):
        assert word not in page


def test_the_state_is_found_by_the_menu(world: World, new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    log_in(page)
    page.get_by_role("navigation", name="Hoofdmenu").get_by_role("link", name="Instellingen").click()
    page.get_by_role("link", name="Toestand van het systeem").click()
    row = page.get_by_role("row").filter(has_text="Laatste back-up")
    expect(row).to_contain_text("Doe iets")
    expect(row).to_contain_text("meldpost backup")
