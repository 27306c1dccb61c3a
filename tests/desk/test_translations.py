"""Every text of the desk exists in Dutch and in English."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import desk
from cases.lifecycle import Outcome, Status
from cases.roles import Role
from cases.terms import DoneReason, DueKind
from config.taxonomy import SUBS, Automatic, Category, Kind, MissingField, Severity
from desk import words
from desk.system import Verdict
from desk.timeline import SENTENCES
from notify.letter_texts import NAMES
from store.audit import Action
from store.consent import Act
from store.outbox import OutboxState, OutgoingKind
from store.verification import Wrong
from tests.desk.world import World, coordinator

FOLDER = Path(desk.__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def _used() -> set[str]:
    found = extract_from_dir(FOLDER, METHODS, keywords=KEYWORDS)  # type: ignore[arg-type]
    return {_first(message) for _, _, message, _, _ in found}


def _first(message: str | Sequence[str]) -> str:
    return message if isinstance(message, str) else message[0]


def _catalogue(language: str) -> Catalog:
    with (FOLDER / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _contents(catalogue: Catalog) -> dict[str, tuple[str, ...]]:
    return {_first(message.id): _texts(message) for message in catalogue if message.id}


def _texts(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_text_is_missing_from_a_catalogue(language: str) -> None:
    catalogue = _catalogue(language)
    whole = [message for message in catalogue if message.id and all(_texts(message)) and not message.fuzzy]
    translated = {_first(message.id) for message in whole}
    assert _used() - translated == set()
    assert translated - _used() == set(), "these stand in no page any more"


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_translation_has_the_same_places_to_fill_in(language: str) -> None:
    for message in _catalogue(language):
        if message.id:
            wanted = set(re.findall(r"%\(\w+\)s", str(message.id)))
            for text in _texts(message):
                assert set(re.findall(r"%\(\w+\)s", text)) == wanted, message.id


@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_is_shipped_is_compiled_from_the_catalogue(language: str) -> None:
    with (FOLDER / "translations" / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert _contents(compiled) == _contents(_catalogue(language))


def test_every_slug_has_a_word() -> None:
    subs = {sub for found in SUBS.values() for sub in found}
    assert set(words.KINDS) == set(Kind)
    assert set(words.CATEGORIES) == set(Category)
    assert set(words.SUBS) == subs
    assert set(words.SEVERITIES) == set(Severity)
    assert set(words.MISSING) == set(MissingField)
    assert set(words.ACTS) == set(Act)
    assert set(words.ROLES) == set(words.ROLE_TELLS) == set(Role)
    assert set(words.STATUSES) == set(Status)
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.DUES) == set(DueKind)
    assert set(words.DONE_REASONS) == set(DoneReason)
    assert set(words.AUTOMATIC) == set(Automatic)
    assert set(words.OUTGOING) == set(OutgoingKind)
    assert set(words.OUTGOING_STATES) == set(OutboxState)
    assert set(words.ACTIONS) <= set(Action)
    assert set(words.WRONGS) == set(Wrong)
    assert set(words.VERDICTS) == set(Verdict)
    assert set(words.LETTER_PLACES) == set(NAMES)


def test_everything_that_happens_to_a_case_has_a_sentence() -> None:
    of_no_case = {"login", "login_failed", "logout", "session_ended", "desk_created", "member_added"}
    of_no_case |= {"second_factor_set", "second_factor_removed", "second_factor_reset", "second_factor_failed"}
    of_no_case |= {"recovery_code_used"}
    of_no_case |= {"passkey_added", "passkey_removed", "passkey_used", "passkey_refused", "passkey_unlocks"}
    of_no_case |= {"consent_asked", "consent_given", "consent_taken_back", "consent_used"}
    of_no_case |= {"member_left", "member_returned", "member_role", "desk_key_taken", "passphrase", "recovered"}
    of_no_case |= {"recovery_renewed", "recovery_key_ended", "mailer_key_anew", "mailer_key_ended"}
    of_no_case |= {"rotation_begun", "desk_key_destroyed", "trail_chained"}
    of_no_case |= {"model_trained", "model_refused", "model_chosen", "model_withdrawn", "outbox_resumed"}
    of_no_case |= {"backed_up", "backup_of_then", "restored"}
    of_no_case |= {"look_list", "figures_given"}
    of_rows = {Action.RECORD, Action.RESEALED, Action.DETAIL_RESEALED, Action.TRAIL_CHAINED}
    without_case = {*of_rows, *(Action(slug) for slug in of_no_case)}
    told_with_more = {Action.STATUS, Action.DECIDE, Action.DUE_DONE, Action.DUE_REOPENED, Action.READ_AGAIN}
    told_with_more |= {Action.DECISION_UNDONE}
    told_with_more |= {Action.HOLD_SET, Action.HOLD_LIFTED}
    assert set(SENTENCES) | told_with_more == set(Action) - without_case


@pytest.mark.parametrize("order", [("nl", "en"), ("en", "nl")])
def test_a_page_speaks_the_language_of_who_reads_it_whoever_read_it_first(world: World, order: Sequence[str]) -> None:
    """A template engine works out what it takes for constant once, in the language of its first reader."""
    said = {"nl": ("Gedaan", "afzender mogelijk vals"), "en": ("Done", "sender may be false")}
    taken = world.new_case()
    world.hold_receipt(taken.case_id)
    world.say_why_it_waits(taken, "dmarc_fail")
    for language in order:
        visitor = coordinator(world, language=language)
        done, false_sender = said[language]
        assert f">{done}<" in visitor.get(f"/cases/{taken.case_id}").text
        assert false_sender in visitor.get("/receipts/").text


@pytest.mark.parametrize("source", ["{{ 'done'|name('done_reason') }}", "{{ 'text/html'|file_type }}"])
def test_no_word_is_worked_out_when_a_template_is_compiled(world: World, source: str) -> None:
    template = world.app.jinja_env.from_string(source)
    found = []
    for language in ("nl", "en"):
        with world.app.test_request_context(headers={"Accept-Language": language}):
            found.append(template.render())
    assert len(set(found)) == 2
