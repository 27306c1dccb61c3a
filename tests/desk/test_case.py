"""A case on its page: what it shows, and what a person does to it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from desk import receipts
from desk.forms import DECISIONS
from store import audit, outbox
from store.audit import Action
from store.outbox import OutgoingKind
from store.records import RecordKind
from tests.desk.world import DESK, LOGIN, REPORT, START, Visitor, World, coordinator, passage
from tests.store.world import damage


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case().case_id


@pytest.fixture
def visitor(world: World) -> Visitor:
    return coordinator(world)


def _rows(visitor: Visitor) -> str:
    """What the queue says of cases, below the words of its filters."""
    return visitor.get("/").text.split("<tbody>")[1].split("</tbody>")[0]


def _change(
    visitor: Visitor, case_id: str, what: str, data: dict[str, Any], version: str | None = None
) -> TestResponse:
    version = version or visitor.version(case_id)
    return visitor.post(f"/cases/{case_id}/{what}", {"version": version, **data})


CLOSED = {"status": "closed", "outcome": "unsubstantiated", "approver": "de secretaris-generaal", "all_the_same": "y"}


def _section(visitor: Visitor, case_id: str, name: str) -> str:
    text = visitor.get(f"/cases/{case_id}").text
    return text[text.index(f'id="{name}"') :].split("</section>")[0]


def _seen(visitor: Visitor, case_id: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', visitor.get(f"/cases/{case_id}").text)
    assert found
    return found[1]


def _accept_all(visitor: Visitor, case_id: str) -> TestResponse:
    return _change(visitor, case_id, "accept", {"seen": _seen(visitor, case_id)})


def test_the_page_shows_the_words_the_fields_and_what_they_rest_on(visitor: Visitor, case_id: str) -> None:
    text = visitor.get(f"/cases/{case_id}").text
    assert "K2345-00000" in text
    assert "Rolf Dijkgraaf" in text
    assert "contractmanager catering" in text
    assert passage("10 procent\nvan iedere factuur", "Strafbaar feit") in text
    assert "97 %" in text
    assert "appie@reporter.example" in text
    assert "Telefoonnummer, Adres" in text
    assert "Voorstel van de machine" in text


def test_own_words_come_first_and_quoted_ones_are_folded(world: World, visitor: Visitor) -> None:
    case_id = world.new_case(quoted_text="Op maandag schreef het loket").case_id
    text = visitor.get(f"/cases/{case_id}").text
    assert text.index("Ik heb de mails gezien") < text.index("<details><summary>Aangehaald")
    assert text.index("<details><summary>Aangehaald") < text.index("Op maandag schreef het loket")


def test_what_a_mail_says_is_text_and_never_markup(world: World, visitor: Visitor) -> None:
    bad = "<script>alert(1)</script>"
    report = {**REPORT, "concerned": [{"name": bad, "function": bad}], "evidence": [{"text": bad, "category": bad}]}
    contact = {"name": bad, "email": bad, "phone": bad, "address": bad}
    case_id = world.new_case(
        subject=bad, own_text=f"x {bad} y", quoted_text=bad, report=report, contact=contact, files=[(bad, b"a")]
    ).case_id
    text = visitor.get(f"/cases/{case_id}").text
    assert bad not in text
    assert "&lt;script&gt;alert(1)" in text


def test_how_sure_the_machine_was_stands_with_severity_persons_and_what_is_missing(
    world: World, visitor: Visitor
) -> None:
    scores = {"severity_scores": {"midden": 0.31, "hoog": 0.69}, "concerned_scores": [0.88]}
    text = visitor.get(f"/cases/{world.new_case(report={**REPORT, **scores}).case_id}").text
    for label, score in (("Hoog", 69), ("Rolf Dijkgraaf", 88), ("Telefoonnummer", 99)):
        assert re.search(rf'aria-label="{label}"></meter><span>{score} %</span>', text), label


def test_nobody_found_by_the_machine_is_told_from_nobody_named(world: World, visitor: Visitor) -> None:
    case_id = world.new_case(report={**REPORT, "concerned": []}).case_id
    assert "niemand gevonden" in visitor.get(f"/cases/{case_id}").text
    _change(visitor, case_id, "decide/concerned", {})
    text = visitor.get(f"/cases/{case_id}").text
    assert "niet genoemd" in text


def test_accepting_a_suggestion_makes_it_a_decision_with_a_name(visitor: Visitor, case_id: str) -> None:
    answer = _change(visitor, case_id, "decide/kind", {"value": "melding"})
    assert answer.status_code == 303
    assert answer.location == f"/cases/{case_id}#field-kind"
    assert f"Vastgesteld door {LOGIN}" in visitor.get(f"/cases/{case_id}").text


def test_a_correction_shows_in_the_queue_and_can_be_corrected_again(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "decide/primary", {"value": "pesten"})
    assert "Pesten" in _rows(visitor)
    assert "Voorstel van de machine:" in visitor.get(f"/cases/{case_id}").text
    _change(visitor, case_id, "decide/primary", {"value": "strafbaar_feit"})
    assert "Pesten" not in _rows(visitor)


def test_a_suggestion_that_was_accepted_is_not_shown_as_another(world: World, visitor: Visitor) -> None:
    two = [
        {"slug": "intimidatie", "score": 0.4, "sub": []},
        {"slug": "discriminatie", "score": 0.5, "sub": ["religie"]},
    ]
    case_id = world.new_case(report={**REPORT, "categories": two, "primary": "discriminatie"}).case_id
    _accept_all(visitor, case_id)
    assert "Voorstel van de machine:" not in visitor.get(f"/cases/{case_id}").text
    _change(visitor, case_id, "decide/categories", {"value": ["discriminatie", "intimidatie"]})
    assert visitor.get(f"/cases/{case_id}").text.count("Voorstel van de machine:") == 1


def test_a_kind_chosen_in_doubt_says_why(world: World, visitor: Visitor, case_id: str) -> None:
    assert "Bij twijfel" not in visitor.get(f"/cases/{case_id}").text
    scores = {"melding": 0.4, "klacht": 0.5}
    doubtful = world.new_case(report={**REPORT, "kind_scores": scores}).case_id
    assert "Bij twijfel kiest de machine wat een mens moet lezen." in visitor.get(f"/cases/{doubtful}").text


def test_the_main_category_is_always_one_of_the_categories(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "decide/primary", {"value": "pesten"})
    field = _section(visitor, case_id, "field-categories").split('<p class="by">')[0]
    assert "Strafbaar feit (corruptie), Belangenverstrengeling, Pesten" in " ".join(field.split())
    refused = _change(visitor, case_id, "decide/categories", {"value": ["intimidatie", "strafbaar_feit"]})
    assert refused.status_code == 400
    assert "Kies eerst een andere hoofdcategorie." in refused.text
    _change(visitor, case_id, "decide/categories", {"value": ["intimidatie"]})
    assert "<dt>Categorie</dt><dd>Intimidatie</dd>" in visitor.get(f"/cases/{case_id}").text
    _change(visitor, case_id, "decide/categories", {})
    assert "<dt>Categorie</dt><dd>–</dd>" in visitor.get(f"/cases/{case_id}").text


def test_a_finer_label_brings_its_category_along(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "decide/primary", {"value": "pesten"})
    _change(visitor, case_id, "decide/categories", {"value": ["discriminatie.leeftijd", "pesten"]})
    assert "Pesten, Discriminatie (leeftijd)" in " ".join(visitor.get(f"/cases/{case_id}").text.split())


def test_persons_concerned_can_be_added_and_taken_away(visitor: Visitor, case_id: str) -> None:
    data = {"value-0-name": "", "value-0-function": "", "value-1-name": "Mia Example", "value-1-function": "directeur"}
    _change(visitor, case_id, "decide/concerned", data)
    strip = visitor.get(f"/cases/{case_id}").text.split("</section>")[0]
    assert "Mia Example" in strip
    assert "Rolf Dijkgraaf" not in strip


def test_a_mail_that_names_a_hundred_persons_is_a_case_like_any_other(world: World, visitor: Visitor) -> None:
    many = [{"name": f"Naam{chr(97 + n // 26)}{chr(97 + n % 26)}", "function": "lid"} for n in range(100)]
    case_id = world.new_case(report={**REPORT, "concerned": many}).case_id
    assert visitor.get(f"/cases/{case_id}").status_code == 200
    data = {f"value-{n}-name": person["name"] for n, person in enumerate(many)}
    answer = _change(visitor, case_id, "decide/concerned", data)
    assert answer.status_code == 400
    assert "Dat zijn er te veel" in answer.text
    assert _accept_all(visitor, case_id).status_code == 303


@pytest.mark.parametrize("version", ["0", "-1", "9" * 30, "9" * 5000, "x", ""])
def test_a_version_that_no_case_can_have_is_refused(visitor: Visitor, case_id: str, version: str) -> None:
    visitor.get(f"/cases/{case_id}")
    answer = visitor.post(f"/cases/{case_id}/decide/kind", {"version": version, "value": "klacht"})
    assert answer.status_code == 400


def test_a_damaged_case_is_shown_as_far_as_it_can_be_opened(world: World, visitor: Visitor, case_id: str) -> None:
    other = world.new_case().case_id
    damage(world.database, case_id, RecordKind.CARD)
    damage(world.database, case_id, RecordKind.REPORT)
    row = _rows(visitor)
    assert "niet te openen" in row
    assert "K2345-00001" in row
    text = visitor.get(f"/cases/{case_id}").text
    assert "2 onderdelen van deze zaak zijn niet te openen" in text
    assert "Ik heb de mails gezien" in text
    assert "niet te openen" not in visitor.get(f"/cases/{other}").text


def test_nothing_missing_can_be_said(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "decide/missing", {})
    assert "Telefoonnummer" not in _rows(visitor)


def test_contact_details_can_be_corrected(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "contact", {"name": "A. Ramdin", "email": "", "phone": "06 12345678", "address": ""})
    text = visitor.get(f"/cases/{case_id}").text
    assert "<dd>A. Ramdin</dd>" in text
    assert "<dd>06 12345678</dd>" in text


def test_the_first_look_answers_three_questions_and_is_due_no_longer(visitor: Visitor, case_id: str) -> None:
    answer = _change(visitor, case_id, "first-look", {"clear": "yes", "breach": "no", "severity": "acuut"})
    assert answer.status_code == 303
    text = visitor.get(f"/cases/{case_id}").text
    assert f"Beantwoord door {LOGIN}" in text
    assert "Acuut" in text.split("</section>")[0]
    assert "Eerste blik" not in visitor.get("/").text


def test_how_serious_the_first_look_found_it_is_what_a_person_said(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "first-look", {"clear": "yes", "breach": "no", "severity": "acuut"})
    text = visitor.get(f"/cases/{case_id}").text
    severity = text.split('id="field-severity"')[1].split('<div class="field"')[0]
    assert f"Vastgesteld door {LOGIN}" in severity
    assert "Voorstel van de machine:" in severity
    assert "nog door niemand bekeken" not in severity


def test_an_unanswered_question_is_named_and_the_other_answers_are_kept(visitor: Visitor, case_id: str) -> None:
    answer = _change(visitor, case_id, "first-look", {"clear": "no", "severity": "laag"})
    assert answer.status_code == 400
    assert "Kies een van deze." in answer.text
    assert 'name="clear" value="no" checked' in answer.text
    assert 'name="severity" value="laag" checked' in answer.text


def test_the_status_changes_along_the_life_cycle_alone(visitor: Visitor, case_id: str) -> None:
    assert _change(visitor, case_id, "status", {"status": "assessing"}).status_code == 303
    assert "Status gewijzigd van Ontvangen naar In beoordeling" in visitor.get(f"/cases/{case_id}").text
    assert _change(visitor, case_id, "status", {"status": "received"}).status_code == 400
    assert _change(visitor, case_id, "status", {"status": "merged"}).status_code == 400
    assert _change(visitor, case_id, "status", {"status": "nonsense"}).status_code == 400


def test_closing_asks_for_an_outcome_and_an_approver(visitor: Visitor, case_id: str) -> None:
    answer = _change(visitor, case_id, "status", {"status": "closed"})
    assert answer.status_code == 400
    assert "met welke uitkomst" in answer.text
    answer = _change(visitor, case_id, "status", {"status": "closed", "outcome": "unsubstantiated", "approver": " "})
    assert answer.status_code == 400
    assert "wie het sluiten van de zaak heeft goedgekeurd" in answer.text
    assert _change(visitor, case_id, "status", CLOSED).status_code == 303
    text = visitor.get(f"/cases/{case_id}").text
    assert "Ongegrond" in text
    assert "de secretaris-generaal" in text
    assert "K2345-00000" not in visitor.get("/").text
    assert "K2345-00000" in visitor.get("/?status=closed").text


def test_a_closed_case_can_be_opened_again_and_what_was_due_is_due_again(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "status", CLOSED)
    assert "27 feb 2027" not in _section(visitor, case_id, "dues")
    assert _change(visitor, case_id, "status", {"status": "assessing"}).status_code == 303
    assert "K2345-00000" in visitor.get("/").text
    dues = _section(visitor, case_id, "dues")
    assert "27 feb 2027" in dues
    assert "29 nov 2026" in dues


def test_a_case_that_was_closed_and_is_set_aside_now_shows_no_outcome(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "status", CLOSED)
    _change(visitor, case_id, "status", {"status": "assessing"})
    _change(visitor, case_id, "status", {"status": "set_aside"})
    assert "de secretaris-generaal" not in _section(visitor, case_id, "status")


def test_what_is_due_is_done_with_one_press_and_due_again_with_another(visitor: Visitor, case_id: str) -> None:
    answer = _change(visitor, case_id, "dues/feedback/done", {"reason": "no_way"})
    assert answer.location == f"/cases/{case_id}#dues"
    dues = _section(visitor, case_id, "dues")
    assert "De melder is niet te bereiken</span>" in dues
    assert "dues/feedback/done" not in dues
    assert "Afgemeld: Terugkoppeling aan de melder" in visitor.get(f"/cases/{case_id}").text
    assert _change(visitor, case_id, "dues/feedback/open", {}).status_code == 303
    dues = _section(visitor, case_id, "dues")
    assert "27 feb 2027" in dues
    assert "dues/feedback/open" not in dues


def test_what_is_due_is_not_done_without_a_reason_nor_by_who_saw_an_older_case(visitor: Visitor, case_id: str) -> None:
    assert _change(visitor, case_id, "dues/feedback/done", {"reason": "nonsense"}).status_code == 400
    seen = visitor.version(case_id)
    _change(visitor, case_id, "decide/kind", {"value": "klacht"})
    answer = _change(visitor, case_id, "dues/feedback/done", {"reason": "no_way"}, version=seen)
    assert answer.status_code == 409
    assert "De melder is niet te bereiken" in answer.text
    assert "dues/feedback/done" in _section(visitor, case_id, "dues")


def test_only_what_a_person_does_is_done_by_saying_so(visitor: Visitor, case_id: str) -> None:
    for due in ("first_look", "reminder", "nonsense"):
        for what in ("done", "open"):
            assert _change(visitor, case_id, f"dues/{due}/{what}", {"reason": "done"}).status_code == 404


def test_all_suggestions_are_accepted_at_once_and_each_can_be_corrected(visitor: Visitor, case_id: str) -> None:
    assert _accept_all(visitor, case_id).location == f"/cases/{case_id}#report"
    text = visitor.get(f"/cases/{case_id}").text
    assert text.count(f"Vastgesteld door {LOGIN}") == len(DECISIONS)
    assert text.count("Vastgesteld: ") == len(DECISIONS)
    assert "Alle voorstellen overnemen" not in text
    _change(visitor, case_id, "decide/kind", {"value": "klacht"})
    assert "Voorstel van de machine:" in visitor.get(f"/cases/{case_id}").text


def test_accepting_all_leaves_what_a_person_decided_or_answered(visitor: Visitor, case_id: str) -> None:
    _change(visitor, case_id, "decide/kind", {"value": "klacht"})
    _change(visitor, case_id, "first-look", {"clear": "yes", "breach": "yes", "severity": "laag"})
    _accept_all(visitor, case_id)
    strip = visitor.get(f"/cases/{case_id}").text.split("</section>")[0]
    assert "Andere klacht" in strip
    assert "Laag" in strip


def test_suggestions_that_changed_since_they_were_shown_are_not_accepted(
    world: World, visitor: Visitor, case_id: str
) -> None:
    seen = _seen(visitor, case_id)
    world.further_message(case_id, report={**REPORT, "severity": "acuut"})
    answer = _change(visitor, case_id, "accept", {"seen": seen})
    assert answer.status_code == 303
    text = visitor.get(f"/cases/{case_id}").text
    assert "De voorstellen zijn veranderd" in text
    assert f"Vastgesteld door {LOGIN}" not in text


def test_a_mail_that_nobody_understood_has_nothing_to_accept(world: World, visitor: Visitor) -> None:
    case_id = world.new_case(report={}).case_id
    assert "Alle voorstellen overnemen" not in visitor.get(f"/cases/{case_id}").text
    assert _change(visitor, case_id, "accept", {"seen": ""}).status_code == 303
    assert f"Vastgesteld door {LOGIN}" not in visitor.get(f"/cases/{case_id}").text


def test_the_text_without_what_tells_who_wrote_it_is_there_as_an_unchecked_proposal(
    world: World, visitor: Visitor
) -> None:
    case_id = world.new_case(masked_text="Met groet, ▇▇▇").case_id
    conversation = _section(visitor, case_id, "conversation")
    assert "Met groet, ▇▇▇" in conversation
    assert "Een voorstel van de machine dat niemand heeft nagekeken" in conversation


def test_a_note_keeps_its_lines_and_its_writer(visitor: Visitor, case_id: str) -> None:
    assert visitor.post(f"/cases/{case_id}/notes", {"text": "Eerste regel\r\ntweede <b>regel</b>"}).status_code == 303
    text = visitor.get(f"/cases/{case_id}").text
    assert "Eerste regel" in text
    assert "tweede &lt;b&gt;regel&lt;/b&gt;" in text


def test_a_note_that_is_too_long_comes_back_whole(visitor: Visitor, case_id: str) -> None:
    visitor.get(f"/cases/{case_id}")
    long = "woord " * 10_000
    answer = visitor.post(f"/cases/{case_id}/notes", {"text": long})
    assert answer.status_code == 400
    assert "te lang" in answer.text
    assert long.strip() in answer.text


def test_of_two_who_change_the_same_case_the_second_is_told_and_loses_nothing(world: World, case_id: str) -> None:
    first, second = coordinator(world), coordinator(world)
    seen = second.version(case_id)
    _change(first, case_id, "decide/severity", {"value": "laag"})
    data = {"value-0-name": "Mia Example", "value-0-function": "directeur"}
    answer = _change(second, case_id, "decide/concerned", data, version=seen)
    assert answer.status_code == 409
    assert "Iemand anders was eerder" in answer.text
    assert "Mia Example, directeur" in answer.text
    assert 'name="value-0-name" value="Mia Example"' in answer.text
    assert "Mia Example" not in first.get(f"/cases/{case_id}").text
    again = _change(second, case_id, "decide/concerned", data)
    assert again.status_code == 303
    assert "Mia Example" in first.get(f"/cases/{case_id}").text


def test_what_was_typed_when_the_session_ended_is_given_back(world: World, visitor: Visitor, case_id: str) -> None:
    visitor.get(f"/cases/{case_id}")
    world.clock.forward(minutes=16)
    answer = visitor.post(f"/cases/{case_id}/notes", {"text": "Een lang verhaal"})
    assert answer.status_code == 403
    assert "Een lang verhaal" in answer.text
    assert "Log opnieuw in" in answer.text


def test_each_look_and_each_change_is_on_the_trail_with_its_member(
    world: World, visitor: Visitor, case_id: str
) -> None:
    _change(visitor, case_id, "decide/kind", {"value": "klacht"})
    visitor.post(f"/cases/{case_id}/notes", {"text": "gebeld"})
    with world.database.read() as session:
        entries = audit.timeline(session, world.ring, case_id)
    assert {Action.LOOK, Action.DECIDE, Action.NOTE} <= {entry.action for entry in entries}
    assert all(entry.member_id == world.ring.member_id for entry in entries if entry.action != Action.INTAKE)


def test_the_timeline_says_what_was_decided_and_what_went_out(world: World, visitor: Visitor, case_id: str) -> None:
    receipt = world.hold_receipt(case_id)
    visitor.post(f"/cases/{case_id}/release", {"mail": receipt})
    _change(visitor, case_id, "decide/severity", {"value": "laag"})
    _change(visitor, case_id, "decide/categories", {"value": ["strafbaar_feit.corruptie"]})
    _change(visitor, case_id, "decide/missing", {})
    _change(visitor, case_id, "first-look", {"clear": "yes", "breach": "yes", "severity": "acuut"})
    _change(visitor, case_id, "status", CLOSED)
    timeline = _section(visitor, case_id, "timeline")
    for words in (
        "Akkoord gegeven voor verzending: Ontvangstbevestiging",
        "Vastgesteld: Ernst: Laag",
        "Vastgesteld: Categorieën: Strafbaar feit (corruptie)",
        "Vastgesteld: Ontbreekt: niets",
        "Vragen van de eerste blik beantwoord. Ernst: Acuut",
        "Gesloten: Ongegrond",
    ):
        assert words in timeline


def test_a_page_that_comes_back_after_a_change_is_no_line_and_a_later_look_is(world: World, case_id: str) -> None:
    visitor = coordinator(world, reason="")  # to open who reported would be a line of its own
    _change(visitor, case_id, "decide/severity", {"value": "laag"})
    _change(visitor, case_id, "decide/kind", {"value": "klacht"})
    assert _section(visitor, case_id, "timeline").count("Zaak bekeken") == 1
    world.clock.forward(minutes=14)
    assert _section(visitor, case_id, "timeline").count("Zaak bekeken") == 2


def test_the_first_look_begins_at_the_severity_that_a_person_decided(visitor: Visitor, case_id: str) -> None:
    assert "checked" not in _section(visitor, case_id, "first-look")
    _change(visitor, case_id, "decide/severity", {"value": "laag"})
    assert 'name="severity" value="laag" checked' in _section(visitor, case_id, "first-look")


def test_who_approved_a_closing_is_not_filled_in_for_anybody(visitor: Visitor, case_id: str) -> None:
    assert re.search(r'<input[^>]*id="approver"[^>]*value=""', _section(visitor, case_id, "status"))


def test_a_machine_that_sent_a_message_is_no_reporter(world: World, visitor: Visitor) -> None:
    contact = {"name": "Mail Delivery System", "email": "daemon@example.org", "phone": None, "address": None}
    report = {**REPORT, "anonymous": True}
    case_id = world.new_case(contact=contact, report=report, automatic="bounce").case_id
    section = _section(visitor, case_id, "contact")
    assert "Mail Delivery System" not in section
    assert "anoniem" not in section
    assert "Niemand: een machine stuurde dit." in section
    _change(visitor, case_id, "contact", {"name": "Appie Ramdin", "email": "", "phone": "", "address": ""})
    assert "<dd>Appie Ramdin</dd>" in _section(visitor, case_id, "contact")


def test_an_address_of_the_reporter_that_is_none_is_refused_and_the_old_one_stays(
    visitor: Visitor, case_id: str
) -> None:
    old = _section(visitor, case_id, "contact").split("</dl>")[0]
    typed = {"name": "A. Ramdin", "email": "niet een adres", "phone": "", "address": ""}
    answer = visitor.post(f"/cases/{case_id}/contact", {"version": visitor.version(case_id), **typed})
    assert answer.status_code == 400
    assert '<a href="#contact-email">E-mail: Vul één e-mailadres in' in answer.text
    assert _section(visitor, case_id, "contact").split("</dl>")[0] == old


@pytest.mark.parametrize(
    ("typed", "odd"),
    [("abc", True), ("12", True), ("06 12345678 (na zes uur)", False), ("+32 470 12 34 56", False), ("", False)],
)
def test_a_telephone_number_that_looks_like_none_is_kept_and_a_hint_says_so(
    visitor: Visitor, case_id: str, typed: str, *, odd: bool
) -> None:
    _change(visitor, case_id, "contact", {"name": "A. Ramdin", "email": "", "phone": typed, "address": ""})
    section = _section(visitor, case_id, "contact")
    assert f"<dd>{typed}" in section
    assert ("lijkt geen telefoonnummer" in section) == odd


def test_a_case_that_is_over_is_reopened_by_that_word(visitor: Visitor, case_id: str) -> None:
    assert "Heropenen" not in _section(visitor, case_id, "status")
    _change(visitor, case_id, "status", CLOSED)
    assert ">Heropenen</button>" in _section(visitor, case_id, "status")


def test_the_only_status_that_there_is_to_go_to_is_chosen_beforehand(visitor: Visitor, case_id: str) -> None:
    assert " checked" not in _section(visitor, case_id, "status")
    _change(visitor, case_id, "status", CLOSED)
    assert 'value="assessing" checked' in _section(visitor, case_id, "status")


def test_a_receipt_to_a_sender_who_may_be_false_goes_only_when_it_is_chosen(world: World, visitor: Visitor) -> None:
    taken = world.new_case()
    doubtful = world.hold_receipt(taken.case_id)
    world.say_why_it_waits(taken, "dmarc_fail")
    page = visitor.get("/receipts/").text
    assert "afzender mogelijk vals" in page
    assert f'name="mail" value="{doubtful}"' in page
    assert f'name="shown" value="{doubtful}"' not in page
    assert 'value="all"' not in page
    section = _section(visitor, taken.case_id, "mail")
    assert "Waarom ze wacht: Volgens het domein" in section
    assert "Iedereen kan dit hebben geschreven" in section.split("Nu verzenden")[0].rsplit("<form", 1)[0]
    assert '<button class="quiet small">Nu verzenden' in section
    visitor.post("/receipts/", {"which": "chosen", "mail": doubtful})
    assert _held(world) == set()


def test_a_receipt_that_waits_says_why_and_when_its_message_came(world: World, visitor: Visitor) -> None:
    taken = world.new_case(received_at=START - timedelta(days=9))
    world.hold_receipt(taken.case_id)
    assert "Het bericht is oud" not in visitor.get("/receipts/").text
    world.say_why_it_waits(taken, "too_old")
    page = visitor.get("/receipts/").text
    assert "Het bericht is oud" in page
    assert "18 nov 2026" in page


def test_a_receipt_that_waits_shows_what_it_says_and_to_whom_it_goes_once_that_is_open(world: World) -> None:
    case_id = world.new_case().case_id
    world.hold_receipt(case_id)
    visitor = coordinator(world, reason="")
    page = visitor.get("/receipts/").text
    assert "Wij hebben uw bericht ontvangen." in page
    assert "appie@reporter.example" not in page
    assert f'href="/cases/{case_id}#contact"' in page
    visitor.post(f"/cases/{case_id}/identity", {"reason": "Wie krijgt dit?"})
    assert "appie@reporter.example" in visitor.get("/receipts/").text
    assert "appie@reporter.example" not in coordinator(world, reason="").get("/receipts/").text
    world.clock.forward(minutes=world.settings.web.identity_minutes)
    later = coordinator(world, reason="")
    assert "appie@reporter.example" not in later.get("/receipts/").text


def test_a_letter_that_waits_says_nothing_while_the_reporter_is_closed(world: World) -> None:
    case_id = world.new_case().case_id
    world.hold_receipt(case_id, kind=OutgoingKind.LETTER)
    visitor = coordinator(world, reason="")
    assert "Wij hebben uw bericht ontvangen." not in visitor.get("/receipts/").text
    visitor.post(f"/cases/{case_id}/identity", {"reason": "Nalezen."})
    assert "Wij hebben uw bericht ontvangen." in visitor.get("/receipts/").text


def test_of_very_many_receipts_that_wait_the_first_are_shown_as_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MOST_TEXTS", 2)
    case_id = world.new_case().case_id
    for _ in range(3):
        world.hold_receipt(case_id)
    page = coordinator(world).get("/receipts/").text
    assert page.count("Wij hebben uw bericht ontvangen.") == 2
    assert f'href="/cases/{case_id}#mail"' in page


def test_receipts_that_wait_are_let_go_one_by_one_or_all(world: World, visitor: Visitor, case_id: str) -> None:
    first, second, third = (world.hold_receipt(case_id) for _ in range(3))
    page = visitor.get("/receipts/").text
    assert page.count("K2345-00000") >= 3
    visitor.post("/receipts/", {"which": "chosen", "mail": first})
    assert _held(world) == {second, third}
    visitor.post(f"/cases/{case_id}/release", {"mail": second})
    assert _held(world) == {third}
    late = world.hold_receipt(case_id)
    visitor.post("/receipts/", {"which": "all", "shown": [second, third]})
    assert _held(world) == {late}


def test_choosing_no_receipt_lets_none_go(world: World, visitor: Visitor, case_id: str) -> None:
    world.hold_receipt(case_id)
    visitor.get("/receipts/")
    visitor.post("/receipts/", {"which": "chosen"})
    assert "Kies er ten minste een." in visitor.get("/receipts/").text
    assert len(_held(world)) == 1


def test_a_mail_to_the_reporter_shows_its_state_and_text(world: World, visitor: Visitor, case_id: str) -> None:
    world.hold_receipt(case_id)
    text = visitor.get(f"/cases/{case_id}").text
    assert "Wacht op uw akkoord" in text
    assert "Wij hebben uw bericht ontvangen." in text


def test_an_unreadable_mail_is_a_case_that_says_so(world: World, visitor: Visitor) -> None:
    case_id = world.new_case(state="unreadable").case_id
    row = _rows(visitor)
    assert "onleesbaar" in row
    assert "niets" not in row  # nobody knows what is missing
    text = visitor.get(f"/cases/{case_id}").text
    assert "de afzender heeft geen bevestiging gekregen" in text
    assert "/original" in text
    assert _change(visitor, case_id, "decide/kind", {"value": "melding"}).status_code == 303


def test_a_sender_who_is_new_to_the_case_is_marked(world: World, visitor: Visitor, case_id: str) -> None:
    world.further_message(case_id, sender_is_new=True, own_text="Ik weet er ook van.")
    assert "afzender nieuw in deze zaak" in visitor.get(f"/cases/{case_id}").text


def test_the_page_of_a_case_shows_times_on_the_clock_of_the_desk(visitor: Visitor, case_id: str) -> None:
    assert START.hour == 9
    assert "27 nov 2026, 10:30" in visitor.get(f"/cases/{case_id}").text


def _held(world: World) -> set[str]:
    with world.database.read() as session:
        return {row.id for row in outbox.held(session, DESK)}


def test_a_name_that_turns_the_direction_of_text_turns_nothing_beside_it(world: World) -> None:
    turned = {"name": "Rolf \u202e Dijkgraaf", "function": "chef \u202e inkoop"}
    case_id = world.new_case(report={**REPORT, "concerned": [turned]}).case_id
    page = coordinator(world).get(f"/cases/{case_id}").text
    assert "<bdi>Rolf \u202e Dijkgraaf</bdi> <small><bdi>chef \u202e inkoop</bdi></small>" in page
