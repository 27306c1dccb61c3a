"""Below a threshold that the installation sets, the desk says that Meldpost does not know."""

from collections.abc import Mapping
from typing import Any

import pytest

from config.settings import TriageSettings
from tests.desk.world import REPORT, Visitor, World, coordinator

UNSURE: Mapping[str, Any] = {
    **REPORT,
    "kind": "aanvulling",
    "kind_scores": {"aanvulling": 0.31, "klacht": 0.42, "melding": 0.2, "overig": 0.07},
    "categories": [{"slug": "pesten", "score": 0.3, "sub": []}, {"slug": "intimidatie", "score": 0.2, "sub": []}],
    "primary": "pesten",
}
UNKNOWN = "Meldpost weet het niet"


def row(visitor: Visitor) -> str:
    return visitor.get("/").text.split("<tbody>")[1].split("</tbody>")[0]


def field(visitor: Visitor, case_id: str, name: str) -> str:
    return visitor.get(f"/cases/{case_id}").text.split(f'id="field-{name}"')[1].split('<div class="field"')[0]


def test_the_queue_says_that_it_does_not_know_instead_of_what_is_below_the_threshold(world: World) -> None:
    world.new_case(report=UNSURE)
    shown = row(coordinator(world))
    assert shown.count(UNKNOWN) == 2
    assert "Aanvulling" not in shown
    assert "Pesten" not in shown
    assert "en nog 1" not in shown
    assert "Hoog" in shown


@pytest.mark.parametrize(("threshold", "known"), [(0.3, True), (0.31, True), (0.32, False), (0, True)])
def test_the_threshold_is_the_one_that_is_set(world: World, threshold: float, known: bool) -> None:
    settings = world.settings.model_copy(update={"triage": TriageSettings(know_threshold=threshold)})
    world.serve(settings)
    world.new_case(report=UNSURE)
    assert ("Aanvulling" in row(coordinator(world))) is known


def test_the_page_of_a_case_names_the_likeliest_and_does_not_offer_to_accept_it(world: World) -> None:
    case_id = world.new_case(report=UNSURE).case_id
    visitor = coordinator(world)
    kind = field(visitor, case_id, "kind")
    assert UNKNOWN in kind
    assert "Voor de machine het waarschijnlijkst: Aanvulling." in kind
    assert "Akkoord" not in kind
    assert "checked" not in kind
    assert "Akkoord" in field(visitor, case_id, "severity")
    assert visitor.get(f"/cases/{case_id}").text.split("</dl>")[0].count(UNKNOWN) == 2


def test_accepting_all_suggestions_decides_nothing_that_meldpost_does_not_know(world: World) -> None:
    case_id = world.new_case(report=UNSURE).case_id
    visitor = coordinator(world)
    page = visitor.get(f"/cases/{case_id}").text
    seen = page.split('name="seen" value="')[1].split('"')[0]
    sent = {"seen": seen, "version": visitor.version(case_id)}
    assert visitor.post(f"/cases/{case_id}/accept", sent).status_code == 303
    assert UNKNOWN in field(visitor, case_id, "kind")
    assert UNKNOWN in field(visitor, case_id, "primary")
    assert "Vastgesteld door" in field(visitor, case_id, "severity")


def test_what_a_person_decided_is_known(world: World) -> None:
    case_id = world.new_case(report=UNSURE).case_id
    visitor = coordinator(world)
    decided = {"value": "klacht", "version": visitor.version(case_id)}
    assert visitor.post(f"/cases/{case_id}/decide/kind", decided).status_code == 303
    assert "Andere klacht" in row(visitor)
    assert row(visitor).count(UNKNOWN) == 1
    assert UNKNOWN not in field(visitor, case_id, "kind")
    assert row(visitor).count(UNKNOWN) == 1


def test_a_mail_of_which_meldpost_does_not_know_stands_where_its_likeliest_kind_does(world: World) -> None:
    for report in ({**UNSURE, "kind": "overig"}, UNSURE, {**UNSURE, "kind": "melding"}):
        world.new_case(report=report)
    shown = row(coordinator(world))
    places = [shown.index(f"K2345-0000{number}") for number in (2, 1, 0)]
    assert places == sorted(places)


ADDS: Mapping[str, Any] = {**REPORT, "kind": "aanvulling", "kind_scores": {"aanvulling": 0.97, "melding": 0.03}}


def test_what_looks_like_an_addition_and_joins_nothing_is_in_doubt_and_found_among_the_reports(world: World) -> None:
    case_id = world.new_case(report=ADDS).case_id
    visitor = coordinator(world)
    assert UNKNOWN in row(visitor)
    assert "Voor de machine het waarschijnlijkst: Aanvulling." in field(visitor, case_id, "kind")
    _index(world)
    for kind in ("melding", "aanvulling"):
        assert case_id in visitor.get(f"/?kind={kind}").text
    assert case_id not in visitor.get("/?kind=klacht").text


def test_an_addition_to_a_case_that_it_is_linked_to_is_in_no_doubt(world: World) -> None:
    first = world.new_case().case_id
    world.new_case(report=ADDS, linked_case=first)
    assert UNKNOWN not in row(coordinator(world))


def test_what_a_person_decided_to_be_an_addition_is_found_there_alone(world: World) -> None:
    case_id = world.new_case(report=ADDS).case_id
    visitor = coordinator(world)
    decided = {"value": "aanvulling", "version": visitor.version(case_id)}
    assert visitor.post(f"/cases/{case_id}/decide/kind", decided).status_code == 303
    visitor.get("/")
    _index(world)
    assert case_id not in visitor.get("/?kind=melding").text
    assert case_id in visitor.get("/?kind=aanvulling").text


def _index(world: World) -> None:
    """Wait until the search index is read."""
    world.app.extensions["meldpost-desk"].indexes.wait()
