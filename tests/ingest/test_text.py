"""The reporter's own words apart from what stands below them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text import split, unflow

OWN = "Hierbij het antwoord op uw vraag.\nHet gaat om J. de Vries."


@pytest.mark.parametrize(
    "history",
    [
        "Op ma 2 feb 2026 om 10:00 schreef Integriteit <desk@example.org>:\n> Uw melding is ontvangen.",
        "Op 2 februari 2026 heeft de coördinator het volgende geschreven:\n\n> Uw melding",
        "Op ma 2 feb. 2026 om 10:00 schreef Integriteitscoördinator van het ministerie\n<desk@example.org>:\n\n> Tekst",
        "On Mon, Feb 2, 2026 at 10:00 AM Desk <desk@example.org> wrote:\n> Your report",
        "Le lun. 2 févr. 2026 à 10:00, Desk <desk@example.org> a écrit :\n> Votre message",
        "Am 02.02.2026 um 10:00 schrieb Desk:\n> Ihre Meldung",
        "2026-02-02 10:00 GMT+01:00 Desk <desk@example.org>:\n> x".replace(">:", "> schreef:"),
        "-----Oorspronkelijk bericht-----\nVan: Desk\nVerzonden: maandag\nOnderwerp: Ontvangst\n\nUw melding",
        "-----Original Message-----\nFrom: Desk\n\nYour report",
        "-------- Doorgestuurd bericht --------\nOnderwerp: x\n\ntekst",
        "-----Ursprüngliche Nachricht-----\nVon: Desk",
        "________________________________\nVan: Desk <desk@example.org>\nVerzonden: maandag 2 februari 2026 10:00\n"
        "Aan: jan@example.org\nOnderwerp: Ontvangst\n\nUw melding is ontvangen.",
        "From: Desk <d@example.org>\nSent: Monday, 2 February 2026 10:00\nTo: Jan\nSubject: Received\n\nYour report",
        "De : Desk\nEnvoyé : lundi 2 février 2026\nÀ : Jan\nObjet : Reçu\n\nVotre message",
        "Von: Desk\nGesendet: Montag, 2. Februar 2026\nAn: Jan\nBetreff: Eingang\n\nIhre Meldung",
        "*Van:* Desk\n*Verzonden:* maandag\n*Aan:* Jan\n*Onderwerp:* x\n\ntekst",
        "> Uw melding\n> is ontvangen",
    ],
)
def test_history_below_is_not_the_reporters_own(history: str) -> None:
    parts = split(f"{OWN}\n\n{history}")
    assert parts.own.strip() == OWN
    assert parts.quoted.strip().splitlines()[-1] == history.splitlines()[-1]


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        "Op 3 maart schreef hij mij een brief waarin hij dreigde.\nDat was niet de eerste keer.",
        "Van: wie weet ik niet.\nHij nam geld aan.",
        "Op kantoor gebeurt het volgende:\n- geld verdwijnt\n- niemand zegt iets",
        "On several days he wrote:\nnothing of it is true",
        "De schade is 10 - 20 > 5 procent",
        "---\nEen streep",
    ],
)
def test_words_that_merely_look_like_history_stay_the_reporters_own(text: str) -> None:
    parts = split(text)
    assert parts.own == text
    assert parts.quoted == ""


def test_answers_between_quoted_lines_are_the_reporters_own() -> None:
    text = "Op 2 feb 2026 schreef Desk <d@example.org>:\n> Wie?\nJ. de Vries.\n> Wanneer?\nOp maandag."
    parts = split(text)
    assert parts.own.split() == ["J.", "de", "Vries.", "Op", "maandag."]
    assert "> Wie?" in parts.quoted


def test_a_mail_that_only_forwards_has_no_words_of_its_own() -> None:
    parts = split("-----Original Message-----\nFrom: x\nSent: y\n\nbody")
    assert parts.own == ""
    assert "body" in parts.quoted


@given(st.text(alphabet="Op schref:>-\n Van@1", max_size=400))
def test_no_line_is_lost_or_doubled(text: str) -> None:
    parts = split(text)
    kept = [line for line in (parts.own + "\n" + parts.quoted).split("\n") if line]
    assert sorted(kept) == sorted(line for line in text.split("\n") if line)


@pytest.mark.parametrize(
    "unit",
    [
        "> ",
        ">",
        "Op 1 ",
        "Op 1\n",
        "On 1 wrote\n",
        "-",
        "- ",
        "-----Original ",
        "Van:\n",
        "Van: x\nVan: y\n",
        " \n",
        "\t",
        "heeft ",
    ],
)
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    """No timing is asserted: what is quadratic here would not end within the test run (mail-cases 50, 51)."""
    split(unit * (400_000 // len(unit)))
    unflow(unit * (400_000 // len(unit)), delete_space=True)


def test_soft_line_breaks_are_joined() -> None:
    assert (
        unflow("Een regel die \ndoorloopt.\nEen nieuwe.", delete_space=False) == "Een regel die doorloopt.\nEen nieuwe."
    )
    assert unflow("samen \ngesteld", delete_space=True) == "samengesteld"


def test_soft_breaks_join_only_lines_of_the_same_depth_and_spare_the_signature() -> None:
    assert unflow("> a \n> b\nc", delete_space=False) == "> a b\nc"
    assert unflow("tekst \n-- \nJan", delete_space=False) == "tekst \n-- \nJan"
    assert unflow(" >geen citaat", delete_space=False) == ">geen citaat"


def test_one_paragraph_of_a_million_soft_breaks_takes_linear_time() -> None:
    """No timing is asserted: what is quadratic here would not end within the test run (mail-cases 51)."""
    assert len(unflow("a \n" * 1_900_000, delete_space=False)) == 2 * 1_900_000
