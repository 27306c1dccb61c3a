"""Searching cases: what is found, in which order, how it is shown, and by whom."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Update, select, update

from cases.lifecycle import Status
from store import casework, changes
from store.audit import Action
from store.intake import add_message
from store.schema import Audit, CaseFile
from store.search import PAGE, Query, SearchIndex
from tests.store.search_world import about, another_member, find, grant, keep_from_the_desk, note, ready, show
from tests.store.world import INDEX, NOW, World, mail


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Hij vervalste alle facturen.", "nl", "factuur"),
        ("Hij vervalste de factuur.", "nl", "facturen vervalst"),
        ("Er zijn meldingen over leveranciers.", "nl", "melding leverancier"),
        ("He threatened several colleagues.", "en", "threatens colleague"),
        ("Two companies were paid twice.", "en", "company"),
        ("Un café à Curaçao.", "fr", "cafe curacao"),
        ("Kenteken 12-AB-34, kamer 4012.", "nl", "4012"),
    ],
)
def test_a_word_finds_its_other_forms(world: World, text: str, language: str, words: str) -> None:
    case_id = world.open_case(about(text, language=language)).case_id
    world.open_case(about("Iets heel anders.", language="nl"), reference="CCCCC-DDDDD")
    assert find(world, ready(world), words).case_ids == (case_id,)


def test_notes_reference_and_names_are_found(world: World) -> None:
    case_id = world.open_case(about("Een tekst.", "Rolf Dijkgraaf"), reference="7K3FM-9Q2XD").case_id
    note(world, case_id, "Gebeld met de afdeling inkoop.")
    index = ready(world)
    for words in ("7k3fm-9q2xd", "7K3FM", "dijkgraaf", "inkoop gebeld"):
        assert find(world, index, words).case_ids == (case_id,)
    assert find(world, index, "afwezig woord").case_ids == ()


def test_what_tells_who_the_reporter_is_is_in_no_index(world: World) -> None:
    """Only the identity key opens it, and a person gives a reason for that."""
    world.open_case(mail())
    index = ready(world)
    assert find(world, index, "zwanenzang").case_ids
    for words in ("Sanne", "Vogel", "sanne@thuis.example", "kantine"):  # the last stands in the text as written alone
        assert find(world, index, words).case_ids == ()


def test_all_words_come_before_some_and_new_cases_before_old(world: World) -> None:
    def case(text: str) -> str:
        return world.open_case(about(text), reference=f"AAAAA-AAAA{len(made) + 2}").case_id

    made: list[str] = []
    for text in ("fraude bij inkoop", "fraude", "inkoop", "fraude van de inkoop", "niets"):
        made.append(case(text))
        with world.db.begin() as session:
            session.execute(_age(made[-1], len(made)))
    found = find(world, ready(world), "fraude inkoop")
    assert found.case_ids == (made[3], made[0], made[2], made[1])
    assert found.near == {made[1], made[2]}


def test_a_word_spelled_a_little_otherwise_is_found_after_those_spelled_alike(world: World) -> None:
    alike = world.open_case(about("De begroting klopt niet.")).case_id
    other = world.open_case(about("De begrotingg klopt niet."), reference="CCCCC-DDDDD").case_id
    index = ready(world)
    found = find(world, index, "begroting")
    assert (found.case_ids, found.near) == ((alike, other), {other})
    for typed in ("begrotng", "begrotingn", "begorting", "vegroting"):
        assert alike in find(world, index, typed).case_ids
    assert find(world, index, "begrtng").case_ids == ()


def test_of_other_spellings_a_left_out_or_swapped_letter_is_likelier_than_a_wrong_one(world: World) -> None:
    def case(text: str) -> str:
        return world.open_case(about(text), reference=f"{text.upper()[:5]}-{len(text):05d}").case_id

    left_out, wrong, swapped = case("kantoor"), case("kanton"), case("katnor")
    found = find(world, ready(world), "kantor").case_ids
    assert set(found[:2]) == {left_out, swapped}
    assert found[2] == wrong


def test_a_slip_is_forgiven_even_where_it_is_a_form_of_another_word(world: World) -> None:
    meant = world.open_case(about("Hij stond buiten.")).case_id
    for number in range(PAGE):
        world.open_case(about("Een bit."), reference=f"{number + 22222}-AAAAA")
    index = ready(world)
    assert meant in find(world, index, "biten").case_ids[:PAGE]
    assert meant not in find(world, index, "bit").case_ids
    world.open_case(about("Zij biten."), reference="BITEN-AAAAA")
    index.refresh(world.db, world.ring, now=NOW)
    assert meant not in find(world, index, "biten").case_ids, "a word that is written so is what was meant"


def test_columns_in_clear_and_categories_choose(world: World) -> None:
    first = world.open_case(about("fraude met bonnen")).case_id
    second = world.open_case(
        about("fraude met uren", categories=[{"slug": "strafbaar_feit", "sub": ["fraude"]}], severity="hoog"),
        reference="CCCCC-DDDDD",
    ).case_id
    with world.db.begin() as session:
        changes.change_status(session, world.ring, INDEX, first, Status.SET_ASIDE, version=1, now=NOW)
    index = ready(world)
    for chosen, expected in (
        ({"statuses": frozenset([Status.SET_ASIDE])}, first),
        ({"categories": frozenset(["strafbaar_feit"])}, second),
        ({"categories": frozenset(["fraude"])}, second),
        ({"severities": frozenset(["hoog"])}, second),
        ({"severities": frozenset(["midden"]), "kinds": frozenset(["melding"])}, first),
    ):
        assert find(world, index, "fraude", **chosen).case_ids == (expected,)
        assert find(world, index, "", **chosen).case_ids == (expected,)
    assert len(find(world, index, "fraude", since=NOW, before=NOW + timedelta(days=1)).case_ids) == 2
    assert find(world, index, "fraude", since=NOW + timedelta(days=1)).case_ids == ()
    assert find(world, index, "  ").case_ids == ()


@pytest.mark.parametrize("stranger", [False, True], ids=["of the reporter", "of somebody else"])
def test_a_case_is_chosen_by_a_graver_follow_up_from_when_it_comes_until_it_is_read(
    world: World, stranger: bool
) -> None:
    case_id = world.open_case(about("een pestkop", severity="hoog")).case_id
    index = ready(world)

    def chosen(severity: str) -> bool:
        index.refresh(world.db, world.ring, now=NOW)
        with world.db.read() as session:
            return case_id in index.chosen(session, world.ring, Query(severities=frozenset([severity])))

    assert not chosen("acuut")
    threat = replace(about("met een mes aan de deur", severity="acuut"), message_ids=["<two@thuis.example>"])
    at = NOW + timedelta(hours=1)
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, case_id, threat, sender_is_new=stranger, now=at)
    assert [chosen(each) for each in ("acuut", "hoog", "midden")] == [True, True, False]
    with world.db.begin() as session:
        view = casework.view_case(session, world.ring, case_id, at)
        changes.renew_card(session, world.ring, INDEX, view, at)
    assert [chosen(each) for each in ("acuut", "hoog")] == [not stranger, stranger]


def test_a_lesser_follow_up_is_no_other_choice(world: World) -> None:
    case_id = world.open_case(about("een pestkop", severity="hoog")).case_id
    later = replace(about("dank u", severity="laag"), message_ids=["<two@thuis.example>"])
    with world.db.begin() as session:
        at = NOW + timedelta(hours=1)
        add_message(session, world.keys, INDEX, case_id, later, sender_is_new=False, now=at)
    index = ready(world)
    with world.db.read() as session:
        assert not index.chosen(session, world.ring, Query(severities=frozenset(["laag"])))


def test_hits_show_where_the_words_stand_and_are_on_the_trail(world: World) -> None:
    around = "x " * 200, " y" * 200
    case_id = world.open_case(about("De directeur  vervalste\nfacturen van het bedrijf.".join(around))).case_id
    (hit,) = show(world, ready(world), "factuur vervalst")
    (passage,) = hit.passages
    assert [stretch.text for stretch in passage if stretch.marked] == ["vervalste", "facturen"]
    text = "".join(stretch.text for stretch in passage)
    assert "De directeur vervalste facturen van het bedrijf." in text
    assert (text[:3], text[-3:]) == ("… x", "y …")
    assert len(text) < 300
    assert (hit.case_id, hit.card["reference"], hit.status) == (case_id, "AAAAA-BBBBB", Status.RECEIVED)
    assert _found_rows(world) == [(case_id, world.ring.member_id)]


def test_new_mails_notes_and_decisions_are_found_at_once(world: World) -> None:
    case_id = world.open_case(about("Eerste bericht.")).case_id
    index = ready(world)
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, case_id, about("Tweede met kwitantie."), sender_is_new=False, now=NOW)
    note(world, case_id, "Een aantekening over de garage.")
    with world.db.begin() as session:
        person = [{"name": "Karin Bakker", "function": None}]
        changes.decide(session, world.ring, INDEX, case_id, {"concerned": person}, version=1, now=NOW)
    assert index.waiting(world.db, world.ring) == 1
    assert find(world, index, "kwitantie").case_ids == ()
    assert index.refresh(world.db, world.ring, now=NOW, most=16) == 0
    for words in ("kwitantie", "garage", "bakker", "eerste"):
        assert find(world, index, words).case_ids == (case_id,), words


def test_many_new_cases_wait_for_nobody(world: World) -> None:
    for number in range(3):
        world.open_case(about("nieuw"), reference=f"AAAAA-AAAA{number + 2}")
    index = SearchIndex()
    assert index.refresh(world.db, world.ring, now=NOW, most=2) == 3
    assert find(world, index, "nieuw").case_ids == ()
    assert index.refresh(world.db, world.ring, now=NOW) == 0
    assert len(find(world, index, "nieuw").case_ids) == 3


def test_a_second_log_in_reads_what_the_first_sealed_and_opens_no_case(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = world.open_case(about("Hij nam geld aan.")).case_id
    ready(world).wipe()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a case was opened")

    monkeypatch.setattr("store.records.opened_of_cases", refuse)
    assert find(world, ready(world), "geld").case_ids == (case_id,)


@pytest.mark.parametrize("spelling", ["R. Dijkgraaf", "Dijkgraaf, Rolf", "Rolf Dijkgraf", "drs. Rolf van Dijkgraaf"])
def test_other_cases_that_name_the_same_person_are_told(world: World, spelling: str) -> None:
    here = world.open_case(about("Een.", "Rolf Dijkgraaf")).case_id
    there = world.open_case(about("Twee.", spelling, "Ton Smit"), reference="CCCCC-DDDDD").case_id
    world.open_case(about("Drie.", "Karin Dijkgraaf"), reference="EEEEE-FFFFF")
    index = ready(world)
    with world.db.read() as session:
        (other,) = index.others_naming(session, world.ring, here, ["Rolf Dijkgraaf"])
    assert (other.case_id, other.reference, other.spelled) == (there, "CCCCC-DDDDD", (spelling,))


def test_a_member_finds_what_was_granted_to_them_and_nothing_else(world: World) -> None:
    granted = world.open_case(about("fraude een", "Rolf Dijkgraaf")).case_id
    world.open_case(about("fraude twee", "Rolf Dijkgraaf"), reference="CCCCC-DDDDD")
    ready(world)
    investigator = another_member(world, holds_the_desk_key=False)
    grant(world, granted, investigator)
    index = ready(world, investigator)
    assert find(world, index, "fraude", investigator).case_ids == (granted,)
    assert find(world, index, "", investigator, statuses=frozenset(Status)).case_ids == (granted,)
    assert [hit.case_id for hit in show(world, index, "fraude", investigator)] == [granted]
    with world.db.read() as session:
        assert index.others_naming(session, investigator, granted, ["Rolf Dijkgraaf"]) == ()


def test_a_case_kept_from_a_member_is_found_by_the_others_alone(world: World) -> None:
    kept = world.open_case(about("fraude geheim", "Ben Kok")).case_id
    open_ = world.open_case(about("fraude gewoon", "Ben Kok"), reference="CCCCC-DDDDD").case_id
    shut_out = another_member(world, holds_the_desk_key=True)
    keep_from_the_desk(world, kept, world.ring)
    ours, theirs = ready(world), ready(world, shut_out)
    assert set(find(world, ours, "fraude").case_ids) == {kept, open_}
    assert find(world, theirs, "fraude", shut_out).case_ids == (open_,)
    assert find(world, theirs, "", shut_out, statuses=frozenset(Status)).case_ids == (open_,)
    assert find(world, theirs, "geheim", shut_out).case_ids == ()
    with world.db.read() as session:
        assert theirs.others_naming(session, shut_out, open_, ["Ben Kok"]) == ()
        (other,) = ours.others_naming(session, world.ring, open_, ["Ben Kok"])
        assert other.case_id == kept


def test_an_index_in_memory_shows_nothing_that_its_reader_does_not_open(world: World) -> None:
    """Even one that knows too much: what is shown comes from the case, opened with the reader's own keys."""
    kept = world.open_case(about("fraude geheim", "Ben Kok")).case_id
    index = ready(world)
    found = find(world, index, "fraude")
    assert found.case_ids == (kept,)
    keep_from_the_desk(world, kept)
    outsider = another_member(world, holds_the_desk_key=True)
    with world.db.begin() as session:
        assert index.present(session, outsider, found, 1) == ()
        assert index.others_naming(session, outsider, "c" * 32, ["Ben Kok"]) == ()


def test_one_edit_in_a_word_of_six_letters_is_found_in_the_first_ten(world: World) -> None:
    """Measured on 500 queries over 100,000 cases by `make bench`; here on a small store, with the same edits."""
    draw = random.Random(5)
    letters = "abcdefghijklmnoprstuvwz"
    words = ["".join(draw.choice(letters) for _ in range(draw.randint(6, 9))) for _ in range(400)]
    of: dict[str, set[str]] = {}
    for number in range(40):
        told = draw.sample(words, 30)
        case_id = world.open_case(about(" ".join(told)), reference=f"{number + 22222}-AAAAA").case_id
        for word in told:
            of.setdefault(word, set()).add(case_id)
    index = ready(world)
    hits = 0
    for _ in range(500):
        word = draw.choice(sorted(of))
        hits += bool(of[word] & set(find(world, index, edited(word, draw)).case_ids[:10]))
    assert hits == 500


def edited(word: str, draw: random.Random) -> str:
    """The word with one letter changed, missing, too much, or two swapped."""
    at = draw.randrange(len(word))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    edits = (
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    )
    return draw.choice(edits)


def _age(case_id: str, hours: int) -> Update:
    return update(CaseFile).where(CaseFile.id == case_id).values(opened_at=NOW + timedelta(hours=hours))


def _found_rows(world: World) -> list[tuple[str | None, str | None]]:
    with world.db.read() as session:
        rows = session.execute(select(Audit.case_id, Audit.member_id).where(Audit.action == Action.FOUND))
        return [tuple(row) for row in rows]  # type: ignore[misc]
