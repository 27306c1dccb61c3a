"""What the desk says and does about retention."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from cases.terms import DueKind
from config.retention import RetentionRow
from store import destruction, dues
from store.schema import CaseFile, Destruction, Due, Ledger, new_id
from tests.desk.world import DESK, Visitor, World, coordinator

TABLE = (RetentionRow(term="2 months", ground="Archiefwet 1995", selection="12.3"),)


@pytest.fixture
def filled_in(world: World) -> World:
    """The same desk, whose organisation has a retention table."""
    of_desk = world.settings.desks[DESK].model_copy(update={"retention": TABLE})
    world.serve(world.settings.model_copy(update={"desks": {DESK: of_desk}}))
    return world


def close(visitor: Visitor, case_id: str) -> None:
    sent = {"status": "closed", "outcome": "withdrawn", "approver": "de secretaris-generaal", "all_the_same": "y"}
    assert visitor.post(f"/cases/{case_id}/status", {"version": visitor.version(case_id), **sent}).status_code == 303


def destroy_what_is_due(world: World, case_id: str) -> None:
    with world.database.begin() as session:
        session.execute(update(Due).where(Due.case_id == case_id).values(due_at=world.clock.now - timedelta(days=1)))
        dues.finish_dues(session, case_id, [DueKind.DESTROY_NOTICE])
        dues.wake(session, case_id, DueKind.DESTROY, world.clock.now - timedelta(days=1))
    assert destruction.destroy_due(world.database, {DESK: world.index}, {DESK: True}) == 1


def test_until_the_table_is_filled_in_the_desk_says_that_nothing_is_destroyed(world: World) -> None:
    visitor = coordinator(world)
    page = visitor.get("/retention/").text
    assert "Er wordt niets vernietigd" in page
    assert "retention_choice = &#34;two_months&#34;" in page
    case_id = world.new_case().case_id
    close(visitor, case_id)
    assert "Geen datum" in visitor.get(f"/cases/{case_id}").text


def test_the_table_stands_on_the_page_and_a_closed_case_shows_its_day(filled_in: World) -> None:
    visitor = coordinator(filled_in)
    case_id = filled_in.new_case().case_id
    assert "krijgt zij een datum" in visitor.get(f"/cases/{case_id}").text
    close(visitor, case_id)
    page = visitor.get("/retention/").text
    assert "Er wordt niets vernietigd" not in page
    assert "2 maanden" in page
    assert "Archiefwet 1995" in page
    assert "12.3" in page
    assert "K2345-00000" in page  # within 90 days
    assert "27 jan 2027" in visitor.get(f"/cases/{case_id}").text


def test_a_table_that_was_filled_in_later_is_applied_to_what_ended_before(world: World, filled_in: World) -> None:
    case_id = filled_in.new_case().case_id
    visitor = coordinator(filled_in)
    close(visitor, case_id)
    with filled_in.database.begin() as session:
        dues.cancel_dues(session, case_id)
    answer = visitor.post("/retention/apply")
    assert answer.status_code == 303
    assert "1 zaak heeft nu een andere datum" in visitor.get("/retention/").text


def test_a_case_is_put_on_hold_with_a_reason_and_let_go_with_one(filled_in: World) -> None:
    visitor = coordinator(filled_in)
    case_id = filled_in.new_case().case_id
    close(visitor, case_id)
    visitor.post(f"/cases/{case_id}/hold", {"reason": " "})
    assert "Aangehouden" not in visitor.get("/retention/").text.split("Te vernietigen")[1].split("<h2")[0]
    visitor.post(f"/cases/{case_id}/hold", {"reason": "Er loopt een rechtszaak."})
    page = visitor.get(f"/cases/{case_id}").text
    assert "niet vernietigd zolang" in page
    assert "Er loopt een rechtszaak." in page
    assert f"/cases/{case_id}" in visitor.get("/retention/").text.split('id="holds-title"')[1]
    visitor.post(f"/cases/{case_id}/hold/lift", {"reason": "De rechtszaak is voorbij."})
    assert "wordt vernietigd na" in visitor.get(f"/cases/{case_id}").text


def test_what_the_daemon_destroyed_is_declared_at_the_next_look_and_can_be_downloaded(filled_in: World) -> None:
    visitor = coordinator(filled_in)
    case_id = filled_in.new_case().case_id
    close(visitor, case_id)
    destroy_what_is_due(filled_in, case_id)
    assert visitor.get(f"/cases/{case_id}").status_code == 404
    page = visitor.get("/retention/").text
    assert "K2345-00000" in page
    link = page.split('href="/retention/declarations/')[1].split('"')[0]
    answer = visitor.get(f"/retention/declarations/{link}")
    assert answer.mimetype == "text/plain"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "Verklaring van vernietiging" in answer.text
    assert "Archiefwet 1995" in answer.text
    assert "Ed25519" in answer.text
    assert "Dijkgraaf" not in answer.text
    assert "Ramdin" not in answer.text
    assert visitor.get("/retention/declarations/" + "0" * 32 + ".txt").status_code == 404


def test_a_case_is_destroyed_before_its_time_only_by_who_is_sure_and_says_why(filled_in: World) -> None:
    visitor = coordinator(filled_in)
    case_id = filled_in.new_case().case_id
    path = f"/cases/{case_id}/destroy"
    visitor.post(path, {"version": visitor.version(case_id), "reason": "Verkeerd bezorgd.", "sure": "yes"})
    assert "De zaak is niet vernietigd" in visitor.get(f"/cases/{case_id}").text  # it is open
    close(visitor, case_id)
    for sent in ({"reason": "", "sure": "yes"}, {"reason": "Verkeerd bezorgd."}):
        visitor.post(path, {"version": visitor.version(case_id), **sent})
        assert visitor.get(f"/cases/{case_id}").status_code == 200
    visitor.post(path, {"version": visitor.version(case_id), "reason": "Verkeerd bezorgd.", "sure": "yes"})
    assert visitor.get(f"/cases/{case_id}").status_code == 404
    assert "Verkeerd bezorgd." in visitor.get("/retention/").text
    with filled_in.database.read() as session:
        assert session.scalars(select(CaseFile.id).where(CaseFile.id == case_id)).all() == []


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_member_destroys_is_named_beside_the_backups_when_the_answer_comes(
    filled_in: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, is_there: bool
) -> None:
    folder = tmp_path / "backups"
    if is_there:
        folder.mkdir()
    about = filled_in.settings.backup.model_copy(update={"folder": folder})
    filled_in.serve(filled_in.settings.model_copy(update={"backup": about}))
    visitor = coordinator(filled_in)
    case_id = filled_in.new_case().case_id
    close(visitor, case_id)
    sent = {"version": visitor.version(case_id), "reason": "Verkeerd bezorgd.", "sure": "yes"}
    visitor.post(f"/cases/{case_id}/destroy", sent)
    assert visitor.get(f"/cases/{case_id}").status_code == 404  # the list holds up no destruction
    if is_there:
        assert case_id in (folder / "destroyed.list").read_text()
    assert ("destroyed.list in the folder of backups cannot be written: No such file" in caplog.text) is not is_there


def test_where_a_destroyed_case_has_no_day_on_which_it_is_gone_the_page_says_why(filled_in: World) -> None:
    visitor = coordinator(filled_in)
    case_id = filled_in.new_case().case_id
    close(visitor, case_id)
    destroy_what_is_due(filled_in, case_id)
    with filled_in.database.begin() as session:
        session.execute(update(Destruction).values(swept_at=None))
    page = visitor.get("/retention/").text
    assert "Nog geen dag: de database heeft de ruimte" in page
    assert "–" not in page
    lies_on_the_mail_server(filled_in, case_id)
    assert "Nog geen dag: 1 mail ervan ligt nog leesbaar op de mailserver." in visitor.get("/retention/").text
    with filled_in.database.begin() as session:
        session.execute(delete(Destruction))
    assert "Onbekend: de aantekening van de vernietiging" in visitor.get("/retention/").text


def test_a_rule_without_a_number_in_the_selection_list_says_so(world: World) -> None:
    rules = (RetentionRow(term="2 months", ground="Archiefwet 1995"),)
    of_desk = world.settings.desks[DESK].model_copy(update={"retention": rules})
    world.serve(world.settings.model_copy(update={"desks": {DESK: of_desk}}))
    page = coordinator(world).get("/retention/").text
    assert "niet opgegeven" in page
    assert "–" not in page


def lies_on_the_mail_server(world: World, case_id: str) -> None:
    now = world.clock.now
    place = {"account": "main", "folder": "INBOX", "uidvalidity": 1, "uid": 1, "state": "settled"}
    counts = {"attempts": 1, "fetch_failures": 0, "first_seen_at": now, "settled_at": now, "moved_at": now}
    with world.database.begin() as session:
        session.add(Ledger(id=new_id(), desk=DESK, case_id=case_id, **place, **counts))
