"""The signature below a reporter's words: shown apart, and only where it is one for sure."""

from __future__ import annotations

import pytest

from ingest.text import split

OWN = "Ik meld dat J. de Vries geld aannam.\n\nHet gebeurde in maart."


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nJan Jansen\nAfdeling Inkoop\n06 12345678",
        "-- \n"
        + "\n".join(f"Regel {n} van een lange disclaimer die niemand leest, hoe lang hij ook is." for n in range(30)),
        "--\nJan Jansen",
        "Met vriendelijke groet,\n\nJan Jansen\nKerkstraat 1, 1234 AB Utrecht\n06 12345678",
        "Mvg\nJan",
        "Groetjes,\nJan",
        "Hoogachtend,\nmr. J. Jansen",
        "—————\nJan Jansen\n+31 6 12345678",
        "Regards,\n\nJohn Doe\nCEO @ Acme !",
        "Kind regards,\nJan Jansen\nProcurement",
        "Best regards\nJan",
        "Mit freundlichen Grüßen\nJan Jansen",
        "Cordialement,\nJean",
        "Un saludo,\nJuan",
        "Cordiali saluti\nGianni",
        "Com os melhores cumprimentos,\nJoão",
        "Sent from my iPhone",
        "Verstuurd vanaf mijn iPad",
        "Verzonden vanuit Outlook voor Android",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Verzonden met Outlook voor iOS",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Met vriendelijke groet,\nJan\n\nVerstuurd vanaf mijn iPhone",
    ],
)
def test_a_signature_stands_apart(signature: str) -> None:
    parts = split(f"{OWN}\n\n{signature}\n\nOp 2 feb 2026 om 10:00 schreef Desk <d@example.org>:\n> Ontvangen")
    assert parts.own.strip() == OWN
    assert parts.signature == signature
    assert parts.quoted.startswith("Op 2 feb")


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        f"{OWN}\n\nMet vriendelijke groet,\nJan\n\nP.S. Hij heeft mij ook bedreigd.",
        f"{OWN}\n\nMet vriendelijke groet,\n\nHij heeft mij daarna nog drie keer gebeld.",
        f"{OWN}\n\nGroeten\n" + "\n".join(f"regel {n}" for n in range(30)),
        f"{OWN}\nMet vriendelijke groet en tot ziens op kantoor, zei hij tegen mij.\nJan",
        "Met vriendelijke groet,\nJan",
        f"{OWN}\n\nSent from my desk, is much easier than my mobile phone.",
        f"{OWN}\n\n--\nHieronder staat wat er daarna gebeurde, het was namelijk niet voorbij.\nHij kwam terug.",
        "Het bericht is verstuurd vanaf een telefoon van het ministerie, dat weet ik zeker.\nBewijs volgt morgen nog.",
        "--\nIk meld iets.",
    ],
)
def test_what_is_in_doubt_is_the_reporters_own(text: str) -> None:
    parts = split(text)
    assert (parts.own, parts.signature) == (text, "")


def test_only_the_last_lines_are_looked_at() -> None:
    """mail-cases 50"""
    text = "\n".join(["Groeten,", *(["regel"] * 100_000)])
    assert split(text).own == text
