"""Countries and cities in the languages of the desk, from the Unicode CLDR as Babel carries it.

Cities are those by which CLDR names the time zones: mostly capitals. Only names of one word are taken, since those need
no article, and none of the Netherlands: that the ministry is Dutch is no chance.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from triage.word_lists import phrases_of

_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_SHORTEST = 4
_HOME = "NL"
_PARTS_OF_THE_WORLD = ("Africa", "America", "Asia", "Europe")
_LANGUAGES = ("nl", "en", "fr", "de", "es", "pt", "it", "pl", "id", "tr", "ar", "uk")


@cache
def of_all_languages() -> frozenset[str]:
    """Those of CLDR, and the cities where the ministry has posts."""
    listed = (name for lang in _LANGUAGES for names in (countries(lang), cities(lang)) for name in names)
    return frozenset((*listed, *phrases_of("post")))


@cache
def countries(language: str) -> tuple[str, ...]:
    territories = _locale(language).territories
    return _usable(name for code, name in territories.items() if len(code) == 2 and code.isalpha() and code != _HOME)


@cache
def cities(language: str) -> tuple[str, ...]:
    zones, known_countries = _locale(language).time_zones, set(countries(language))
    found = []
    for zone, country in get_global("zone_territories").items():
        part, _, city = zone.partition("/")
        if part in _PARTS_OF_THE_WORLD and "/" not in city and country != _HOME:
            known = zones.get(zone)
            found.append(known["city"] if known is not None and "city" in known else city.replace("_", " "))
    return _usable(name for name in found if name not in known_countries)


def none(_: str) -> bool:
    """No other names."""
    return False


def replaced(text: str, mark: str, is_other_name: Callable[[str], bool]) -> str:
    """The text with this in the place of each, and of each other word that is a name."""
    known = of_all_languages()
    return _WORD.sub(lambda word: mark if word.group() in known or is_other_name(word.group()) else word.group(), text)


def words(text: str) -> list[str]:
    """The words of a text that could be places."""
    return [w for w in _WORD.findall(text) if w[:1].isupper() or not w.isascii()]


def _usable(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({n for n in names if len(n) >= _SHORTEST and _WORD.fullmatch(n)}))


def _locale(language: str) -> Locale:
    try:
        return Locale(language)
    except UnknownLocaleError:
        return Locale("en")
