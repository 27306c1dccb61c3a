import pytest

from cases.partners import numbers_in


@pytest.mark.parametrize(
    ("subject", "numbers"),
    [
        ("RE: INC0012345 - melding", ("INC0012345",)),
        ("[PROJ-123] Uw vraag", ("PROJ123",)),
        ("PROJ-123 Uw vraag", ("PROJ123",)),
        ("Re: [Ticket#2026010112345678] x", ("TICKET2026010112345678",)),
        ("[#12345] en #67890", ("12345", "67890")),
    ],
)
def test_the_number_of_a_ticket_system_is_found_in_a_subject(subject: str, numbers: tuple[str, ...]) -> None:
    """mail-cases 98"""
    assert numbers_in(subject) == numbers


@pytest.mark.parametrize("subject", ["", "Melding van 29-11-2026", "€ 12.500", "2026-11-29", "[extern] melding", "A-1"])
def test_a_date_an_amount_or_a_mark_of_the_mail_server_is_no_number(subject: str) -> None:
    assert numbers_in(subject) == ()
