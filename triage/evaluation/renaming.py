"""Other names for the people in a mail: of one culture, the same person the same name throughout."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from triage.evaluation.counts import Gold
from triage.evaluation.culture import Culture, is_womans_name
from triage.evaluation.judge import fold
from triage.evaluation.mentions import MAN, PARTICLES, WOMAN, cased, core, forms, is_latin, replaced

_SHE = re.compile(r"\b(?:zij|ze|she|her|haar|elle|ella|ela)\b", re.IGNORECASE)
_HE = re.compile(r"\b(?:hij|hem|he|him|his|il|él|ele)\b", re.IGNORECASE)
_IN_ADDRESS = 3
"""Letters from which on a name is looked for inside a longer word of an e-mail address."""


def renamed(gold: Gold, culture: Culture) -> dict[str, str] | None:
    """Every person in the mail gets a name of this culture, the same person the same one throughout."""
    cast = _Cast(gold, culture)
    others = {form: cast.rename(form) for form in forms(gold) if cast.knows(form)}
    if not others:
        return None
    changed = replaced(gold, others)
    local, at, domain = gold["from_email"].partition("@")
    changed["from_email"] = cast.in_address(local) + at + domain
    return changed


@dataclass
class _Cast:
    """Which word of a name becomes which; words are looked up folded."""

    gold: Gold
    culture: Culture
    given: dict[str, str] = field(default_factory=dict)
    family: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        told = [p["name"] for p in self.gold["people"] if is_latin(p["name"])]
        for form in sorted(told, key=lambda f: (-len(core(f)), f)):
            self._learn(form)

    def _learn(self, form: str) -> None:
        words = core(form)
        if len(words) > 1:
            self._give(words[0])
            known = next((self.family[w] for w in words[1:] if w in self.family), None)
            for word in words[1:]:
                self.family.setdefault(word, known or self._next(self.culture.families, len(set(self.family.values()))))
                known = self.family[word]
        elif words and words[0] not in self.given and words[0] not in self.family:
            if fold(form).strip() != words[0] or _title_before(self.gold, form):
                self.family[words[0]] = self._next(self.culture.families, len(set(self.family.values())))
            else:
                self._give(words[0])

    def _give(self, word: str) -> None:
        if word not in self.given:
            woman = is_womans_name(word)
            if woman is None:
                woman = _is_woman(self.gold, word)
            names = self.culture.women if woman else self.culture.men
            self.given[word] = self._next(names, len(self.given))

    def _next(self, names: Sequence[str], used: int) -> str:
        return names[(zlib.crc32(self.gold["id"].encode()) + used) % len(names)]

    def knows(self, form: str) -> bool:
        return any(word in self.given or word in self.family for word in core(form))

    def rename(self, form: str) -> str:
        """Titles and initials stay, particles go, one given and one family name take the place of the rest."""
        parts: list[str] = []
        for word in form.split():
            plain = fold(word.strip(".,"))
            first = not any(p in self.culture.all_given for p in parts)
            new = (self.given.get(plain) if first else None) or self.family.get(plain) or self.given.get(plain)
            if new is None and plain in PARTICLES:
                continue
            new = word if new is None else cased(new, word)
            if new not in parts:
                parts.append(new)
        return " ".join(parts)

    def in_address(self, local: str) -> str:
        """The part of an e-mail address before the @, with the names that stand in it changed."""
        others = {**self.family, **self.given}
        known = [word for word in sorted(others, key=len, reverse=True) if len(word) >= _IN_ADDRESS]
        if not known:
            return local
        pattern = "|".join(map(re.escape, known))
        return re.sub(pattern, lambda m: re.sub(r"[^a-z]", "", fold(others[m.group()])), local.lower())


def _is_woman(gold: Gold, name: str) -> bool:
    """By the title before it, else by the pronouns of the mail."""
    titled = re.search(rf"(\w+)\.?\s+(?=\S*{re.escape(name)})", fold(gold["body"]))
    if titled and titled.group(1) in (*map(fold, WOMAN), *MAN):
        return titled.group(1) in map(fold, WOMAN)
    return len(_SHE.findall(gold["body"])) > len(_HE.findall(gold["body"]))


def _title_before(gold: Gold, form: str) -> bool:
    titles = "|".join(re.escape(t) for t in (*WOMAN, *MAN))
    return re.search(rf"(?i:\b(?:{titles}))\.?\s+{re.escape(form)}", gold["body"]) is not None
