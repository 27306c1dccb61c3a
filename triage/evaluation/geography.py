"""Places of one sort, each with the others that may stand where it stands."""

from dataclasses import dataclass
from functools import cache

from triage.places import cities, countries

TOWNS = (
    "Kisumu", "Arequipa", "Mersin", "Kaduna", "Cirebon", "Żory", "Rosario", "Mombasa", "Pereira", "Izmit", "Mykolajiv",
    "Bouaké", "Chiclayo", "Semarang", "Huambo", "Aswan", "Kumasi", "Tarapoto", "Gaziantep", "Oruro", "Bamenda",
    "Charsadda", "Namibe", "Tetouan", "Cuenca", "Kisangani", "Mbeya", "Blitar", "Sfax",
)  # fmt: skip
"""Towns that CLDR does not know, so that what is learned of places cannot know them by its list."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place, and all of its sort in the same language, in a fixed order."""

    name: str
    rest: tuple[str, ...]

    def other(self, shift: int) -> str:
        """Another place of that sort."""
        step = 1 + shift % (len(self.rest) - 1)
        return self.rest[(self.rest.index(self.name) + step) % len(self.rest)]

    def town(self, shift: int) -> str:
        """A town that is on no list."""
        return TOWNS[(self.rest.index(self.name) + shift) % len(TOWNS)]


@cache
def places(language: str) -> dict[str, Place]:
    """Places by name, in a language of the desk, the English ones where that language has no other of the name."""
    found: dict[str, Place] = {}
    for lang in dict.fromkeys((language, "en")):
        for names in (countries(lang), cities(lang)):
            for name in names:
                found.setdefault(name, Place(name, names))
    return found
