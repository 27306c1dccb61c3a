from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from config.settings import DeskSettings
from config.taxonomy import ABOUT_THE_REPORTER, MissingField
from notify.addressing import Addressing
from notify.catalogue import catalogue_for, languages
from notify.compose import (
    Notice,
    NoticeFacts,
    Outgoing,
    ReceiptFacts,
    ReminderFacts,
    compose_notice,
    compose_receipt,
    compose_reminder,
)

FULL = ReceiptFacts(
    reference="7K3Q-M2XP",
    received_at=datetime(2026, 3, 29, 3, 30, tzinfo=UTC),
    language="nl",
    full=True,
    feedback_by=date(2026, 6, 29),
)
TELLING = (
    "melding", "melden", "integriteit", "klacht", "zaak", "steunpunt", "gedrag", "vertrouwelijk", "coördinator",
    "report", "integrity", "complaint", "case", "support point", "behaviour", "confidential", "coordinator", "breach",
)  # fmt: skip


def parts(outgoing: Outgoing) -> tuple[str, str]:
    mail = message_from_bytes(outgoing.mime, policy=default)
    text, html = mail.iter_parts()
    return text.get_content(), html.get_content()


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def receipt(desk: DeskSettings, addressed):
    def make(facts: ReceiptFacts = FULL, **changes: object) -> str:
        return squeezed(compose_receipt(desk, replace(facts, **changes), addressed()).text)

    return make


def test_a_receipt_in_another_language_names_desk_and_organisation_in_it(desk: DeskSettings, addressed):
    both = desk.model_copy(
        update={"name_in": {"en": "Integrity desk"}, "organisation_in": {"en": "the Ministry of Foreign Affairs"}}
    )
    english, dutch = (
        squeezed(compose_receipt(both, replace(FULL, language=language), addressed()).text) for language in ("en", "nl")
    )
    assert english.endswith("Integrity desk, the Ministry of Foreign Affairs")
    assert "het ministerie" not in english
    assert dutch.endswith("Integriteitscoördinator, het ministerie")


def test_a_full_receipt_says_all_that_a_reporter_must_know(receipt, desk: DeskSettings):
    text = receipt(ask=(MissingField.PHONE,))
    assert "zondag 29 maart 2026 om 05.30 uur" in text  # on the desk's clock, an hour after it went forward
    assert "7K3Q-M2XP" in text
    assert "Uiterlijk op maandag 29 juni 2026 hoort u van ons wat er met uw melding is gedaan" in text
    assert "als we ook weten: - uw telefoonnummer Weet u iets niet" in text
    assert "Beantwoord dan gewoon deze e-mail" in text
    assert "privéadres" in text
    assert "geen gevolgen" in text
    assert "over de coördinator zelf?" in text
    assert desk.texts.about_coordinator in text
    assert desk.texts.support_point in text
    assert "Bel dan direct 112." in text


def test_english_has_its_own_dates(receipt):
    text = receipt(language="en")
    assert "Sunday 29 March 2026 at 05:30 (Central European Time)" in text
    assert "By Monday 29 June 2026 at the latest" in text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_who_sent_what_cannot_be_opened_is_told_the_safe_ways_first_in_both_languages(
    desk: DeskSettings, addressed, language
):
    """Nobody knows what the sender reads, and whoever encrypts has something to fear."""
    with_key = desk.model_copy(update={"encryption_key_at": "https://desk.example/key"})
    facts = replace(FULL, full=False, language=language, encrypted_unread=True)
    written = compose_receipt(with_key, facts, addressed())
    text = squeezed(written.text)
    for reading, leading, last in (
        (
            "De coördinator leest",
            "Wij kunnen uw bericht nog niet lezen",
            "Stuur uw bericht alleen zonder versleuteling als",
        ),
        ("The coordinator reads", "We cannot read your message yet", "Send your message without encryption only if"),
    ):
        assert reading not in text
        section = text[text.index(leading) :]
        assert section.index("https://desk.example/key") < section.index(last)
        assert section.index(desk.texts.support_point) < section.index(last)
    for promised in ("per brief", "telefonisch", "by letter", "by telephone"):
        assert promised not in text
    other = {"nl": "en", "en": "nl"}[language]
    assert f'<p lang="{other}" style' in parts(written)[1]


@pytest.mark.parametrize(
    ("language", "promise"),
    [
        ("nl", "Binnen 3 maanden nadat u deze bevestiging hebt gekregen, hoort"),
        ("en", "Within 3 months of your receiving"),
    ],
)
def test_a_receipt_that_waits_promises_a_term_and_no_day(receipt, language, promise):
    text = receipt(language=language, feedback_by=None, feedback_months=3)
    assert promise in text
    assert "29 juni" not in text
    assert "Uiterlijk op" not in text


@pytest.mark.parametrize("ask", [(), (MissingField.PHONE,)])
def test_who_cannot_tell_more_is_told_that_the_report_counts_all_the_same(receipt, ask):
    assert "wilt u het niet zeggen? Ook dan behandelen we uw melding." in receipt(ask=ask)


@pytest.mark.parametrize("language", ["en", "fr", "ar", "xx", "", "EN-gb"])
def test_who_writes_neither_dutch_nor_english_is_answered_in_english(language):
    assert catalogue_for(language).language == "en"


@pytest.mark.parametrize("language", ["nl", "nl-BE", "NL", "nl_NL"])
def test_dutch_of_every_country_is_answered_in_dutch(language):
    assert catalogue_for(language).language == "nl"


def test_only_the_fields_that_may_be_asked_are_named(receipt):
    catalogue = catalogue_for("nl")
    text = receipt(ask=(MissingField.CONCERNED_NAME, MissingField.ADDRESS))
    asked = {field for field in MissingField if f"- {catalogue.fields[field]}" in text}
    assert asked == {MissingField.CONCERNED_NAME, MissingField.ADDRESS}


def test_where_nothing_may_be_asked_the_receipt_says_in_general_what_a_report_holds(receipt):
    text = receipt()
    assert "Het helpt ons als in uw melding staat" in text
    assert "als we ook weten" not in text
    assert "uw contactgegevens" in text


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("ask", [(), tuple(MissingField)])
def test_an_anonymous_reporter_is_asked_nothing_about_themselves(receipt, full, ask):
    text = receipt(anonymous=True, ask=ask, full=full)
    catalogue = catalogue_for("nl")
    assert not [field for field in ABOUT_THE_REPORTER if catalogue.fields[field] in text]
    assert "contactgegevens" not in text
    assert "U hoeft niet te zeggen wie u bent." in text


def test_an_anonymous_reporter_of_whom_only_contact_is_missing_is_told_in_general(receipt):
    text = receipt(anonymous=True, ask=(MissingField.PHONE, MissingField.EMAIL))
    assert "als we ook weten" not in text
    assert "Het helpt ons als in uw melding staat" in text


@pytest.mark.parametrize("follow_up", [True, False])
def test_the_neutral_receipt_promises_no_terms_and_shows_the_other_ways(receipt, desk: DeskSettings, follow_up):
    text = receipt(full=False, follow_up=follow_up, ask=(MissingField.PHONE,))
    assert "Uiterlijk" not in text
    assert "uw telefoonnummer" not in text
    assert "De coördinator leest uw bericht" in text
    assert "eerdere bericht" not in text  # who is new to a case is not told that there is one
    for place in (desk.texts.support_point, desk.texts.complaints, desk.texts.about_coordinator, "112"):
        assert place in text


def test_a_follow_up_is_told_that_it_was_added(receipt):
    text = receipt(follow_up=True)
    assert "bij uw eerdere bericht gevoegd" in text
    assert "Het helpt ons als in uw melding staat" not in text
    assert "Bel dan direct 112." in text


def every_mail(desk: DeskSettings, addressing: Addressing) -> list[Outgoing]:
    mails = []
    for language in languages():
        for full in (True, False):
            for follow_up in (True, False):
                for anonymous in (True, False):
                    facts = replace(FULL, language=language, full=full, follow_up=follow_up, anonymous=anonymous)
                    mails += [
                        compose_receipt(desk, one, addressing)
                        for one in (facts, replace(facts, ask=tuple(MissingField)))
                    ]
        ask = (MissingField.PHONE, MissingField.DESCRIPTION)
        mails.append(compose_reminder(desk, ReminderFacts(FULL.received_at, language, ask), addressing))
        mails += [
            compose_notice(desk, NoticeFacts(notice, language, "https://desk.example", "7K3Q-M2XP", due), addressing)
            for notice in Notice
            for due in (None, date(2026, 3, 4))
        ]
    return mails


def test_nothing_on_the_outside_tells_what_a_mail_is_about(desk: DeskSettings, addressed):
    for outgoing in every_mail(desk, addressed()):
        mail = message_from_bytes(outgoing.mime, policy=default)
        preview = squeezed(outgoing.text)[:230].lower()  # five lines, the most that a phone shows
        outside = f"{mail['Subject']} {mail['From'].addresses[0].display_name} {preview}".lower()
        assert not [word for word in TELLING if word in outside]
        assert "7k3q" not in outside
        assert "7K3Q" not in outgoing.mime.partition(b"\r\n\r\n")[0].decode()


def test_text_and_html_say_the_same(desk: DeskSettings, addressed):
    from html.parser import HTMLParser

    class Words(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.words: list[str] = []
            self.inside = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.inside = self.inside or tag == "body"

        def handle_data(self, data: str) -> None:
            self.words += data.split() if self.inside else []

    for outgoing in every_mail(desk, addressed()):
        text, html = parts(outgoing)
        reader = Words()
        reader.feed(html)
        assert [word for word in text.split() if word.strip("-")] == reader.words


def test_html_loads_nothing_and_settings_stay_text(desk: DeskSettings, addressed):
    texts = desk.texts.model_copy(update={"support_point": '<img src="https://evil.example/x"> & "wij" {reference} %s'})
    sly = desk.model_copy(update={"texts": texts})
    text, html = parts(compose_receipt(sly, FULL, addressed()))
    assert '<img src="https://evil.example/x"> & "wij" {reference} %s' in squeezed(text)
    for sign in ("<img", "src=", "<script", "<link", "<a ", "url("):
        assert sign not in html.replace("&lt;img src=&quot;", "")


def test_every_mail_is_safe_for_relays(desk: DeskSettings, addressed):
    for outgoing in every_mail(desk, addressed()):
        outgoing.mime.decode("ascii")
        lines = outgoing.mime.split(b"\r\n")
        assert not [line for line in lines if b"\n" in line or b"\r" in line or len(line) > 998]
        body = outgoing.mime.partition(b"\r\n\r\n")[2].split(b"\r\n")
        assert max(len(line) for line in body) <= 76  # RFC 2045 §6.7


def test_every_mail_says_that_a_machine_made_it(desk: DeskSettings, addressed):
    """mail-cases 78"""
    for outgoing in every_mail(desk, addressed()):
        mail = message_from_bytes(outgoing.mime, policy=default)
        assert mail["Auto-Submitted"] in ("auto-replied", "auto-generated")
        assert mail["X-Auto-Response-Suppress"] == "All"
        assert mail["X-Loop"] == desk.address
        assert mail["Date"].datetime.tzinfo is not None
        assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    receipt = message_from_bytes(compose_receipt(desk, FULL, addressed()).mime)
    assert receipt["Auto-Submitted"] == "auto-replied"


def test_the_subject_is_the_desks_and_shows_the_reference_only_on_request(desk: DeskSettings, addressed):
    assert compose_receipt(desk, FULL, addressed()).subject == "Ontvangstbevestiging"
    other = desk.model_copy(
        update={"neutral_subject": {"nl": "Bedankt voor uw bericht ✓"}, "reference_in_subject": True}
    )
    outgoing = compose_receipt(other, FULL, addressed())
    mail = message_from_bytes(outgoing.mime, policy=default)
    assert mail["Subject"] == outgoing.subject == "Bedankt voor uw bericht ✓ [7K3Q-M2XP]"
    english = compose_receipt(other, replace(FULL, language="en"), addressed())
    assert english.subject == "Confirmation of receipt [7K3Q-M2XP]"


def test_a_notice_offers_no_answer_and_tells_no_content(desk: DeskSettings, addressed):
    facts = NoticeFacts(Notice.NOT_LOOKED_AT, "nl", "https://desk.example", None, date(2026, 3, 4))
    outgoing = compose_notice(desk, facts, addressed("lid@ministerie.example"))
    mail = message_from_bytes(outgoing.mime, policy=default)
    assert mail["Reply-To"] is None
    assert "https://desk.example" in outgoing.text
    assert "woensdag 4 maart 2026" in squeezed(outgoing.text)


def test_a_reminder_names_what_is_missing_and_leaves_the_reporter_free(desk: DeskSettings, addressed):
    facts = ReminderFacts(FULL.received_at, "nl", (MissingField.PHONE, MissingField.DESCRIPTION))
    text = squeezed(compose_reminder(desk, facts, addressed()).text)
    assert "- uw telefoonnummer - een zo duidelijk mogelijke beschrijving" in text
    assert "maar één keer" in text
    assert "Dan hoeft u niets te doen" in text


def test_all_languages_hold_the_same_sentences_and_fill_in_the_same():
    import re

    dutch = catalogue_for("nl")
    for language in languages():
        other = catalogue_for(language)
        assert set(other.fields) == {field.value for field in MissingField}
        assert set(other.subjects) == set(dutch.subjects)
        assert set(other.sentences) == set(dutch.sentences)
        for name, sentence in other.sentences.items():
            assert sorted(re.findall(r"{.*?}", sentence)) == sorted(re.findall(r"{.*?}", dutch.sentences[name]))
            assert sentence == squeezed(sentence)


@pytest.mark.parametrize("full", [True, False])
def test_a_receipt_that_knows_no_reference_names_none(desk: DeskSettings, addressed, full):
    shown = desk.model_copy(update={"reference_in_subject": True})
    outgoing = compose_receipt(shown, replace(FULL, reference=None, full=full, follow_up=True), addressed())
    assert outgoing.subject == "Ontvangstbevestiging"
    assert "kenmerk van uw bericht" not in outgoing.text
    assert ("kenmerk in onze eerdere e-mail" in outgoing.text) is full
