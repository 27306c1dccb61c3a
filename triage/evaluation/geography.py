"""Countries and cities in the languages of the desk, from the Unicode CLDR as Babel carries it.

Cities are those by which CLDR names the time zones: mostly capitals. Only names of one word are taken, since those need
no article, and none of the Netherlands: that the ministry is Dutch is no chance.
"""

import re
from dataclasses import dataclass
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_SHORTEST = 4
_HOME = "NL"
_PARTS_OF_THE_WORLD = ("Africa", "America", "Asia", "Europe")


@dataclass(frozen=True, slots=True)
class Place:
    """One place, and all of its sort in the same language, in a fixed order."""

    name: str
    rest: tuple[str, ...]

    def other(self, shift: int) -> str:
        """Another place of that sort."""
        step = 1 + shift % (len(self.rest) - 1)
        return self.rest[(self.rest.index(self.name) + step) % len(self.rest)]


@cache
def places(language: str) -> dict[str, Place]:
    """Places by name, in a language of the desk, the English ones where that language has no other of the name."""
    found: dict[str, Place] = {}
    for lang in dict.fromkeys((language, "en")):
        for names in (_countries(lang), _cities(lang)):
            for name in names:
                found.setdefault(name, Place(name, names))
    return found


def words(text: str) -> list[str]:
    """The words of a text that could be places."""
    return [w for w in _WORD.findall(text) if w[:1].isupper() or not w.isascii()]


@cache
def _countries(language: str) -> tuple[str, ...]:
    territories = _locale(language).territories
    return _usable(name for code, name in territories.items() if len(code) == 2 and code.isalpha() and code != _HOME)


@cache
def _cities(language: str) -> tuple[str, ...]:
    zones, countries = _locale(language).time_zones, set(_countries(language))
    found = []
    for zone, country in get_global("zone_territories").items():
        part, _, city = zone.partition("/")
        if part in _PARTS_OF_THE_WORLD and "/" not in city and country != _HOME:
            known = zones.get(zone)
            found.append(known["city"] if known is not None and "city" in known else city.replace("_", " "))
    return _usable(name for name in found if name not in countries)


def _usable(names: "object") -> tuple[str, ...]:
    return tuple(sorted({n for n in names if len(n) >= _SHORTEST and _WORD.fullmatch(n)}))  # type: ignore[attr-defined]


def _locale(language: str) -> Locale:
    try:
        return Locale(language)
    except UnknownLocaleError:
        return Locale("en")
