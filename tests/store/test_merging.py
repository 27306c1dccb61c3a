"""What the reports of several messages say together."""

from __future__ import annotations

import pytest

from store import merging


@pytest.mark.parametrize(
    ("severities", "together"),
    [(["laag", "acuut"], "acuut"), (["hoog", "laag"], "hoog"), ([None, "midden"], "midden"), ([None, None], None)],
)
def test_a_case_is_as_serious_as_the_gravest_of_its_messages(severities: list[str | None], together: str) -> None:
    reports = [{"severity": severity} for severity in severities]
    assert merging.suggested(reports)["severity"] == together


def test_a_mail_that_was_not_read_for_what_it_lacks_makes_nothing_present() -> None:
    first = {"missing": ["phone", "address"]}
    assert merging.suggested([first, {"automatic": "auto_reply"}])["missing"] == ["phone", "address"]


def test_what_a_person_wrote_down_of_the_reporter_is_not_missing() -> None:
    report = {"missing": ["phone", "description"]}
    assert merging.decided(report, {}, None, {"phone": "06 1"})["missing"] == ["description"]


def test_what_a_person_says_is_missing_is_missing_whatever_the_contact_details_hold() -> None:
    decisions = {"missing": {"value": ["phone"], "at": "2026-03-02", "by": "ada"}}
    assert merging.decided({"missing": []}, decisions, None, {"phone": "06 1"})["missing"] == ["phone"]


def test_a_case_whose_first_mail_nobody_could_open_is_about_what_the_next_one_says() -> None:
    """mail-cases 69"""
    locked = {"automatic": None, "marks": ["encrypted"]}
    told = {"kind": "melding", "severity": "hoog", "missing": ["phone"], "categories": [], "concerned": []}
    assert merging.suggested([locked, told]) == told
    assert merging.suggested([locked]) == locked


def test_of_a_mail_that_nobody_understood_nothing_is_said() -> None:
    assert merging.suggested([{}]) == {}
    assert merging.decided({}, {}, None, {"phone": "06 1"}) == {}


@pytest.mark.parametrize("later", ["Veldkamp", "S. Veldkamp", "sander veldkamp"])
def test_one_person_named_in_two_mails_is_one_entry(later: str) -> None:
    first = {"concerned": [{"name": "Sander Veldkamp", "function": None}]}
    more = {"concerned": [{"name": later, "function": "consular assistant"}]}
    together = [{"name": "Sander Veldkamp", "function": "consular assistant"}]
    assert merging.suggested([first, more])["concerned"] == together


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Karel Veldkamp", None), ("Sander Veldkamp", None)),
        (("Jan de Vries", None), ("Anne de Boer", None)),
        ((None, "teamleider"), (None, "portier")),
    ],
)
def test_two_persons_stay_two(one: tuple[str | None, str | None], other: tuple[str | None, str | None]) -> None:
    persons = [{"name": name, "function": function} for name, function in (one, other)]
    assert merging.suggested([{"concerned": [persons[0]]}, {"concerned": [persons[1]]}])["concerned"] == persons


PORTER = {"name": None, "function": "portier"}


def people(*told: tuple[str | None, str | None]) -> list[dict[str, str | None]]:
    return [{"name": name, "function": function} for name, function in told]


@pytest.mark.parametrize(
    ("known", "together"),
    [
        ([("Bram Hoekstra", None)], [("Bram Hoekstra", "portier")]),
        ([("Els Kuik", "chef"), ("Bram Hoekstra", None)], [("Els Kuik", "chef"), ("Bram Hoekstra", "portier")]),
        (
            [("Els Kuik", None), ("Bram Hoekstra", None)],
            [("Els Kuik", None), ("Bram Hoekstra", None), (None, "portier")],
        ),
        ([("Els Kuik", "chef")], [("Els Kuik", "chef"), (None, "portier")]),
        ([("Els Kuik", "portier"), ("Bram Hoekstra", None)], [("Els Kuik", "portier"), ("Bram Hoekstra", None)]),
        ([], [(None, "portier")]),
    ],
)
def test_a_function_without_a_name_in_a_follow_up_is_that_of_the_one_person_without(
    known: list[tuple[str | None, str | None]], together: list[tuple[str | None, str | None]]
) -> None:
    reports = [{"concerned": people(*known)}, {"concerned": [PORTER]}]
    assert merging.suggested(reports)["concerned"] == people(*together)


def test_two_functions_without_a_name_or_a_further_person_without_are_nobody_known() -> None:
    first = {"concerned": people(("Bram Hoekstra", None))}
    for more in ([("Els Kuik", None), (None, "portier")], [(None, "portier"), (None, "chef")]):
        together = merging.suggested([first, {"concerned": people(*more)}])["concerned"]
        assert together == [*first["concerned"], *people(*more)]


def test_what_another_reporter_says_is_no_function_of_a_person_of_this_case() -> None:
    own, brought = {"concerned": people(("Bram Hoekstra", None))}, {"concerned": [PORTER]}
    assert merging.suggested([own], [brought])["concerned"] == [*own["concerned"], PORTER]


def test_a_case_names_no_more_persons_than_a_person_can_work_with() -> None:
    many = [{"name": f"Naam{chr(97 + n // 26)}{chr(97 + n % 26)}", "function": None} for n in range(100)]
    first, later = {"concerned": many[:60]}, {"concerned": many[60:]}
    assert merging.suggested([first])["concerned"] == many[: merging.MOST_CONCERNED]
    assert len(merging.suggested([first, later])["concerned"]) == merging.MOST_CONCERNED


SURE = {
    "kind": "melding",
    "kind_scores": {"melding": 0.6, "klacht": 0.4},
    "categories": [{"slug": "pesten", "score": 0.3}, {"slug": "intimidatie", "score": 0.2}],
    "primary": "pesten",
}


def test_how_sure_the_machine_is_counts_for_what_nobody_decided() -> None:
    assert merging.scores(SURE) == {"kind": 0.6, "primary": 0.3}
    assert merging.scores(SURE, {"kind"}) == {"primary": 0.3}
    assert merging.scores({**SURE, "primary": None}) == {"kind": 0.6}
    assert merging.scores({"automatic": "bounce"}) == {}


def test_a_card_forgets_how_sure_the_machine_was_of_what_a_person_decides() -> None:
    card = merging.card("K1", SURE, [], merging.scores(SURE), {})
    changed = merging.changed_card(card, {"kind": "klacht"})
    assert (changed["kind"], changed["scores"]) == ("klacht", {"primary": 0.3})
    assert merging.changed_card({"reference": "K1"}, {"severity": "hoog"})["scores"] == {}


def test_a_severity_that_a_later_message_gave_has_the_scores_of_that_message() -> None:
    first, later = (
        {"severity": grade, "severity_scores": {grade: score}} for grade, score in (("laag", 0.8), ("acuut", 0.7))
    )
    assert merging.suggested([first, later])["severity_scores"] == {"acuut": 0.7}
    assert merging.suggested([later, first])["severity_scores"] == {"acuut": 0.7}


def test_what_another_reporter_tells_says_nothing_of_who_the_reporter_is() -> None:
    own = {"kind": "overig", "missing": ["phone", "concerned_name"]}
    brought = {"kind": "melding", "missing": [], "concerned": [{"name": "Piet Stam", "function": "inkoper"}]}
    together = merging.suggested([own], [brought])
    assert together["missing"] == ["phone"]
    assert together["concerned"] == brought["concerned"]
    assert merging.suggested([], [brought])["missing"] == ["address", "email", "phone"]


BULLIED = {
    "kind": "melding",
    "categories": [{"slug": "pesten", "score": 0.9, "sub": []}],
    "primary": "pesten",
    "evidence": [{"text": "hij lacht mij uit", "category": "pesten"}],
}
THREATENED = {
    "kind": "aanvulling",
    "categories": [{"slug": "intimidatie", "score": 0.8}, {"slug": "pesten", "score": 0.4, "sub": []}],
    "primary": "intimidatie",
    "evidence": [{"text": "ik maak je dood", "category": "intimidatie"}],
}


def test_a_later_message_adds_its_categories_with_what_they_rest_on() -> None:
    together = merging.suggested([BULLIED, THREATENED])
    assert [(each["slug"], each["score"]) for each in together["categories"]] == [("pesten", 0.9), ("intimidatie", 0.8)]
    assert (together["kind"], together["primary"]) == ("melding", "pesten")
    assert [each["category"] for each in together["evidence"]] == ["pesten", "intimidatie"]
    assert [each["slug"] for each in BULLIED["categories"]] == ["pesten"]  # type: ignore[index]


def test_finer_labels_of_a_category_are_those_of_all_messages() -> None:
    reports = [{"categories": [{"slug": "strafbaar_feit", "sub": [sub]}]} for sub in ("fraude", "diefstal", "fraude")]
    assert merging.suggested(reports)["categories"] == [{"slug": "strafbaar_feit", "sub": ["fraude", "diefstal"]}]


def test_categories_that_a_person_decided_stay_whatever_a_later_message_adds() -> None:
    decisions = {"categories": {"value": [{"slug": "pesten", "sub": []}], "at": "2026-03-02", "by": "ada"}}
    report = merging.decided(merging.suggested([BULLIED, THREATENED]), decisions, None)
    assert report["categories"] == [{"slug": "pesten", "sub": []}]


@pytest.mark.parametrize(
    ("kinds", "together"),
    [
        (["overig", "melding"], "melding"),
        (["advies", "melding"], "melding"),
        (["aanvulling", "melding"], "melding"),
        (["melding", "klacht"], "melding"),
        (["advies", "aanvulling"], "advies"),
        (["overig", "aanvulling"], "overig"),
        (["klacht", None], "klacht"),
    ],
)
def test_a_case_is_of_the_kind_that_waits_least_of_its_messages(kinds: list[str | None], together: str) -> None:
    found = merging.suggested([{"kind": kind, "kind_scores": {kind: 0.9}} for kind in kinds])
    assert (found["kind"], merging.scores(found)) == (together, {"kind": 0.9})
