"""Showing in a text what was found in it, and what a suggestion rests on."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from desk.highlight import PARTS, Piece, Stretch, marks_in, parts_of, stretches

EVIDENCE = st.fixed_dictionaries({"text": st.text(max_size=10), "category": st.sampled_from(["pesten", "intimidatie"])})
FEW = "ab .\n\x07\u202eé"
"""Letters of which texts are made that often hold what is looked for."""


def plain(text: str, *categories: str) -> Stretch:
    return Stretch((Piece(text),), categories)


def marked(text: str, *parts: tuple[str, str], evidence: str = "") -> list[Stretch]:
    return list(stretches(text, [{"text": evidence, "category": "pesten"}], parts))


def test_evidence_is_found_however_its_white_space_was_folded() -> None:
    text = "Hij vroeg tien procent\nvan iedere  factuur. Echt."
    found = list(stretches(text, [{"text": "tien procent van iedere factuur", "category": "strafbaar_feit"}]))
    assert found == [
        plain("Hij vroeg "),
        plain("tien procent\nvan iedere  factuur", "strafbaar_feit"),
        plain(". Echt."),
    ]


def test_evidence_that_is_not_in_the_text_changes_nothing() -> None:
    assert list(stretches("Een tekst.", [{"text": "elders", "category": "pesten"}])) == [plain("Een tekst.")]


def test_where_evidence_overlaps_the_first_is_shown() -> None:
    evidence = [{"text": "bcd", "category": "pesten"}, {"text": "ab", "category": "intimidatie"}]
    assert list(stretches("abcd", evidence)) == [plain("ab", "intimidatie"), plain("cd")]


def test_a_passage_that_is_evidence_of_two_categories_is_marked_once_with_both() -> None:
    evidence = [{"text": text, "category": slug} for text, slug in (("bc", "pesten"), ("bc", "intimidatie"))]
    assert list(stretches("abcd", [*evidence, evidence[0]])) == [
        plain("a"),
        plain("bc", "pesten", "intimidatie"),
        plain("d"),
    ]


def test_a_name_is_marked_wherever_it_stands_and_not_in_other_words() -> None:
    (found,) = marked("Jan zag het. In januari sprak Jan.", ("Jan", "concerned"))
    assert found.pieces == (
        Piece("Jan", "concerned"),
        Piece(" zag het. In januari sprak "),
        Piece("Jan", "concerned"),
        Piece("."),
    )


def test_what_only_stands_joined_to_another_word_is_marked_once() -> None:
    (found,) = marked("قال لمحمد ولمحمد", ("محمد", "concerned"))
    assert [piece.text for piece in found.pieces if piece.part] == ["محمد"]


def test_a_name_within_evidence_is_marked_in_it() -> None:
    found = marked("Toen schold Jan mij uit. Echt.", ("Jan", "concerned"), evidence="schold Jan mij uit.")
    assert found == [
        plain("Toen "),
        Stretch((Piece("schold "), Piece("Jan", "concerned"), Piece(" mij uit.")), ("pesten",)),
        plain(" Echt."),
    ]


def test_what_crosses_the_end_of_evidence_is_whole_and_says_what_it_is_once() -> None:
    found = marked("Dat deed Jan de Wit altijd.", ("Jan de Wit", "concerned"), evidence="Dat deed Jan")
    assert found[0].pieces[-1] == Piece("Jan", "concerned", ends=False)
    assert found[1].pieces[0] == Piece(" de Wit", "concerned")


def test_a_part_that_crosses_the_end_of_a_line_is_one_mark() -> None:
    (found,) = marked("Zinkwerf 31,\r\n2544 EC Den\n Haag", ("Zinkwerf 31, 2544 EC Den Haag", "address"))
    assert found.pieces == (Piece("Zinkwerf 31,\r\n2544 EC Den\n Haag", "address"),)


def test_of_parts_that_overlap_the_first_counts_and_then_the_longer() -> None:
    (found,) = marked(
        "hoofd inkoop Zuid", ("inkoop Zuid", "address"), ("hoofd", "concerned"), ("hoofd inkoop", "function")
    )
    assert found.pieces == (Piece("hoofd inkoop", "function"), Piece(" Zuid"))


def test_control_characters_that_triage_reads_as_spaces_hide_nothing() -> None:
    (found,) = marked("Jan\x07de Wit", ("Jan de Wit", "concerned"))
    assert found.pieces == (Piece("Jan\x07de Wit", "concerned"),)


def test_what_is_looked_for_is_no_pattern() -> None:
    (found,) = marked("aaa (a+)+$ .*", ("(a+)+$", "phone"), (".*", "email"))
    assert [piece.text for piece in found.pieces if piece.part] == ["(a+)+$", ".*"]


def test_text_that_nearly_holds_what_is_looked_for_everywhere_costs_no_more_than_its_length() -> None:
    """Looking at each place anew would take minutes here."""
    text = "a " * 50_000
    evidence = [{"text": "a " * 999 + "b", "category": "pesten"}]
    found = list(stretches(text, evidence * 50, [("a " * 99 + "b", "reporter")] * 50))
    assert found == [plain(text)]


def test_a_report_says_what_to_look_for() -> None:
    contact = {"name": "Ida Nel", "email": None, "phone": "06 1", "address": ""}
    assert parts_of([{"name": None, "function": "chef"}, {"name": "Jan", "function": None}], contact) == [
        ("chef", "function"),
        ("Jan", "concerned"),
        ("Ida Nel", "reporter"),
        ("06 1", "phone"),
    ]


def test_a_legend_names_what_is_marked_in_the_order_of_the_parts() -> None:
    texts = [marked("Bel 06 1.", ("06 1", "phone")), marked("Jan", ("Jan", "concerned")), []]
    assert marks_in(texts) == ["concerned", "phone"]
    assert marks_in([marked("Jan", evidence="Jan")]) == ["evidence"]
    assert marks_in([marked("Niets.")]) == []


@given(st.text(max_size=60), st.lists(EVIDENCE, max_size=5))
def test_no_letter_of_the_text_is_lost_or_doubled(text: str, evidence: list[dict[str, str]]) -> None:
    assert "".join(part.text for part in stretches(text, evidence)) == text


@given(
    st.text(FEW, max_size=40),
    st.lists(st.fixed_dictionaries({"text": st.text(FEW, max_size=6), "category": st.just("pesten")}), max_size=3),
    st.lists(st.tuples(st.text(FEW, max_size=4), st.sampled_from(PARTS)), max_size=4),
)
def test_however_marks_overlap_every_letter_stands_once_and_each_mark_ends(
    text: str, evidence: list[dict[str, Any]], parts: list[tuple[str, str]]
) -> None:
    found = list(stretches(text, evidence, parts))
    assert "".join(stretch.text for stretch in found) == text
    assert all(piece.text for stretch in found for piece in stretch.pieces)
    pieces = [piece for stretch in found for piece in stretch.pieces]
    assert all(after.part == piece.part for piece, after in pairwise(pieces) if not piece.ends)
    assert not pieces or pieces[-1].ends
