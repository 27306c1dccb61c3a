"""The vocabulary of a report: kinds, categories, severities, required fields (docs: "The words").

The values are slugs: they stand in the JSON contract, in sealed records and in URLs, and never change.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What a mail is. It orders the queue and chooses the words of the receipt, never who sees the mail."""

    MELDING = "melding"
    ADVIES = "advies"
    KLACHT = "klacht"
    AANVULLING = "aanvulling"
    OVERIG = "overig"


class Category(StrEnum):
    """The kinds of misconduct that the ministry's page on undesired behaviour names."""

    BELANGENVERSTRENGELING = "belangenverstrengeling"
    INFORMATIEMISBRUIK = "informatiemisbruik"
    STRAFBAAR_FEIT = "strafbaar_feit"
    PESTEN = "pesten"
    OVERSCHRIJDEND_GEDRAG = "overschrijdend_gedrag"
    INTIMIDATIE = "intimidatie"
    DISCRIMINATIE = "discriminatie"
    MACHTSMISBRUIK = "machtsmisbruik"


SUBS: Mapping[Category, tuple[str, ...]] = MappingProxyType(
    {
        Category.STRAFBAAR_FEIT: ("diefstal", "verduistering", "fraude", "corruptie"),
        Category.OVERSCHRIJDEND_GEDRAG: ("seksueel",),
        Category.DISCRIMINATIE: (
            "huidskleur",
            "achtergrond",
            "geaardheid",
            "geslacht",
            "leeftijd",
            "religie",
            "handicap",
        ),
    }
)
"""Finer labels that a category may carry."""


class Severity(StrEnum):
    """How serious, from mild to a danger that is there now."""

    LAAG = "laag"
    MIDDEN = "midden"
    HOOG = "hoog"
    ACUUT = "acuut"


class MissingField(StrEnum):
    """What a report must hold, and a mail may lack."""

    CONCERNED_NAME = "concerned_name"
    CONCERNED_FUNCTION = "concerned_function"
    DESCRIPTION = "description"
    ADDRESS = "address"
    PHONE = "phone"
    EMAIL = "email"


ABOUT_THE_REPORTER = frozenset({MissingField.ADDRESS, MissingField.PHONE, MissingField.EMAIL})
"""Fields that an anonymous reporter is never asked for."""


class Automatic(StrEnum):
    """Mail that no person wrote to the desk, and that is therefore never answered (RFC 3834)."""

    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    LIST = "list"
