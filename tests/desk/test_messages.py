"""What a mail brought, on the page of its case: in plain words, all of it escaped, none of it without bounds."""

import base64
import re
from typing import Any

import pytest
from sqlalchemy import update

from desk import words
from desk.messages import LONGEST_ASIDE, LONGEST_TEXT
from ingest.mail import Finding, SignatureResult, Unopened
from store import casework, outbox
from store.outbox import OutboxState
from store.schema import Outbox
from tests.desk.world import CONTACT, Visitor, World, coordinator, found_file, labelled, passage

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><b>"
CLEAN = {"result": "clean", "name": ""}
ALL_HOSTILE: dict[str, Any] = {
    "signature_text": HOSTILE,
    "defects": [HOSTILE],
    "flags": [HOSTILE],
    "reply_to": [{"name": HOSTILE, "address": HOSTILE}],
    "protection": {
        "encrypted": "openpgp",
        "opened": False,
        "reason": HOSTILE,
        "signatures": [{"kind": "openpgp", "result": HOSTILE, "signer": HOSTILE, "fingerprint": HOSTILE}],
    },
    "sender_keys": [{"kind": HOSTILE, "fingerprint": HOSTILE, "data": ""}],
    "authentication": {
        "verdict": HOSTILE,
        "checks": [{"method": HOSTILE, "result": HOSTILE, "domain": HOSTILE, "aligned": False}],
    },
    "to": [{"name": HOSTILE, "address": HOSTILE}],
    "hops": [{"from": HOSTILE, "by": HOSTILE, "at": None}],
    "delivery_report": {
        "kind": "delivery",
        "recipients": [{"address": HOSTILE, "action": "failed", "status": HOSTILE, "diagnostic": HOSTILE}],
    },
}


def page(world: World, case_id: str, visitor: Visitor | None = None) -> str:
    response = (visitor or coordinator(world)).get(f"/cases/{case_id}")
    assert response.status_code == 200
    return response.text


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_nothing_that_a_mail_holds_becomes_markup(world: World) -> None:
    file = found_file(
        HOSTILE,
        HOSTILE,
        text=HOSTILE,
        findings=[HOSTILE],
        scan={"result": "found", "name": HOSTILE},
        child={"from": {"name": HOSTILE, "address": HOSTILE}, "subject": HOSTILE, "date": None},
    )
    inner = found_file("a.txt", "text/plain", inside=0)
    taken = world.new_case(found=[file, inner], more=ALL_HOSTILE)
    html = page(world, taken.case_id)
    assert html.count("&lt;script&gt;alert(1)") > 15
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "onerror=alert(1)&gt;" in html


def test_a_file_stands_below_the_one_that_it_was_taken_out_of(world: World) -> None:
    """mail-cases 60, 63"""
    files = [
        found_file("winmail.dat", "application/ms-tnef"),
        found_file("later.pdf", "application/pdf"),
        found_file("binnenin.docx", "application/zip", inside=0, text="De afspraak over tien procent."),
    ]
    html = page(world, world.new_case(found=files).case_id)
    names = re.findall(r"<p class=\"file\"><(?:a [^>]+|strong)>([^<]+\.(?:dat|pdf|docx))</", html)
    assert names == ["winmail.dat", "binnenin.docx", "later.pdf"]
    assert 'class="level-1"' in html
    assert "komt uit winmail.dat" in html
    assert "De afspraak over tien procent." in html


def test_what_a_suggestion_rests_on_is_marked_in_a_file_too(world: World) -> None:
    file = found_file("a.docx", "application/zip", text="Hij vroeg 10 procent van\niedere factuur.")
    html = page(world, world.new_case(own_text="Zie bijlage.", found=[file]).case_id)
    assert passage("10 procent van\niedere factuur", "Strafbaar feit") in html


def test_names_functions_phone_and_address_are_marked_in_words_signature_quote_and_file(world: World) -> None:
    contact = {**CONTACT, "phone": "06 - 24 81 77 03", "address": "Zinkwerf 31,\n2544 EC Den Haag"}
    taken = world.new_case(
        contact=contact,
        quoted_text="> Rolf Dijkgraaf schreef",
        found=[found_file("a.docx", "application/zip", text="Bel 06 - 24  81 77 03.")],
        more={"signature_text": "Appie Ramdin\nZinkwerf 31, 2544 EC Den Haag"},
    )
    html = page(world, taken.case_id)
    assert html.count(labelled("concerned", "Rolf Dijkgraaf", "betrokkene")) == 2
    assert labelled("function", "contractmanager catering", "functie") in html
    assert html.count(labelled("reporter", "Appie Ramdin", "melder")) == 2
    assert labelled("phone", "06 - 24  81 77 03", "telefoon") in html
    assert labelled("address", "Zinkwerf 31, 2544 EC Den Haag", "adres") in html


def test_a_legend_names_the_marks_that_occur_and_no_others(world: World) -> None:
    legend = page(world, world.new_case().case_id).split('<dl class="legend">')[1].split("</dl>")[0]
    assert "<mark>waarop een voorgestelde categorie rust</mark>" in legend
    assert '<span class="part function">functie</span>' in legend
    assert "telefoon" not in legend
    assert 'class="legend"' not in page(world, world.new_case(own_text="Zie bijlage.").case_id)


def test_whom_a_person_says_that_it_is_about_is_marked_in_the_place_of_a_suggestion(world: World) -> None:
    case_id = world.new_case(own_text="Rolf Dijkgraaf en Mia Nel.").case_id
    visitor = coordinator(world)
    version = visitor.version(case_id)
    decided = {"value-0-name": "Mia Nel", "value-0-function": "", "version": version}
    assert visitor.post(f"/cases/{case_id}/decide/concerned", decided).status_code == 303
    assert '<span class="part concerned">Mia Nel<' in page(world, case_id)
    assert '<span class="part concerned">Rolf Dijkgraaf<' not in page(world, case_id)


def test_a_message_inside_a_message_shows_whom_it_is_from_and_when(world: World) -> None:
    """mail-cases 63"""
    child = {
        "from": {"name": "Kees", "address": "kees@elders.example"},
        "subject": "Onze afspraak",
        "date": "2026-11-02T10:12:00+00:00",
    }
    html = page(world, world.new_case(found=[found_file("a.eml", "message/rfc822", child=child)]).case_id)
    shown = text_of(html)
    assert "Onze afspraak een bericht in dit bericht" in shown
    assert "Kees kees@elders.example 2 nov 2026, 11:12" in shown


def test_what_the_virus_scanner_said_stands_at_the_download(world: World) -> None:
    """mail-cases 59"""
    files = [
        found_file("goed.pdf", "application/pdf", scan=CLEAN),
        found_file("besmet.pdf", "application/pdf", scan={"result": "found", "name": "Test.Virus-1"}),
        found_file("niet.pdf", "application/pdf", scan={"result": "unscanned", "name": ""}),
        found_file("zonder.pdf", "application/pdf"),
    ]
    shown = text_of(page(world, world.new_case(found=files, report={"marks": ["virus"]}).case_id))
    assert re.search(r"De virusscanner vond Test\.Virus-1 in dit bestand\. .* besmet\.pdf", shown)
    assert re.search(r"goed\.pdf 1 B · Pdf De virusscanner vond niets\.", shown)
    assert re.search(r"niet\.pdf 1 B · Pdf Niet op virussen gecontroleerd\.", shown)
    assert "virus gevonden" in coordinator(world).get("/").text


def test_a_file_is_called_what_it_was_found_to_be(world: World) -> None:
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    file = found_file("brief", "application/octet-stream", found_type=word)
    shown = text_of(page(world, world.new_case(found=[file]).case_id))
    assert "brief 1 B · Word-document" in shown


def test_a_virus_in_the_mail_as_it_came_is_told_where_no_file_holds_it(world: World) -> None:
    scan = {"result": "found", "name": "Test.Virus-2"}
    html = page(world, world.new_case(more={"scan": scan}).case_id)
    assert "De virusscanner vond Test.Virus-2 in dit bericht." in html
    assert ">virus gevonden<" in html


def test_a_message_whose_files_took_too_long_offers_to_be_read_again(world: World) -> None:
    quick = world.new_case(found=[found_file("a.pdf", "application/pdf")])
    slow = world.new_case(found=[found_file("a.pdf", "application/pdf", findings=["no_time"])])
    assert '<details class="aside" open>' not in page(world, quick.case_id)
    html = page(world, slow.case_id)
    assert '<details class="aside" open>' in html
    assert "Er was geen tijd voor sommige bestanden" in html


def test_a_message_that_could_not_be_decrypted_says_why_and_what_to_do(world: World) -> None:
    """mail-cases 46, 69"""
    protection = {"encrypted": "smime", "opened": False, "reason": "wrong_key", "signatures": []}
    taken = world.new_case(own_text="", report={"marks": ["encrypted"]}, more={"protection": protection})
    html = page(world, taken.case_id)
    assert "een andere sleutel dan die van het loket" in html
    assert "zonder versleuteling" in html
    assert f"/messages/{taken.message_id}/read-again" in html
    assert ">versleuteld<" in coordinator(world).get("/").text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_signature_is_ever_called_trusted(world: World, language: str) -> None:
    signatures = [
        {"kind": "openpgp", "result": result, "signer": "Appie", "fingerprint": "AB"} for result in SignatureResult
    ]
    protection = {"encrypted": None, "opened": False, "reason": "", "signatures": signatures}
    taken = world.new_case(more={"protection": protection})
    html = page(world, taken.case_id, coordinator(world, language=language)).lower()
    assert {"nl": "van wie die sleutel is, heeft niemand nagegaan", "en": "whose key that is, nobody checked"}[
        language
    ] in html
    for word in ("trusted", "verified", "authentic", "vertrouwd", "geverifieerd", "authentiek"):
        assert word not in html


def test_a_signature_over_a_part_says_that_the_rest_may_be_anybodys(world: World) -> None:
    signature = {"kind": "openpgp", "result": "valid", "signer": "", "fingerprint": "", "whole": False, "chained": True}
    protection = {"encrypted": None, "opened": False, "reason": "", "signatures": [signature]}
    html = page(world, world.new_case(more={"protection": protection}).case_id)
    assert "de rest kan van iedereen zijn" in html
    assert "een instantie die uw beheerder noemde" in html


def test_a_key_that_came_with_a_message_can_be_had_as_it_came(world: World) -> None:
    data = bytes(range(256))
    key = {"kind": "autocrypt", "fingerprint": "9F2C0A7715E6B1D4", "data": base64.b64encode(data).decode()}
    taken = world.new_case(more={"sender_keys": [key]})
    visitor = coordinator(world)
    assert "OpenPGP-sleutel (Autocrypt)" in page(world, taken.case_id, visitor)
    path = f"/cases/{taken.case_id}/messages/{taken.message_id}/keys"
    answer = visitor.get(f"{path}/1")
    assert answer.data == data
    assert "9F2C0A7715E6B1D4.pgp" in answer.headers["Content-Disposition"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert visitor.get(f"{path}/2").status_code == 404
    assert visitor.get(f"{path}/0").status_code == 404


def test_a_sender_whom_their_domain_denies_is_warned_of(world: World) -> None:
    check = {"method": "dmarc", "result": "fail", "domain": "reporter.example", "aligned": True}
    more = {"flags": ["dmarc_fail"], "authentication": {"verdict": "fail", "checks": [check]}}
    html = page(world, world.new_case(more=more).case_id)
    assert "Iedereen kan dit hebben geschreven" in html
    assert "DMARC: fail (reporter.example)" in html


def test_a_mail_that_could_not_be_delivered_says_so_where_it_stands_and_on_the_timeline(world: World) -> None:
    """mail-cases 71, 79"""
    case_id = world.new_case().case_id
    sent = world.hold_receipt(case_id)
    recipient = {"address": "appie@reporter.example", "action": "failed", "status": "5.1.1"}
    report = {"kind": "delivery", "recipients": [{**recipient, "diagnostic": "550 5.1.1 User unknown"}]}
    bounce = world.further_message(case_id, automatic="bounce", more={"delivery_report": report})
    with world.database.begin() as session:
        session.execute(update(Outbox).where(Outbox.id == sent).values(state=OutboxState.SENT))
        outbox.note_bounce(session, sent, bounce.message_id)
    html = page(world, case_id)
    out = text_of(html[html.index('id="mail"') : html.index('id="timeline"')])
    assert "kon niet worden bezorgd" in out
    assert "appie@reporter.example: 550 5.1.1 User unknown" in out
    assert f'href="#message-{bounce.message_id}"' in html
    assert "Kon niet worden bezorgd: Ontvangstbevestiging (550 5.1.1 User unknown)" in html


def test_a_text_that_is_very_long_is_cut_on_the_page_and_whole_beside_it(world: World) -> None:
    own = "lang woord " * (LONGEST_TEXT // 5)
    taken = world.new_case(
        own_text=own, quoted_text="> " * LONGEST_ASIDE, found=[found_file("a.txt", "text/plain", text=own)] * 30
    )
    visitor = coordinator(world)
    html = page(world, taken.case_id, visitor)
    assert len(html) < 1_000_000
    assert "hier staat niet alles" in html
    answer = visitor.get(f"/cases/{taken.case_id}/messages/{taken.message_id}/text")
    assert answer.text == own + "> " * LONGEST_ASIDE
    assert answer.mimetype == "text/plain"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_who_else_has_the_message_is_told(world: World) -> None:
    desk, other = "Integriteit+ab12@desk.example", "directeur@ministerie.example"
    to = [{"name": "", "address": desk}, {"name": "", "address": other}]
    html = page(world, world.new_case(more={"to": to, "cc": [{"name": "", "address": other}]}).case_id)
    assert f"ook gestuurd aan {other}</small>" in html
    assert "Integriteit+ab12" not in html
    alone = page(world, world.new_case(more={"to": to[:1]}).case_id)
    assert "ook gestuurd aan" not in alone


def test_the_way_of_a_message_stands_in_its_technical_details(world: World) -> None:
    hop = {"from": "relay.elders.example", "by": "mx.desk.example", "at": "2026-11-27T09:29:00+00:00"}
    shown = text_of(page(world, world.new_case(more={"hops": [hop]}).case_id))
    assert "27 nov 2026, 10:29 : relay.elders.example → mx.desk.example" in shown


def test_technical_details_stand_on_the_page_only_where_there_are_any(world: World) -> None:
    plain = world.new_case()
    broken = world.new_case(more={"defects": ["Date: not a date"]})
    assert "Technische bijzonderheden" not in page(world, plain.case_id)
    html = page(world, broken.case_id)
    assert "Technische bijzonderheden" in html
    assert "Date: not a date" in html


def test_the_signature_is_folded_below_the_words(world: World) -> None:
    html = page(world, world.new_case(more={"signature_text": "Afdeling Inkoop, toestel 2481"}).case_id)
    assert re.search(r"<summary>Ondertekening</summary>.{0,60}Afdeling Inkoop, toestel 2481", html)


def test_everything_that_can_be_found_in_a_file_has_words() -> None:
    assert set(words.FINDINGS) == set(Finding)
    assert set(words.SIGNATURES) == set(words.SIGNATURES_MEAN) - {"part"} == set(SignatureResult)
    assert set(words.LOCKED) - {""} == set(Unopened)
    assert set(words.SCANS) | {"found"} == {"clean", "found", "unscanned"}


def test_a_follow_up_that_nobody_opened_yet_marks_its_case_in_the_queue(world: World) -> None:
    case_id = world.new_case().case_id
    world.further_message(case_id, report={"marks": ["false_sender"]})
    visitor = coordinator(world)
    assert "afzender mogelijk vals" in visitor.get("/").text
    page(world, case_id, visitor)
    assert "afzender mogelijk vals" in visitor.get("/").text, "the card knows it now"
    with world.database.begin() as session:
        assert casework.view_case(session, world.ring, case_id, world.clock.now).damaged == 0


def test_technical_files_are_called_what_a_person_calls_them(world: World) -> None:
    kinds = {
        "application/pkcs7-mime": "versleutelde inhoud",
        "message/delivery-status": "bezorgbericht (techniek)",
        "text/rfc822-headers": "berichtkop (techniek)",
    }
    case_id = world.new_case(found=[found_file(f"{n}", kind) for n, kind in enumerate(kinds)]).case_id
    page = coordinator(world).get(f"/cases/{case_id}").text
    for kind, said in kinds.items():
        assert said in page
        assert kind not in page
