"""Showing in a text what a suggestion rests on."""

from hypothesis import given
from hypothesis import strategies as st

from desk.highlight import Stretch, stretches

EVIDENCE = st.fixed_dictionaries({"text": st.text(max_size=10), "category": st.sampled_from(["pesten", "intimidatie"])})


def test_evidence_is_found_however_its_white_space_was_folded() -> None:
    text = "Hij vroeg tien procent\nvan iedere  factuur. Echt."
    found = list(stretches(text, [{"text": "tien procent van iedere factuur", "category": "strafbaar_feit"}]))
    assert found == [
        Stretch("Hij vroeg "),
        Stretch("tien procent\nvan iedere  factuur", "strafbaar_feit"),
        Stretch(". Echt."),
    ]


def test_evidence_that_is_not_in_the_text_changes_nothing() -> None:
    assert list(stretches("Een tekst.", [{"text": "elders", "category": "pesten"}])) == [Stretch("Een tekst.")]


def test_where_evidence_overlaps_the_first_is_shown() -> None:
    evidence = [{"text": "bcd", "category": "pesten"}, {"text": "ab", "category": "intimidatie"}]
    assert list(stretches("abcd", evidence)) == [Stretch("ab", "intimidatie"), Stretch("cd")]


@given(st.text(max_size=60), st.lists(EVIDENCE, max_size=5))
def test_no_letter_of_the_text_is_lost_or_doubled(text: str, evidence: list[dict[str, str]]) -> None:
    assert "".join(part.text for part in stretches(text, evidence)) == text
