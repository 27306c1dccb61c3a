"""What a person decided becomes a label; what nobody decided becomes none."""

from typing import Any

from tests.triage.mails import DUTCH
from triage.corrections import labelled
from triage.labelled import Labelled

STOKVIS = {"name": "Diederik Stokvis", "function": "hoofd visumzaken"}


def of(decided: dict[str, Any], *, alone: bool = True) -> Labelled:
    return labelled("zaak-1", DUTCH, "nl", decided, alone=alone)


def test_a_case_on_which_nothing_is_decided_teaches_nothing() -> None:
    assert of({}).known == frozenset()


def test_a_case_is_a_writer_of_its_own() -> None:
    assert of({"kind": "melding"}).writer == "zaak-1"


def test_each_decided_part_is_a_label() -> None:
    categories = [{"slug": "strafbaar_feit", "sub": ["corruptie"]}, {"slug": "machtsmisbruik", "sub": []}]
    found = of({"kind": "melding", "categories": categories, "primary": "strafbaar_feit", "severity": "hoog"})
    assert found.known == {"kind", "categories", "severity"}
    assert (found.gold["kind"], found.gold["primary"], found.gold["severity"]) == ("melding", "strafbaar_feit", "hoog")
    assert (found.gold["categories"], found.gold["sub"]) == (["strafbaar_feit", "machtsmisbruik"], ["corruptie"])


def test_one_category_is_the_primary_one_and_of_several_a_person_has_to_say_which() -> None:
    assert of({"categories": [{"slug": "pesten"}]}).gold["primary"] == "pesten"
    assert of({"categories": [{"slug": "pesten"}, {"slug": "intimidatie"}]}).known == frozenset()
    assert of({"primary": "pesten"}).known == frozenset()


def test_that_no_category_holds_is_a_label_too() -> None:
    assert of({"categories": [], "primary": None}).known == {"categories"}


def test_persons_are_learned_where_the_mail_has_them_as_they_were_decided() -> None:
    assert of({"concerned": [STOKVIS]}).known == {"name", "function"}
    assert of({"concerned": [{**STOKVIS, "name": "Diederick Stokvis"}]}).known == {"function"}
    assert of({"concerned": [{"name": "Diederik Stokvis", "function": "consul"}]}).known == {"name"}
    assert of({"concerned": []}).known == {"name", "function"}


def test_what_a_case_lacks_is_what_its_mail_lacks_only_where_there_is_one_mail() -> None:
    decided = {"kind": "melding", "missing": ["email", "description"]}
    alone = of(decided)
    assert alone.tells_what_it_lacks
    assert (alone.gold["missing"], alone.gold["description_clear"]) == (["description"], False)
    assert not of(decided, alone=False).tells_what_it_lacks
    assert not of({"missing": []}).tells_what_it_lacks
