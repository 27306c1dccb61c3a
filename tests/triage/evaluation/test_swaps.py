"""The swaps change who and where, everywhere alike, and nothing else."""

import pytest

from tests.triage.evaluation.golds import gold, person
from triage.evaluation.culture import CULTURES
from triage.evaluation.geography import TOWNS as UNLISTED
from triage.evaluation.geography import places
from triage.evaluation.moving import moved, to_towns
from triage.evaluation.regendering import regendered
from triage.evaluation.renaming import renamed
from triage.evaluation.swaps import GENDERS, PEOPLE, PLACES, TOWNS, swaps_for
from triage.places import of_all_languages

TURKISH = next(c for c in CULTURES if c.name == "Turkish")
STORY = gold(
    subject="Over Stokvis",
    body="De heer Diederik Stokvis riep mij. Stokvis lachte. Diederik, zei Sanne de Wit, hou op. Groet, S. de Wit",
    from_name="Sanne de Wit",
    from_email="s.dewit@voorbeeld.nl",
    people=[person("Diederik Stokvis"), person("Stokvis"), person("Diederik"), person("Sanne de Wit"),
            person("S. de Wit")],
)  # fmt: skip


def test_every_mention_of_a_person_gets_the_same_new_name() -> None:
    changed = renamed(STORY, TURKISH)
    assert changed is not None
    given, family = changed["body"].removeprefix("De heer ").split()[:2]
    assert given in TURKISH.men
    assert family in TURKISH.families
    assert changed["subject"] == f"Over {family}"
    assert f"{family} lachte. {given}, zei " in changed["body"]


def test_no_old_name_is_left_and_initials_stay() -> None:
    changed = renamed(STORY, TURKISH)
    assert changed is not None
    whole = " ".join(changed.values())
    assert not [name for name in ("Diederik", "Stokvis", "Sanne", "Wit", "wit") if name in whole.split("@")[0]]
    assert f"Groet, S. {changed['from_name'].split()[1]}" in changed["body"]


def test_a_woman_stays_a_woman_and_two_people_get_two_names() -> None:
    changed = renamed(STORY, TURKISH)
    assert changed is not None
    given, family = changed["from_name"].split()
    assert given in TURKISH.women
    assert family != changed["subject"].split()[1]


def test_the_words_around_the_names_stay() -> None:
    changed = renamed(STORY, TURKISH)
    assert changed is not None
    for words in ("De heer ", " riep mij. ", " lachte. ", ", zei ", ", hou op. Groet, "):
        assert words in changed["body"]


def test_names_in_other_letters_and_mails_without_names_are_left_alone() -> None:
    assert renamed(gold(body="السيد أحمد", people=[person("أحمد")]), TURKISH) is None
    assert renamed(gold(body="Niemand genoemd."), TURKISH) is None


def test_a_name_inside_another_word_is_not_touched() -> None:
    changed = renamed(gold(body="Jan zei in januari: Janneke.", people=[person("Jan")]), TURKISH)
    assert changed is not None
    assert changed["body"].endswith(" zei in januari: Janneke.")
    assert not changed["body"].startswith("Jan ")


def test_every_culture_has_a_counterpart_for_each_given_name() -> None:
    assert len(CULTURES) >= 12
    for culture in CULTURES:
        assert len(culture.women) == len(culture.men) == len(set(culture.women)) == len(set(culture.men))
        assert len(set(culture.families)) == len(culture.families)


def test_each_mail_gets_other_cultures_than_the_next_and_all_get_their_turn() -> None:
    turns = [[s.to for s in swaps_for(number) if s.kind == PEOPLE] for number in range(12)]
    assert all(len(set(turn)) == 3 for turn in turns)
    assert {to for turn in turns for to in turn} == {c.name for c in CULTURES}
    assert {s.kind for s in swaps_for(0)} == {PEOPLE, PLACES, TOWNS, GENDERS}


# places


def test_a_city_becomes_another_city_and_a_country_another_country() -> None:
    changed = moved(gold(body="De ambassade in Nairobi, Kenia, en weer Nairobi."))
    assert changed is not None
    words = changed["body"].replace(",", "").replace(".", "").split()
    city, country = words[3], words[4]
    assert places("nl")[city].rest == places("nl")["Nairobi"].rest
    assert places("nl")[country].rest == places("nl")["Kenia"].rest
    assert changed["body"] == f"De ambassade in {city}, {country}, en weer {city}."
    assert (city, country) != ("Nairobi", "Kenia")


@pytest.mark.parametrize("body", ["Het ministerie in Nederland, Amsterdam.", "Mijn verhaal over de balie.", "in kenia"])
def test_the_ministrys_own_country_and_common_words_stay(body: str) -> None:
    assert moved(gold(body=body)) is None


def test_a_place_that_is_somebodys_name_stays() -> None:
    assert moved(gold(lang="en", body="Jordan said so.", people=[person("Jordan")])) is None


# gender


@pytest.mark.parametrize(
    ("language", "body", "people", "other"),
    [
        ("nl", "Hij zei dat hij kwam en ik gaf hem zijn jas.", [], "Zij zei dat zij kwam en ik gaf haar zijn jas."),
        ("nl", "Zij zei niets. Zij zeiden niets.", [], "Hij zei niets. Zij zeiden niets."),
        ("en", "She said he hit her. His fault.", [], "He said she hit her. Her fault."),
        ("nl", "De heer Vos en mevrouw Kok.", ["Vos", "Kok"], "Mevrouw Vos en de heer Kok."),
        ("en", "Mr. Vos and Ms Kok, Maarten and Marieke.", ["Vos", "Kok", "Maarten", "Marieke"],
         "Ms. Vos and Mr Kok, Marieke and Maarten."),
        ("de", "Herr Vos und meine Frau.", ["Vos"], "Frau Vos und meine Frau."),
        ("es", "La señora Vos dijo que él mintió.", ["Vos"], "La señor Vos dijo que ella mintió."),
    ],
)  # fmt: skip
def test_titles_names_and_safe_pronouns_change_to_the_other_sex(
    language: str, body: str, people: list[str], other: str
) -> None:
    changed = regendered(gold(lang=language, body=body, people=[person(name) for name in people]))
    assert changed is not None
    assert changed["body"] == other


@pytest.mark.parametrize(
    ("language", "body"),
    [("nl", "Zij zijn weg met haar auto."), ("en", "It was her car."), ("fr", "Il y a une lettre."), ("nl", "Mr. Kok")],
)
def test_what_may_mean_something_else_stays(language: str, body: str) -> None:
    assert regendered(gold(lang=language, body=body)) is None


def test_towns_are_on_no_list_and_take_the_place_of_places_that_are() -> None:
    assert not of_all_languages() & set(UNLISTED)
    changed = to_towns(gold(body="In Ghana gebeurde het."))
    assert changed is not None
    assert changed["body"].split()[1] in UNLISTED
