"""The sentences of outgoing mail, one file a language (`catalogues/<language>.toml`), and how it writes dates.

A language that has no file gets English: every reporter must be able to read where to go in danger, and English is
read by most of those who do not write Dutch. Another language is one more file; a test holds all files to one shape.
"""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.units import format_unit

FALLBACK = "en"


@dataclass(frozen=True)
class Catalogue:
    """The sentences in one language."""

    language: str
    date_pattern: str
    """Unicode date pattern (UTS 35), as Babel reads it."""
    moment_pattern: str
    subjects: dict[str, str]
    fields: dict[str, str]
    """How a missing field is named, by its slug."""
    sentences: dict[str, str]

    def date(self, day: date) -> str:
        return format_date(day, self.date_pattern, locale=self.language)

    def months(self, number: int) -> str:
        return format_unit(number, "duration-month", locale=self.language)

    def moment(self, moment: datetime, timezone: str) -> str:
        return format_datetime(moment, self.moment_pattern, tzinfo=ZoneInfo(timezone), locale=self.language)


@cache
def languages() -> tuple[str, ...]:
    """The languages that mail can be written in."""
    names = (entry.name for entry in resources.files("notify").joinpath("catalogues").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def catalogue_for(language: str) -> Catalogue:
    """The catalogue for a reporter who writes this language (``nl``, ``nl-BE``, ``pap``, ...)."""
    primary = language.replace("_", "-").partition("-")[0].lower()
    return _read(primary if primary in languages() else FALLBACK)


@cache
def _read(language: str) -> Catalogue:
    text = resources.files("notify").joinpath("catalogues", f"{language}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    return Catalogue(
        language=language,
        date_pattern=content["dates"]["date"],
        moment_pattern=content["dates"]["moment"],
        subjects=content["subjects"],
        fields=content["fields"],
        sentences=content["sentences"],
    )
