"""What mail programs put below somebody's words, in many languages, in text and in HTML."""

from __future__ import annotations

import pytest

from ingest.parse import parse_bytes
from ingest.text import split

OWN = "Hierbij het antwoord op uw vraag.\nHet gaat om J. de Vries."


@pytest.mark.parametrize(
    "attribution",
    [
        "El lun, 2 feb 2026 a las 10:00, Meldpunt (<desk@example.org>) escribió:",
        "Il giorno lun 2 feb 2026 alle ore 10:00 Meldpunt <desk@example.org> ha scritto:",
        "Em seg., 2 de fev. de 2026 às 10:00, Meldpunt <desk@example.org>\nescreveu:",
        "Den mån 2 feb. 2026 kl 10:00 skrev Meldpunt <desk@example.org>:",
        "man. 2. feb. 2026 kl. 10:00 skrev Meldpunt <desk@example.org>:",
        "ma 2. helmik. 2026 klo 10.00 Meldpunt (desk@example.org) kirjoitti:",
        "pon., 2 lut 2026 o 10:00 Meldpunt <desk@example.org> napisał(a):",
        "W dniu 02.02.2026 o 10:00, Meldpunt <desk@example.org> pisze:",
        "po 2. 2. 2026 v 10:00 odesílatel Meldpunt <desk@example.org> napsal:",
        "пн, 2 февр. 2026 г. в 10:00, Meldpunt <desk@example.org>:",
        "2 февраля 2026 г., 10:00, Meldpunt <desk@example.org> написал:",
        "Meldpunt <desk@example.org>, 2 Şub 2026 Pzt, 10:00 tarihinde şunu yazdı:",
        "Meldpunt <desk@example.org> 于2026年2月2日周一 10:00写道：",
        "2026年2月2日(月) 10:00 Meldpunt <desk@example.org>:",
        "2026년 2월 2일 (월) 오전 10:00, Meldpunt <desk@example.org>님이 작성:",
        "Le lun. 2 févr. 2026 à 10:00, Meldpunt van het ministerie en\nnog iets <desk@example.org> a\nécrit :",
        "On Monday, February 2, 2026, 10:00:00 AM GMT+1, Meldpunt <desk@example.org> wrote:",
        "Op 2 feb. 2026, om 10:00 heeft Meldpunt <desk@example.org> het volgende geschreven:",
        "Meldpunt <desk@example.org> schreef op 2 februari 2026 10:00:",
        "---- On Mon, 2 Feb 2026 10:00:00 +0100 desk@example.org wrote ----",
    ],
)
@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
def test_history_is_known_by_the_line_above_it_in_many_languages(attribution: str, marked: bool) -> None:
    history = f"{attribution}\n\n{'> ' if marked else ''}Uw melding is ontvangen."
    parts = split(f"{OWN}\n\n{history}")
    assert parts.own.strip() == OWN
    assert parts.quoted.split() == history.split()


@pytest.mark.parametrize(
    "labels",
    [
        ("From", "Sent", "To", "Subject"),
        ("Da", "Inviato", "A", "Oggetto"),
        ("De", "Enviado el", "Para", "Asunto"),
        ("De", "Enviada em", "Para", "Assunto"),
        ("Från", "Skickat", "Till", "Ämne"),
        ("Fra", "Sendt", "Til", "Emne"),
        ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
        ("Od", "Wysłano", "Do", "Temat"),
        ("От", "Отправлено", "Кому", "Тема"),
        ("Kimden", "Gönderildi", "Kime", "Konu"),
    ],
)
@pytest.mark.parametrize("stars", ["", "*"])
def test_history_is_known_by_its_header_in_many_languages(labels: tuple[str, ...], stars: str) -> None:
    history = "\n".join(f"{stars}{label}:{stars} iets 2026" for label in labels) + "\n\nUw melding is ontvangen."
    parts = split(f"{OWN}\n\n{history}")
    assert parts.own.strip() == OWN
    assert parts.quoted == history


@pytest.mark.parametrize(
    "above", ["Vraag het @jan: die weet het.", "30 dagen geleden zag ik het", "Op kantoor was het"]
)
def test_words_directly_above_such_a_line_stay_own(above: str) -> None:
    history = "Op 2 feb. 2026 10:00 schreef Meldpunt <desk@example.org> het\nvolgende geschreven:\n\n> Uw melding"
    parts = split(f"{above}\n{history}")
    assert (parts.own, parts.quoted) == (above, history)


TOLD = [
    "Op 3 maart 2026 om 10:30 schreef Rolf aan mij:",
    "Op 3 maart 2026 om 10:30 schreef Rolf Dijkgraaf:",
    "Op maandag 3 maart 2026, 10:30 schreef mijn chef:",
    "Op 3 maart om 10.30 uur schreef hij mij in Teams:",
    "Op 3 maart 2026 om 10:30 schreef Rolf (rolf@bz.example) aan mij:",
    "Ik kreeg op 3 maart 2026 om 10:30 deze mail, die Rolf <rolf@bz.example> schreef:",
    "Hij ging door. On 3 March 2026 at 10:30 Rolf wrote:",
    "On 3 March at 10:30 he sent me this:",
    "On 3 March 2026 at 10:30 Rolf wrote to me in an e-mail:",
    "Am 3. März 2026 um 10:30 schrieb er mir:",
    "Le 3 mars 2026 à 10:30 il m'a écrit:",
    "Begin doorgestuurd bericht:",
    "Van: Piet Puk\nDatum: 3 maart 2026\nOnderwerp: dreigmail",
    "Van: Piet Puk <piet@bz.example>\nDatum: 3 maart 2026\nOnderwerp: dreigmail",
    "Van: 09.00 uur tot 10.00 uur\nDatum: 12 maart 2026\nCc: niemand\nAan: de balie",
]


@pytest.mark.parametrize("line", TOLD)
@pytest.mark.parametrize("above", ["Ik meld intimidatie.\n", "Ik meld intimidatie.\n\n"], ids=["below", "apart"])
def test_who_tells_what_was_said_loses_nothing_below_it(above: str, line: str) -> None:
    told = f"{above}{line}\n\nJe ligt eruit.\n\nDat vond ik dreigend.\n\nMet vriendelijke groet,\nJan\n06 24 81 77 03"
    parts = split(told)
    assert parts.quoted == ""
    assert "Dat vond ik dreigend." in parts.own
    assert "06 24 81 77 03" in parts.signature


def test_told_words_that_a_program_marked_are_history_and_those_around_them_are_not() -> None:
    parts = split(
        "Ik meld dit.\n\nOp 3 maart 2026 om 10:30 schreef Rolf aan mij:\n> Je ligt eruit.\n\nDat was dreigend."
    )
    assert parts.own.split("\n") == ["Ik meld dit.", "", "", "Dat was dreigend."]


MEMO = (
    "Van: Jan Bos (jan@home.example)\nAan: Coördinator\nDatum: 12 maart 2026\nOnderwerp: fraude\n\n"
    "Ik meld dat hij geld aannam."
)


@pytest.mark.parametrize("above", ["", "Geachte coördinator,\n\n", "Hieronder mijn melding van vandaag.\n\n"])
@pytest.mark.parametrize("line", ["", "________________________________\n"], ids=["bare", "below a line"])
@pytest.mark.parametrize("when", ["Datum: 12 maart 2026", "Verzonden: donderdag 12 maart 2026 10:30"])
def test_a_head_that_names_the_sender_is_that_of_their_own_memo(above: str, line: str, when: str) -> None:
    text = above + line + MEMO.replace("Datum: 12 maart 2026", when)
    assert split(text, sender="jan@home.example").own == text


def test_a_head_above_all_words_is_the_senders_unless_the_subject_says_that_it_is_passed_on() -> None:
    block = (
        "Van: Desk <d@x.example>\nVerzonden: maandag 2 maart 2026 10:00\nAan: Jan\nOnderwerp: verzoek\n\nWie is het?"
    )
    assert split(f"{block}\n\nDat is Rolf.", subject="RE: verzoek").own.endswith("Dat is Rolf.")
    assert split(block, subject="FW: verzoek").own == ""
    assert split(f"Beste,\n\n{block}", subject="RE: verzoek").own.strip() == "Beste,"


@pytest.mark.parametrize("above", ["", "<p>Geachte coördinator,</p>"])
@pytest.mark.parametrize(
    "whole",
    ['<blockquote type="cite">{}</blockquote>', '<div class="gmail_quote">{}</div>', '<hr id="stopSpelling"><p>{}</p>'],
)
def test_words_that_stand_wholly_in_a_programs_quotation_are_the_senders(whole: str, above: str) -> None:
    _, own, quoted = _html(above + whole.format("Ik meld dat Piet Puk facturen vervalst."))
    assert "Piet Puk" in own
    assert quoted == ""


def test_an_answer_without_a_word_is_none() -> None:
    attribution = "Op ma 2 feb. 2026 om 10:00 schreef Desk &lt;desk@example.org&gt;:"
    _, own, quoted = _html(
        f'<div class="gmail_quote"><div>{attribution}</div><blockquote>Uw melding</blockquote></div>'
    )
    assert own == ""
    assert "Uw melding" in quoted


def test_a_mail_passed_on_without_a_word_says_so() -> None:
    mail = parse_bytes(b"Subject: FW: x\n\n-----Original Message-----\nFrom: x\nSent: y\n\nbody\n")
    assert mail.own_text == ""
    assert "text: passed on without a word" in mail.defects


def test_a_raw_header_below_words_is_history() -> None:
    header = "From: a@b.example\nTo: c@d.example\nMessage-ID: <1@b.example>\nDate: Mon, 2 Feb 2026 10:00:00 +0100"
    assert split(f"{OWN}\n\n{header}\n\nhallo").own.strip() == OWN


def test_a_date_without_a_year_is_enough_above_quoted_lines() -> None:
    history = "Op 12 februari schreef R. Rietdijk:\n> Uw melding"
    assert split(f"{OWN}\n\n{history}").quoted == history
    assert split(f"{OWN}\n\nOp 12 februari schreef R. Rietdijk:\nUw melding").quoted == ""


def test_marks_of_quoted_lines_may_be_indented_as_the_layout_of_html_does() -> None:
    history = "  > Op 14-05-2025 schreef desk@example.org:\n  >\n  > Uw melding"
    assert split(f"  Mijn antwoord.\n\n{history}").quoted == history
    assert split("De schade is\n            > 10").quoted == ""


def test_a_header_with_wide_colons_is_known() -> None:
    history = "发件人：x\n发送时间：2026年2月2日\n收件人：y\n主题：z\n\n正文"
    assert split(f"报告\n\n{history}").quoted == history


@pytest.mark.parametrize(
    "text",
    [
        "Op 3 maart 2025 schreef hij mij het volgende:\nals je praat lig je eruit.\nDat is bedreiging.",
        "Maar op 3 maart schreef hij:\nstop ermee",
        "Ik vroeg het aan jan@example.org en hij schreef:\nnee",
        "In 2024 heeft de directeur geschreven:\nniets",
        "Aan: wie het aangaat\nVan: mij\nDatum is niet bekend",
        "De: dat is een lidwoord",
        "Van: Jan Jansen\nAan: de coördinator\nDatum: 3 maart 2026\nOnderwerp: melding\n\nIk meld dat hij geld aannam.",
        "Getuigen:\nA. de Boer\nBel om 10:30:\nniet later",
    ],
)
def test_what_a_reporter_quotes_by_hand_stays_the_reporters_own(text: str) -> None:
    assert split(text).own == text


def _html(body: str) -> tuple[str, str, str]:
    mail = parse_bytes(f"Content-Type: text/html; charset=utf-8\n\n<html><body>{body}</body></html>".encode())
    return mail.text, mail.own_text, mail.quoted_text


OUTLOOK_BLOCK = "<p><b>Von Hand:</b> iets</p><p>Uw melding is ontvangen.</p>"


@pytest.mark.parametrize(
    "history",
    [
        '<div class="gmail_quote"><div class="gmail_attr">x</div>Uw melding is ontvangen.</div>',
        '<blockquote type="cite"><div>Uw melding is ontvangen.</div></blockquote>',
        '<div class="yahoo_quoted" id="yahoo_quoted_1">Uw melding is ontvangen.</div>',
        '<div class="moz-cite-prefix">Wie dan ook</div><blockquote type=cite>Uw melding is ontvangen.</blockquote>',
        f'<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">{OUTLOOK_BLOCK}</div>Uw melding is ontvangen.',
        '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
        f"{OUTLOOK_BLOCK}</div></div><p>Uw melding is ontvangen.</p>",
        f'<hr id="stopSpelling">{OUTLOOK_BLOCK}',
        '<div class="protonmail_quote">Uw melding is ontvangen.</div>',
        '<div id="x_divRplyFwdMsg">kop</div>Uw melding is ontvangen.',
    ],
)
def test_history_in_html_is_known_by_its_structure_and_costs_no_text(history: str) -> None:
    text, own, quoted = _html(f"<p>Mijn antwoord.</p><p>Regel twee.</p>{history}")
    assert own.split() == ["Mijn", "antwoord.", "Regel", "twee."]
    assert quoted.strip().endswith("Uw melding is ontvangen.")
    assert sorted(text.split()) == sorted((own + " " + quoted).split())


def test_answers_below_and_between_quotations_in_html_are_the_reporters_own() -> None:
    text, own, quoted = _html(
        "<blockquote type=cite>Wie?</blockquote>Jan.<br>"
        "<blockquote type=cite>Wat?<blockquote type=cite>Ja?</blockquote>En?</blockquote><p>Geld.</p>"
    )
    assert own.split() == ["Jan.", "Geld."]
    assert quoted.split() == ["Wie?", "Wat?", "Ja?", "En?"]
    assert text.split() == ["Wie?", "Jan.", "Wat?", "Ja?", "En?", "Geld."]


@pytest.mark.parametrize(
    "body",
    [
        "<blockquote>Hij zei: ga weg.</blockquote><p>Dat is bedreiging.</p>",
        '<div class="quote">Hij zei: ga weg.</div>',
        '<p style="border-top: 1px solid #ccc">Ik meld iets.</p>',
    ],
)
def test_other_structure_is_the_reporters_own(body: str) -> None:
    text, own, _ = _html(body)
    assert own == text


def test_marks_that_a_mail_writes_itself_stay_out_of_the_text() -> None:
    text, own, quoted = _html("<p>a&#xfdd1;</p><p>&#xfdd0;b</p><p>c</p>")
    assert text.split() == ["a", "b", "c"]
    assert f"{own} {quoted}".split() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "unit", ["On 1, <a@\n", "<a@b\n", "a:\n", "From: a\n\n\n\n", "On 2 x <a@b> wrote\n", "> a\nOn 1:\n"]
)
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    """No timing is asserted: what is quadratic here would not end within the test run (mail-cases 50, 51)."""
    text = unit * (2_000_000 // len(unit))
    parts = split(text)
    assert len(parts.own) + len(parts.quoted) <= len(text) + 1


def test_a_heap_of_quotations_is_read() -> None:
    text, own, _ = _html("<p>Mijn antwoord.</p>" + "<blockquote type=cite>x</blockquote>" * 2000)
    assert own.startswith("Mijn antwoord.")
    assert text.count("x") == 2000
