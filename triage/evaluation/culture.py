"""Names by culture, from `data/names.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from triage.evaluation.judge import fold

_FILE = Path(__file__).parent / "data" / "names.toml"


@dataclass(frozen=True, slots=True)
class Culture:
    """Given names of women and men, each the counterpart of the other in its place, and family names."""

    name: str
    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]

    @property
    def all_given(self) -> tuple[str, ...]:
        return self.women + self.men


CULTURES = tuple(
    Culture(name, tuple(lists["women"]), tuple(lists["men"]), tuple(lists["families"]))
    for name, lists in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()
)
_WOMEN = {fold(woman): man for c in CULTURES for woman, man in zip(c.women, c.men, strict=True)}
_MEN = {fold(man): woman for c in CULTURES for woman, man in zip(c.women, c.men, strict=True)}


def is_womans_name(word: str) -> bool | None:
    """By the lists; None where they do not know the name (`word` folded)."""
    return True if word in _WOMEN else False if word in _MEN else None


def counterpart(word: str) -> str | None:
    """The name of the other sex that stands beside this one in the lists (`word` folded)."""
    return _WOMEN.get(word) or _MEN.get(word)
