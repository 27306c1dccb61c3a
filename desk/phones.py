"""Whether what was typed looks like a telephone number: a hint for who typed it, and no reason to refuse it."""

from phonenumbers import Leniency, PhoneNumberMatcher

REGION = "NL"
"""Of numbers without the code of a country."""


def looks_like_a_number(typed: str) -> bool:
    """Does it hold a number that a network can have given out? Words beside it ("in the evening") are fine."""
    return PhoneNumberMatcher(typed, REGION, leniency=Leniency.VALID).has_next()
