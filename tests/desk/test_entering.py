"""Reports that do not come by mail: read by real readers, cases like others, and answered on paper."""

import io
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from cases.roles import Role
from cases.terms import DueKind
from config.settings import PersonSettings
from desk import again, entering
from ingest.errors import ReaderDied
from store import casework
from store import entering as store_entering
from store.audit import Action
from store.casework import CaseView
from store.keyring import KeyRing
from store.schema import CaseFile, Outbox
from tests.desk.conftest import log_in, open_who_reported
from tests.desk.test_grants import send as keep_out
from tests.desk.test_letters import send, text_of, waiting
from tests.desk.test_roles import member
from tests.desk.world import DESK, Visitor, World, coordinator, join
from tests.ingest import made_files as made

WORDS = (
    "Rolf Dijkgraaf, contractmanager catering, vraagt leveranciers om 10 procent van iedere factuur.",
    "Hij neemt steekpenningen aan en laat de facturen daarna zelf goedkeuren. Ik heb de mails gezien.",
)
WHO = {"name": "Appie Ramdin", "address": "Zinkwerf 31\n2544 EC Den Haag"}


@pytest.fixture
def visitor(world: World) -> Visitor:
    return coordinator(world)


def enter(visitor: Visitor, world: World, **more: Any) -> Any:
    visitor.get("/new")
    given: Mapping[str, Any] = {
        "once": token_hex(8),
        "way": "telephone",
        "received": f"{world.clock.now:%Y-%m-%d}",
        "text": "\n\n".join(WORDS),
        **more,
    }
    return visitor.post("/new", given)


def case_of(answer: Any) -> str:
    assert answer.status_code == 303, answer.text
    found = re.fullmatch("/cases/([0-9a-f]{32})", answer.location)
    assert found, answer.location
    return found[1]


def look(world: World, case_id: str, ring: KeyRing | None = None) -> CaseView:
    with world.database.begin() as session:
        return casework.view_case(session, ring or world.ring, case_id, world.clock.now)


def pdf_text(content: bytes) -> str:
    pages = pypdfium2.PdfDocument(content)
    return " ".join("\n".join(page.get_textpage().get_text_range() for page in pages).split())


def test_a_conversation_becomes_a_case_like_that_of_a_mail(world: World, visitor: Visitor) -> None:
    view = look(world, case_of(enter(visitor, world, **WHO)))
    assert view.report["kind"] == "melding"
    assert "Rolf Dijkgraaf" in {each["name"] for each in view.report["concerned"]}
    assert {each.kind for each in view.dues} == {
        *(DueKind.RECEIPT, DueKind.FIRST_LOOK, DueKind.FIRST_MESSAGE, DueKind.FEEDBACK)
    }
    assert view.contact["name"] == "Appie Ramdin"
    assert [(each.action, each.by) for each in view.timeline if each.action is Action.ENTERED] == [
        (Action.ENTERED, "j.coordinator")
    ]
    assert (view.damaged, view.foreign) == (0, ())
    assert re.fullmatch("[0-9A-Z]{5}-[0-9A-Z]{5}", view.reference)
    with world.database.read() as session:
        assert session.scalars(select(Outbox)).all() == []


def test_the_words_of_a_letter_are_read_out_of_its_file(world: World, visitor: Visitor) -> None:
    content = made.docx("Geachte coördinator,", *WORDS, "Ik hoop dat u hier iets mee kunt doen.", "Met groet")
    letter = (io.BytesIO(content), "brief.docx")
    view = look(world, case_of(enter(visitor, world, way="letter", text="", files=letter)))
    assert view.messages[0].content["attachments"][0]["name"] == "brief.docx"
    assert "10 procent van iedere factuur" in view.messages[0].masked_text
    assert view.report["kind"] == "melding"
    attachment = view.messages[0].content["attachments"][0]["id"]
    with casework.download_attachment(world.database, world.ring, view.case_id, attachment, world.clock.now) as file:
        assert b"".join(file.chunks) == content


@pytest.mark.skipif(not list(Path("/usr/share/tesseract-ocr").glob("*/tessdata/nld.*")), reason="no OCR is installed")
def test_the_words_of_a_scan_are_read_off_it(world: World, visitor: Visitor) -> None:
    scan = made.picture(made.scan("Geachte coordinator,", "Rolf Dijkgraaf vraagt leveranciers", "om tien procent."))
    view = look(world, case_of(enter(visitor, world, way="letter", text="", files=(io.BytesIO(scan), "scan.png"))))
    assert "Dijkgraaf" in view.messages[0].content["attachments"][0]["text"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("brief.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        ("brief.html", b"<script>fetch('http://elsewhere.example')</script>"),
        ("../../etc/brief.pdf", b"%PDF-1.7\nnot at all"),
        ("brief.eml", b"From: x@y.example\r\nSubject: x\r\n\r\nx"),
        ("brief\x07.pdf", b"%PDF-1.7"),
    ],
    ids=["picture with script", "page with script", "path", "mail", "control character"],
)
def test_a_hostile_file_is_kept_as_bytes_and_shown_as_nothing_else(
    world: World, visitor: Visitor, name: str, content: bytes
) -> None:
    case_id = case_of(enter(visitor, world, way="letter", files=(io.BytesIO(content), name)))
    (file, *_) = look(world, case_id).messages[0].content["attachments"]
    assert "/" not in file["name"]
    assert file["name"].isprintable()
    answer = visitor.post(f"/cases/{case_id}/attachments/{file['id']}/original")
    assert answer.data == content
    assert answer.mimetype == "application/octet-stream"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    page = visitor.get(f"/cases/{case_id}").text
    assert "alert(1)" not in page.split("<details")[0]


def test_what_kills_its_reader_is_kept_whole(world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_: object) -> None:
        raise ReaderDied("poisoned")

    monkeypatch.setattr(again, "understand", die)
    view = look(world, case_of(enter(visitor, world, way="letter", files=(io.BytesIO(b"x"), "brief.pdf"))))
    assert view.messages[0].state == "unreadable"
    assert DueKind.FIRST_LOOK in {each.kind for each in view.dues}


def test_terms_count_from_the_day_on_which_the_report_came(world: World, visitor: Visitor) -> None:
    before = world.clock.now - timedelta(days=20)
    view = look(world, case_of(enter(visitor, world, received=f"{before:%Y-%m-%d}")))
    assert view.received_at.date() == before.date()
    assert [each.kind for each in view.dues if each.overdue(world.clock.now)] == [
        *(DueKind.FIRST_LOOK, DueKind.FIRST_MESSAGE, DueKind.RECEIPT)
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"way": "pigeon"}, "Kies"),
        ({"text": ""}, "Schrijf op wat er is gezegd"),
        ({"way": "letter", "text": ""}, "Schrijf op wat er is gezegd"),
        ({"received": "2036-01-01"}, "Vul een dag in die voorbij is"),
        ({"received": "1999-01-01"}, "Vul een dag in die voorbij is"),
        ({"received": ""}, "Vul een dag in."),
        ({"email": "nonsens @@"}, "Vul één e-mailadres in"),
        ({"email": "a@b.example, c@d.example"}, "Vul één e-mailadres in"),
    ],
    ids=["no way", "no words", "no file", "a day to come", "a day long past", "no day", "no address", "two addresses"],
)
def test_what_is_not_filled_in_is_said_and_nothing_is_lost(
    world: World, visitor: Visitor, more: Mapping[str, str], said: str
) -> None:
    answer = enter(visitor, world, **{"name": "Appie Ramdin", **more})
    assert answer.status_code == 400
    assert said in answer.text
    assert "Appie Ramdin" in answer.text
    with world.database.read() as session:
        assert session.scalars(select(CaseFile)).all() == []


def test_too_much_is_refused(world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entering.EnterForm, "MOST_BYTES", 10)
    answer = enter(visitor, world, files=(io.BytesIO(b"x" * 11), "a.pdf"))
    assert answer.status_code == 400
    assert "te veel bestanden" in answer.text


def test_an_empty_file_is_refused_as_the_scan_of_a_letter(world: World, visitor: Visitor) -> None:
    answer = enter(visitor, world, way="letter", files=(io.BytesIO(b""), "brief.pdf"))
    assert answer.status_code == 400
    assert "Een van de bestanden is leeg" in answer.text


@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.AUDITOR, Role.SECRETARY_GENERAL])
def test_who_does_not_open_the_desk_enters_nothing(world: World, role: Role) -> None:
    visitor = member(world, role)
    assert visitor.get("/new").status_code == 403
    assert visitor.post("/new", {"way": "telephone", "text": "x"}).status_code == 403


def test_a_report_about_who_enters_it_is_kept_from_them(world: World) -> None:
    ben = join(world, "b.ander", Role.COORDINATOR)
    people = (PersonSettings(member=world.ring.member_id, names=("Rolf Dijkgraaf",)),)
    about = {"people": people, "second_recipient": ben.member_id}
    desk = world.settings.desks[DESK].model_copy(update=about)
    world.serve(world.settings.model_copy(update={"desks": {DESK: desk}}))
    visitor = coordinator(world)
    answer = enter(visitor, world)
    assert answer.location == "/"
    assert "wordt buiten u gehouden" in visitor.get("/").text
    with world.database.read() as session:
        (case_id,) = session.scalars(select(CaseFile.id))
    with pytest.raises(casework.NotFound):
        look(world, case_id)
    assert look(world, case_id, ben).report["kind"] == "melding"


def test_a_report_that_names_a_restricted_case_by_its_reference_is_linked_and_closed_as_that_one(world: World) -> None:
    ben = join(world, "b.ander", Role.COORDINATOR)
    first = case_of(enter(coordinator(world), world))
    keep_out(coordinator(world, ben), first, "shut-out", world.ring.member_id)
    reference = look(world, first, ben).reference
    answer = enter(coordinator(world), world, text=f"De melder van {reference} belde nog eens.")
    assert answer.location == "/"
    with world.database.read() as session:
        (later,) = set(session.scalars(select(CaseFile.id))) - {first}
    with pytest.raises(casework.NotFound):
        look(world, later)
    assert look(world, later, ben).linked_case_ids == (first,)


# once


def all_cases(world: World) -> list[str]:
    with world.database.read() as session:
        return list(session.scalars(select(CaseFile.id)))


def filled_in(visitor: Visitor, world: World, **more: str) -> dict[str, str]:
    """A form as a browser has it, to be sent more than once."""
    token = re.search(r'name="once" [^>]*value="([0-9a-f]+)"', visitor.get("/new").text)
    assert token
    return {
        "once": token[1],
        "way": "telephone",
        "received": f"{world.clock.now:%Y-%m-%d}",
        "text": WORDS[0],
        **more,
    }


def test_a_form_that_is_sent_twice_is_one_case_and_that_is_said(world: World, visitor: Visitor) -> None:
    form = filled_in(visitor, world)
    first = case_of(visitor.post("/new", form))
    world.clock.now += timedelta(seconds=8)
    assert case_of(visitor.post("/new", form)) == first
    assert "meer dan één keer verstuurd" in visitor.get(f"/cases/{first}").text
    assert all_cases(world) == [first]


def test_what_was_changed_since_is_entered_and_so_is_the_same_in_a_new_form(world: World, visitor: Visitor) -> None:
    form = filled_in(visitor, world)
    sent = [
        form,
        {**form, "text": WORDS[1]},
        {**form, "phone": "06 12345678"},
        filled_in(visitor, world),
    ]
    assert len({case_of(visitor.post("/new", each)) for each in sent}) == 4
    scans = [{**form, "files": (io.BytesIO(content), "brief.txt")} for content in (b"een", b"twee", b"een")]
    assert len({case_of(visitor.post("/new", each)) for each in scans}) == 2


def test_two_processes_that_read_the_same_form_at_once_make_one_case(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other commits while this one reads: neither saw the other when it began. The database decides."""
    form, other, read = filled_in(visitor, world), [], again.understand

    def meanwhile(raw: Any) -> Any:
        found = read(raw)
        if not other:
            other.append("")
            other.append(case_of(visitor.post("/new", form)))
        return found

    monkeypatch.setattr(again, "understand", meanwhile)
    monkeypatch.setattr(again, "turn", nullcontext)  # each process has its own
    monkeypatch.setattr(store_entering, "was_entered", lambda *_: False)
    assert case_of(visitor.post("/new", form)) == other[1]
    assert all_cases(world) == [other[1]]


def test_a_form_without_its_token_is_refused(world: World, visitor: Visitor) -> None:
    assert visitor.post("/new", {**filled_in(visitor, world), "once": ""}).status_code == 400
    assert all_cases(world) == []


@pytest.mark.system
def test_the_button_closes_and_it_is_said_that_the_report_is_being_read(
    world: World, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    log_in(page)
    page.get_by_role("link", name="Nieuwe melding").click()
    page.get_by_label("Per telefoon").check()
    page.get_by_label("Wat er is gezegd of geschreven").fill(WORDS[0])
    page.evaluate("addEventListener('submit', (event) => event.preventDefault())")  # the answer is long in coming
    button = page.get_by_role("button", name="De melding invoeren")
    button.click()
    expect(button).to_be_disabled()
    expect(page.get_by_role("status").filter(has_text="wordt gelezen")).to_be_visible()


# on paper


def test_the_receipt_is_a_letter_that_holds_no_word_of_the_report(world: World, visitor: Visitor) -> None:
    case_id = case_of(enter(visitor, world, **WHO))
    answer = visitor.get(f"/cases/{case_id}/paper/receipt.pdf")
    assert answer.mimetype == "application/pdf"
    text = pdf_text(answer.data)
    view = look(world, case_id)
    assert "Appie Ramdin Zinkwerf 31 2544 EC Den Haag" in text
    assert view.reference in text
    assert "Uiterlijk op zaterdag 27 februari 2027 hoort u van ons" in text
    assert "Dijkgraaf" not in text
    assert "factuur" not in text
    assert "e-mail" not in text.replace("e-mailadres", "")


def test_a_receipt_in_the_post_meets_its_term_and_the_promise_runs_from_that_day(
    world: World, visitor: Visitor
) -> None:
    case_id = case_of(enter(visitor, world, **WHO))
    before = {each.kind: each.due_at for each in look(world, case_id).dues}
    sent = {"version": visitor.version(case_id)}
    assert visitor.post(f"/cases/{case_id}/paper/sent", sent).status_code == 303
    after = {each.kind: each.due_at for each in look(world, case_id).dues}
    assert DueKind.RECEIPT not in after
    assert before[DueKind.FEEDBACK] - after[DueKind.FEEDBACK] > timedelta(days=4)
    assert f"{after[DueKind.FEEDBACK]:%Y-%m-%d}" == "2027-02-27"
    again_sent = visitor.post(f"/cases/{case_id}/paper/sent", {"version": visitor.version(case_id)})
    assert "geen ontvangstbevestiging meer" in visitor.get(again_sent.location).text


def test_minutes_are_printed_to_be_signed_and_of_a_letter_there_are_none(world: World, visitor: Visitor) -> None:
    case_id = case_of(enter(visitor, world, way="in_person", **WHO))
    text = pdf_text(visitor.get(f"/cases/{case_id}/paper/minutes.pdf").data)
    assert "vraagt leveranciers om 10 procent van iedere factuur" in text
    assert "Naam, datum en handtekening:" in text
    letter = case_of(enter(visitor, world, way="letter"))
    assert visitor.get(f"/cases/{letter}/paper/minutes.pdf").status_code == 404


def test_papers_are_for_who_said_why_they_open_who_reported(world: World, visitor: Visitor) -> None:
    case_id = case_of(enter(visitor, world, **WHO))
    other = coordinator(world, reason="")
    for name in ("receipt", "minutes"):
        assert other.get(f"/cases/{case_id}/paper/{name}.pdf").status_code == 403


def test_minutes_are_sent_for_approval_after_a_look_at_the_warning(world: World, visitor: Visitor) -> None:
    case_id = case_of(enter(visitor, world, name="Appie Ramdin", email="appie@reporter.example"))
    page = visitor.get(f"/cases/{case_id}/letter?purpose=minutes").text
    assert WORDS[0] in text_of(page)
    assert "Klopt het verslag?" in text_of(page)
    data = {"draft": "0", "purpose": "minutes", "language": "nl", "text": text_of(page), "then": "preview"}
    visitor.post(f"/cases/{case_id}/letter", data)
    assert send(visitor, case_id, move_on="y").status_code == 400
    assert send(visitor, case_id, move_on="y", seen="y").status_code == 303
    assert len(waiting(world)) == 1
    assert "De zaak komt dan op: Wacht op melder" in visitor.get(f"/cases/{case_id}").text


def test_minutes_are_in_no_draft_of_who_did_not_open_who_reported(world: World, visitor: Visitor) -> None:
    case_id = case_of(enter(visitor, world, email="appie@reporter.example"))
    page = coordinator(world, reason="").get(f"/cases/{case_id}/letter?purpose=minutes").text
    assert WORDS[0] not in page
    assert "[Open eerst wie er meldde" in text_of(page)


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_enters_a_letter_and_posts_the_receipt(
    world: World, new_page: Callable[..., Page], java_script: bool
) -> None:
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.get_by_role("link", name="Nieuwe melding").click()
    page.get_by_label("Per brief").check()
    page.get_by_label("Scan, foto's of pdf").set_input_files(
        {"name": "brief.docx", "mimeType": "application/octet-stream", "buffer": made.docx("Geachte,", *WORDS)}
    )
    page.get_by_label("Adres", exact=True).fill("Zinkwerf 31\n2544 EC Den Haag")
    page.get_by_role("button", name="De melding invoeren").click()
    expect(page.get_by_role("status").first).to_contain_text("De melding is ingevoerd")
    expect(page.locator("#report")).to_contain_text("Rolf Dijkgraaf")
    open_who_reported(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="De ontvangstbevestiging als brief (pdf)").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    page.get_by_role("button", name="De ontvangstbevestiging is op de post").click()
    expect(page.get_by_role("status").first).to_contain_text("op de post")
