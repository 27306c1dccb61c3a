"""The queue: which cases it shows, in which order, and what it says of each."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from bench.busy_desk import cases_on
from cases.roles import Role
from cases.terms import DueKind
from config.settings import MailboxSettings
from store import grants, mailboxes, models
from tests.desk.conftest import log_in
from tests.desk.world import DESK, LOGIN, REPORT, START, Visitor, World, coordinator, join
from triage.model import FORMAT


def _references(text: str) -> list[str]:
    return re.findall(r'class="open ref"[^>]*>([^<]+)<', text)


def test_what_is_most_overdue_stands_on_top(world: World) -> None:
    world.new_case(dues={DueKind.FEEDBACK: START + timedelta(days=30)})
    world.new_case(dues={DueKind.FIRST_LOOK: START - timedelta(days=1)})
    world.new_case(dues={DueKind.FIRST_LOOK: START - timedelta(days=3)})
    text = coordinator(world).get("/").text
    assert _references(text) == ["K2345-00002", "K2345-00001", "K2345-00000"]
    assert "3 dagen te laat" in text
    assert "<b>2</b>over de termijn" in text


def test_the_benchmark_of_a_busy_desk_finds_the_cases_of_a_page(world: World) -> None:
    world.new_case()
    world.new_case()
    person = coordinator(world)
    found = cases_on(person.get("/").text)
    assert len(set(found)) == 2
    assert [person.get(address).status_code for address in found] == [200, 200]


@pytest.mark.parametrize(
    ("due", "in_dutch", "in_english"),
    [
        (datetime(2026, 11, 24, 22, 59, 59, tzinfo=UTC), "3 dagen te laat", "3 days overdue"),
        (datetime(2026, 11, 26, 22, 59, 59, tzinfo=UTC), "1 dag te laat", "1 day overdue"),
        (datetime(2026, 11, 27, 7, 30, tzinfo=UTC), "2 uur te laat", "2 hours overdue"),
        (datetime(2026, 11, 27, 22, 59, 59, tzinfo=UTC), "vandaag", "today"),
        (datetime(2026, 11, 27, 14, 30, tzinfo=UTC), "vandaag, 15:30", "today, 15:30"),
        (datetime(2026, 11, 28, 22, 59, 59, tzinfo=UTC), "morgen", "tomorrow"),
        (datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC), "over 3 dagen", "in 3 days"),
        (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "over 4 dagen", "in 4 days"),
    ],
)
def test_a_row_and_a_case_tell_how_many_days_are_left_in_days_of_the_desk(
    world: World, due: datetime, in_dutch: str, in_english: str
) -> None:
    case_id = world.new_case(dues={DueKind.FEEDBACK: due}).case_id
    for language, left in (("nl", in_dutch), ("en", in_english)):
        visitor = coordinator(world, language=language)
        for address in ("/", f"/cases/{case_id}"):
            assert re.search(
                rf'<time datetime="{re.escape(due.isoformat())}"[^>]*>{left}</time>', visitor.get(address).text
            )


def test_a_row_tells_kind_category_severity_and_what_is_missing(world: World) -> None:
    world.new_case()
    row = coordinator(world).get("/").text.split("<tbody>")[1]
    for word in ("Melding", "Strafbaar feit", "en nog 1", "Hoog", "Telefoonnummer", "Adres", "Eerste blik", "nieuw"):
        assert word in row


def test_new_messages_count_until_somebody_has_looked(world: World) -> None:
    case_id = world.new_case().case_id
    world.further_message(case_id)
    visitor = coordinator(world)
    row = visitor.get("/").text.split("<tbody>")[1]
    assert ">nieuw<" in row
    assert "1 ongelezen vervolgbericht<" in row
    visitor.get(f"/cases/{case_id}")
    row = visitor.get("/").text.split("<tbody>")[1]
    assert ">nieuw<" not in row
    assert "ongelezen" not in row
    for _ in range(2):
        world.further_message(case_id, report={**REPORT, "severity": "acuut", "missing": ["address"]})
    row = visitor.get("/").text.split("<tbody>")[1]
    assert "2 ongelezen vervolgberichten" in row
    assert "Acuut" in row
    assert "Telefoonnummer" in row
    visitor.get(f"/cases/{case_id}")
    row = visitor.get("/").text.split("<tbody>")[1]
    assert "Acuut" in row
    assert "Hoog" not in row
    assert "Telefoonnummer" not in row


def test_of_what_is_due_on_the_same_day_the_gravest_stands_on_top_and_a_report_before_other_mail(world: World) -> None:
    due = {DueKind.FIRST_LOOK: START + timedelta(days=2)}
    given = [("overig", "hoog"), ("klacht", "hoog"), ("advies", "hoog"), ("aanvulling", "hoog"), ("melding", "hoog")]
    for minute, (kind, severity) in enumerate([*given, ("overig", "acuut"), ("overig", None), ("melding", "midden")]):
        later = {DueKind.FIRST_LOOK: due[DueKind.FIRST_LOOK] + timedelta(minutes=minute)}
        world.new_case(dues=later, report={**REPORT, "kind": kind, "severity": severity})
    world.new_case(dues={DueKind.FIRST_LOOK: START - timedelta(minutes=1)}, report={**REPORT, "severity": "laag"})
    world.new_case(dues={DueKind.FEEDBACK: START + timedelta(days=9)}, report={**REPORT, "severity": "acuut"})
    shown = [reference[-1] for reference in _references(coordinator(world).get("/").text)]
    assert shown == ["8", "5", "4", "3", "2", "1", "0", "6", "7", "9"]


def test_what_nobody_could_open_stands_where_what_nobody_could_read_does(world: World) -> None:
    """mail-cases 69"""
    locked = {"automatic": None, "marks": ["encrypted"]}
    for severity in ("midden", "hoog"):
        world.new_case(report={**REPORT, "severity": severity})
    world.new_case(report=locked, own_text="")
    followed = world.new_case(report={**REPORT, "severity": "laag"}).case_id
    visitor = coordinator(world, language="en")
    assert [one[-1] for one in _references(visitor.get("/").text)] == ["1", "2", "0", "3"]
    visitor.get(f"/cases/{followed}")
    world.further_message(followed, report=locked, own_text="")
    page = visitor.get("/").text
    assert [one[-1] for one in _references(page)] == ["1", "3", "2", "0"]
    row = page.split("K2345-00003")[1].split("</tr>")[0]
    assert re.search(r"follow-up:</small>\s*<span class=\"soft\">not assessed<", row)


def test_of_mail_that_is_no_report_nobody_asks_what_is_missing(world: World) -> None:
    missing = {"nothing": {**REPORT, "missing": []}, "–": {**REPORT, "kind": "advies", "missing": []}}
    for words, report in missing.items():
        case_id = world.new_case(report=report).case_id
        page = coordinator(world, language="en").get(f"/cases/{case_id}").text.split("</section>")[0]
        assert re.search(rf"<dt>Missing</dt><dd>\s*<span class=\"soft\">{words}<", page)


def test_a_mail_of_last_year_that_was_taken_in_today_was_received_last_year(world: World) -> None:
    case_id = world.new_case(received_at=START - timedelta(days=366)).case_id
    visitor = coordinator(world)
    assert "12 maanden</time>" in visitor.get("/").text
    assert "Ontvangen 26 nov 2025" in visitor.get(f"/cases/{case_id}").text


def test_the_overdue_that_are_counted_are_those_that_are_shown(world: World) -> None:
    past = START - timedelta(days=1)
    world.new_case(dues={DueKind.FIRST_MESSAGE: past, DueKind.FEEDBACK: past})
    reminded = world.new_case(dues={DueKind.REMINDER: past}).case_id
    visitor = coordinator(world)
    text = visitor.get("/").text
    assert "<b>1</b>over de termijn" in text
    assert text.count('<tr class="late">') == 1
    assert "te laat" not in visitor.get(f"/cases/{reminded}").text


def test_a_status_in_the_address_shows_those_cases_alone(world: World) -> None:
    first = world.new_case().case_id
    world.new_case()
    visitor = coordinator(world)
    visitor.post(f"/cases/{first}/status", {"version": visitor.version(first), "status": "investigating"})
    assert _references(visitor.get("/?status=investigating").text) == ["K2345-00000"]
    assert _references(visitor.get("/?status=received").text) == ["K2345-00001"]
    assert len(_references(visitor.get("/").text)) == 2


def test_a_status_that_does_not_exist_is_not_found(world: World) -> None:
    visitor = coordinator(world)
    assert visitor.get("/?status=secret").status_code == 404
    assert visitor.get("/?page=0").status_code == 404


def test_beyond_the_last_page_stands_the_last(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    for beyond in ("99", "99999999999"):
        assert visitor.get(f"/?status=received&page={beyond}").location == "/?page=1&status=received"
    assert visitor.get("/?status=closed&page=2").location == "/?page=1&status=closed"


def test_a_long_queue_has_pages(world: World) -> None:
    for _ in range(53):
        world.new_case()
    visitor = coordinator(world)
    first, second = visitor.get("/"), visitor.get("/?page=2")
    assert len(_references(first.text)) == 50
    assert len(_references(second.text)) == 3
    assert "Pagina 1 van 2" in first.text
    assert not set(_references(first.text)) & set(_references(second.text))


def test_an_empty_queue_says_so(world: World) -> None:
    assert "Hier staat geen zaak" in coordinator(world).get("/").text


def test_the_queue_speaks_english_to_who_prefers_it_or_chooses_it(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    assert "Criminal offence" in coordinator(world, language="en-GB,en;q=0.9").get("/").text
    answer = visitor.post("/language", {"language": "en", "then": "/?status=received"})
    assert answer.location == "/?status=received"
    assert "Criminal offence" in visitor.get("/").text
    assert visitor.post("/language", {"language": "xx"}).status_code == 400


def _with_mailbox(world: World) -> Visitor:
    mailbox = MailboxSettings(desk=DESK, host="127.0.0.1", user="box", security="plain")
    settings = world.settings.model_copy(update={"mailboxes": {"loket": mailbox}})
    world.serve(settings)
    return coordinator(world)


def test_the_queue_tells_when_the_mailbox_was_last_read_and_what_waits_in_it(world: World) -> None:
    visitor = _with_mailbox(world)
    assert "Postbus" not in visitor.get("/").text
    mailboxes.note_look(world.database, DESK, "loket", 3)
    world.clock.now = world.database.now() + timedelta(minutes=2)
    page = coordinator(world).get("/").text
    assert "laatst gelezen 2 minuten geleden" in page
    assert "Er wachten 3 mails in." in page
    assert "niet gelezen" not in page


def test_a_mailbox_that_nobody_reads_any_more_is_told_of(world: World) -> None:
    """mail-cases 33"""
    _with_mailbox(world)
    mailboxes.note_look(world.database, DESK, "loket", 0)
    world.clock.now = world.database.now() + timedelta(days=3)
    page = coordinator(world).get("/").text
    assert "De postbus loket is al 3 dagen niet gelezen." in page


def test_how_long_ago_is_told_in_minutes_at_the_least(world: World) -> None:
    world.new_case()
    for seconds, said in ((59, "zojuist"), (13, "1 minuut"), (20, "2 minuten")):
        world.clock.forward(seconds=seconds)
        assert f">{said}</time>" in coordinator(world).get("/").text


def test_filters_in_the_address_combine_by_slugs_alone(world: World) -> None:
    visitor = coordinator(world)
    grave = {**REPORT, "severity": "acuut"}
    soon = {DueKind.FEEDBACK: START + timedelta(days=5)}
    late = {DueKind.FIRST_LOOK: START - timedelta(days=1)}
    advice = world.new_case(report={**REPORT, "kind": "advies", "missing": ["email"]}).case_id
    world.new_case(report=grave, dues=soon)
    world.new_case(report=grave, dues=late)
    world.new_case(dues=late)
    visitor.get(f"/cases/{advice}")
    shown = {
        "?due=overdue": "23",
        "?due=today": "23",
        "?due=feedback_week": "1",
        "?due=week": "01",
        "?mail=new": "123",
        "?kind=advies": "0",
        "?kind=advies&mail=new": "",
        "?missing=email": "0",
        "?severity=acuut": "12",
        "?severity=acuut&due=overdue": "2",
        "?category=corruptie&severity=hoog&status=received": "03",
        "?status=&kind=&severity=acuut": "12",
        "?severity=acuut&status=closed": "",
    }
    for address, expected in shown.items():
        page = visitor.get(f"/{address}").text
        assert sorted(one[-1] for one in _references(page)) == list(expected), address
        assert f"{len(expected)} za" in page, address


def test_the_filter_finds_a_case_by_the_graver_follow_up_that_its_row_tells_of(world: World) -> None:
    case_id = world.new_case().case_id
    visitor = coordinator(world)
    assert not _references(visitor.get("/?severity=acuut").text)
    world.clock.forward(minutes=1)
    world.further_message(case_id, report={**REPORT, "severity": "acuut"})
    for address in ("/?severity=acuut", "/?severity=hoog"):
        page = visitor.get(address).text
        assert [one[-1] for one in _references(page)] == ["0"], address
        assert "vervolgbericht" in page


@pytest.mark.parametrize("address", ["?kind=Rolf", "?due=soon", "?severity=hoog%20", "?status=destroyed", "?mail=old"])
def test_a_filter_that_does_not_exist_is_not_found(world: World, address: str) -> None:
    assert coordinator(world).get(f"/{address}").status_code == 404


def test_each_count_on_top_leads_to_the_cases_that_it_counts(world: World) -> None:
    waiting = world.new_case(dues={}).case_id
    world.new_case(dues={DueKind.FEEDBACK: START + timedelta(days=6)})
    world.new_case(dues={DueKind.FEEDBACK: START + timedelta(days=8)})
    world.new_case(dues={DueKind.FEEDBACK: START - timedelta(days=8)})
    answered, _ = (world.new_case(dues={DueKind.FIRST_LOOK: START + timedelta(days=2)}).case_id for _ in range(2))
    visitor = coordinator(world)
    answers = {"version": visitor.version(answered), "clear": "yes", "breach": "no", "severity": "laag"}
    visitor.post(f"/cases/{answered}/first-look", answers)
    visitor.post(f"/cases/{waiting}/status", {"version": visitor.version(waiting), "status": "awaiting_reporter"})
    counts = re.findall(r'<li[^>]*><a href="(/\?[^"]+)"><b>(\d+)</b>([^<]+)</a>', visitor.get("/").text)
    assert [(number, words) for _, number, words in counts] == [
        ("2", "te bekijken"),
        ("1", "wachten op de melder"),
        ("1", "terugkoppeling binnen een week"),
        ("1", "over de termijn"),
    ]
    for address, number, _ in counts:
        assert len(_references(visitor.get(address).text)) == int(number), address


def test_a_page_further_on_and_another_status_keep_the_filters(world: World) -> None:
    for _ in range(51):
        world.new_case(report={**REPORT, "severity": "acuut"})
    visitor = coordinator(world)
    visitor.get("/?severity=acuut")
    world.app.extensions["meldpost-desk"].indexes.wait()
    page = visitor.get("/?severity=acuut").text
    assert 'href="/?page=2&amp;severity=acuut"' in page
    assert 'href="/?status=closed&amp;severity=acuut"' in page
    assert len(_references(visitor.get("/?page=2&severity=acuut").text)) == 1


def test_that_a_training_is_due_is_told_with_the_command_to_who_can_give_it(world: World) -> None:
    taken = world.new_case()
    visitor, command = coordinator(world), f"meldpost train --from-desk {DESK} --login "
    with world.database.begin() as session:
        models.add(session, world.ring, world.index, b"model", [taken.case_id], {}, START, FORMAT)
    assert command not in visitor.get("/").text
    with world.database.begin() as session:
        models.add(session, world.ring, world.index, b"model", ["0" * 32], {}, START, FORMAT)
    assert f"{command}{LOGIN}<" in visitor.get("/").text
    with world.database.begin() as session:
        models.use(session, world.ring, world.index, 1, START)
    assert command not in visitor.get("/").text


def test_a_model_that_this_version_cannot_use_is_to_be_trained_anew(world: World) -> None:
    with world.database.begin() as session:
        models.add(session, world.ring, world.index, b"model", [], {}, START, FORMAT - 1)
    assert "meldpost train --from-desk" in coordinator(world).get("/").text


def test_the_gravest_of_a_day_stands_on_the_first_page_once_the_index_is_read(world: World) -> None:
    for severity in [*["laag"] * 51, "acuut"]:
        world.new_case(report={**REPORT, "severity": severity})
    visitor = coordinator(world)
    assert _references(_once_read(world, visitor))[0] == "K2345-00051"
    assert len(_references(visitor.get("/?page=2").text)) == 2


CIRCULAR = "De gemeente laat de bomen aan de singel kappen zonder vergunning, en " * 3


def _once_read(world: World, visitor: Visitor, address: str = "/") -> str:
    """A page of the queue, once the index is there."""
    visitor.get(address)
    world.app.extensions["meldpost-desk"].indexes.wait()
    return visitor.get(address).text


def test_many_mails_of_one_wording_are_one_line_that_leads_to_each(world: World) -> None:
    world.new_case(report={**REPORT, "severity": "midden"}, dues={DueKind.FIRST_LOOK: START + timedelta(hours=1)})
    for day, severity in enumerate(["laag", "acuut", "laag"], start=1):
        due = {DueKind.FIRST_LOOK: START + timedelta(hours=day)}
        world.new_case(own_text=CIRCULAR, report={**REPORT, "severity": severity}, dues=due)
    visitor = coordinator(world)
    page = _once_read(world, visitor)
    assert _references(page) == ["K2345-00001", "K2345-00000"], "the gravest behind a line lifts it"
    assert "en nog 2 van één afzender of met dezelfde tekst" in page
    row = page.split("K2345-00001")[1].split("</tr>")[0]
    assert re.search(r"ernstigste van de andere:</small>\s*<span class=\"[^\"]*red\">Acuut<", row)
    assert "4 zaken" in page
    link = re.search(r'href="(/\?alike=[0-9a-f]{32})"', row)
    assert link
    opened = visitor.get(link[1]).text
    assert sorted(_references(opened)) == ["K2345-00001", "K2345-00002", "K2345-00003"]
    assert "en nog 2" not in opened
    assert len(_references(visitor.get("/?fold=off").text)) == 4
    assert _references(visitor.get(f"{link[1]}&severity=acuut").text) == ["K2345-00002"]


def test_many_mails_of_one_sender_are_one_line(world: World) -> None:
    for number in range(3):
        world.new_case(own_text=f"Bericht {number}", sender="appie@reporter.example")
    page = _once_read(world, coordinator(world))
    assert len(_references(page)) == 1
    assert "en nog 2 van één afzender" in page


def test_a_member_is_told_of_no_line_with_cases_that_they_may_not_open(world: World) -> None:
    for _ in range(4):
        last = world.new_case(own_text=CIRCULAR).case_id
    ring = join(world, "i.onderzoeker", Role.INVESTIGATOR)
    with world.database.begin() as session:
        reason = {"reason": "Onderzoek.", "identity": True, "now": world.clock.now}
        grants.grant(session, world.ring, world.index, last, ring.member_id, **reason)
    visitor = coordinator(world, ring)
    assert "van één afzender" not in _once_read(world, visitor)
    assert _references(visitor.get(f"/?alike={last}").text) == ["K2345-00003"]
    assert visitor.get("/?alike=Rolf").status_code == 404


def test_a_telephone_shows_the_first_case_at_once_and_folds_the_filters(
    world: World, new_page: Callable[..., Page]
) -> None:
    world.new_case()
    page = new_page(viewport={"width": 390, "height": 844})
    log_in(page)
    first = page.get_by_role("row").filter(has_text="K2345-00000").bounding_box()
    assert first
    assert first["y"] < 844
    page.get_by_text("Filters", exact=True).click()
    expect(page.get_by_label("Bij wie")).to_be_visible()
    expect(page.get_by_role("navigation", name="Filter op status")).to_be_visible()


def test_each_row_names_the_persons_concerned(world: World) -> None:
    persons = [{"name": f"Persoon {each}", "function": None} for each in ("Een", "Twee", "Drie")]
    world.new_case(report={**REPORT, "concerned": persons})
    world.new_case(report={**REPORT, "concerned": [{"name": None, "function": "chef inkoop"}]})
    world.new_case(report={**REPORT, "concerned": []})
    page = coordinator(world).get("/").text
    assert "<bdi>Persoon Een</bdi>, <bdi>Persoon Twee</bdi> en nog 1" in page
    assert "Persoon Drie" not in page
    assert "chef inkoop" in page


def test_on_paper_the_queue_is_a_table_with_dates_and_without_what_one_presses(
    world: World, new_page: Callable[..., Page]
) -> None:
    case_id = world.new_case().case_id
    page = new_page(viewport={"width": 700, "height": 900})
    log_in(page)
    page.emulate_media(media="print")
    for address in ("/", f"/cases/{case_id}"):
        page.goto(address)
        for control in ("button", "a.button", "select", "summary:has-text('Filters')", "nav"):
            for each in page.locator(f"main {control}").all():
                expect(each).not_to_be_visible()
    page.goto("/")
    assert page.locator("table.queue").evaluate("one => getComputedStyle(one).display") == "table"
    due = page.locator("td[data-label='Termijn'] time")
    assert "2026" in due.evaluate("one => getComputedStyle(one, '::after').content")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
