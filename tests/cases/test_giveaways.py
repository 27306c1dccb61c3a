"""What a letter would give away of a report."""

from hypothesis import given
from hypothesis import strategies as st

from cases.giveaways import RUN, Giveaways, giveaways

REPORT = (
    "Geachte heer, sinds maart vraagt de contractmanager 10 procent van iedere factuur aan Stoomwals BV. "
    "Dat heb ik gezien in het kantoor aan de Zinkwerf. Factuur 2026-4711 was de laatste."
)
TEMPLATE = "Goedendag,\n\nWe kunnen uw bericht beter behandelen als we ook weten:\n\nHet ministerie van Voorbeelden"
CONCERNED = ("Rolf Dijkgraaf", "contractmanager catering")


def found(letter: str, *enclosed: str, files: tuple[str, ...] = ("bewijs facturen.pdf",)) -> Giveaways:
    return giveaways(letter, enclosed, template=TEMPLATE, concerned=CONCERNED, texts=[REPORT], files=files)


def test_the_template_itself_gives_nothing_away() -> None:
    assert not found(TEMPLATE)


def test_a_letter_of_its_own_words_gives_nothing_away() -> None:
    assert not found(f"{TEMPLATE}\n\nWe hebben uw bericht gelezen en bespreken het volgende week.")


def test_a_person_concerned_is_found_however_the_name_is_written() -> None:
    for spelled in ("Rolf Dijkgraaf", "DIJKGRAAF", "de heer R. Dijkgraaf", "dijkgraaf's afdeling", "Dìjkgraaf"):
        assert found(f"{TEMPLATE} {spelled}").persons == ("Rolf Dijkgraaf",), spelled
    assert found(f"{TEMPLATE} de catering").persons == ("contractmanager catering",)


def test_words_of_the_report_are_found_as_one_passage_across_lines_and_marks() -> None:
    said = 'U schreef "vraagt de contractmanager 10\nprocent van iedere factuur", en meer.'
    assert found(said).passages == ("vraagt de contractmanager 10 procent van iedere factuur",)


def told(letter: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(letter[one.begin : one.end], one.what, one.persons) for one in found(letter).places]


def test_each_place_of_a_letter_is_known_with_what_it_tells_and_of_whom() -> None:
    letter = "Wij spraken Dijkgraaf.\nU schreef: vraagt de contractmanager 10 procent van iedere factuur, in 2026-4711."
    assert told(letter) == [
        ("Dijkgraaf", ("person",), ("Rolf Dijkgraaf",)),
        (
            "vraagt de contractmanager 10 procent van iedere factuur",
            ("passage", "person"),
            ("contractmanager catering",),
        ),
        ("2026-4711", ("name",), ()),
    ]
    assert told("Zie Bewijs Facturen.") == [("Bewijs Facturen", ("file",), ())]
    assert told(TEMPLATE) == []


def test_a_few_words_that_everybody_says_are_no_passage() -> None:
    assert found("Dat heb ik gezien, zei men.").passages == ()
    assert RUN > 4


def test_names_and_numbers_out_of_the_report_are_found() -> None:
    assert found("Wij belden Stoomwals over 2026-4711.").names == ("Stoomwals", "2026-4711")
    assert found("Geachte heer, sinds kort.").names == ()


def test_a_file_of_the_report_is_found_by_its_name_and_when_it_is_enclosed() -> None:
    assert found("Zie bewijs facturen in uw mail.").files == ("bewijs facturen.pdf",)
    assert found(TEMPLATE, "bewijs facturen.pdf").files == ("bewijs facturen.pdf",)
    assert found(TEMPLATE, "folder.pdf").files == ()


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=200))
def test_whatever_is_written_gets_an_answer_and_a_letter_of_the_template_alone_is_harmless(
    letter: str, report: str, template: str
) -> None:
    def of(said: str) -> Giveaways:
        return giveaways(said, template=template, concerned=[report[:40]], texts=[report], files=[])

    assert isinstance(of(letter), Giveaways)
    assert not of(template)


WORDS = ["aap", "noot", "mies", "wim", "zus", "jet", "teun", "vuur", "gijs", "lam", "kees", "bok", "weide", "does"]


@given(st.lists(st.sampled_from(WORDS), min_size=9))
def test_a_report_that_is_quoted_whole_is_found(said: list[str]) -> None:
    text = " ".join(said)
    assert giveaways(text, template="", concerned=[], texts=[text], files=[]).passages == (text,)
