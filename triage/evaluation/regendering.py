"""The other sex for the people in a mail: given names, titles before names, and the pronouns that are safe."""

import re
from collections.abc import Mapping

from triage.evaluation.counts import Gold
from triage.evaluation.culture import counterpart
from triage.evaluation.judge import fold
from triage.evaluation.mentions import PARTS, cased, forms, replaced

_PAIRS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "nl": (("hij", "zij"),),
    "en": (("he", "she"), ("himself", "herself")),
    "es": (("él", "ella"),),
}
"""Pronouns that say nothing else."""
_ONE_WAY: Mapping[str, Mapping[str, str]] = {"nl": {"hem": "haar"}, "en": {"him": "her", "his": "her"}}
"""Their counterparts stand for two words each and stay."""
_SINGULAR = re.compile(
    r"\b(zij|ze)(?= (?:is|was|heeft|had|zei|zegt|vroeg|vraagt|deed|doet|kwam|komt|ging|gaat|wil|wilde|wou|kan|kon|zou|"
    r"moet|moest|werd|wordt|gaf|nam|keek|riep|schreef|belde|stuurde|noemde|weet|wist|zat|stond|liet|dreigde)\b)",
    re.IGNORECASE,
)
"""Only before a verb in the singular does "zij" mean her and not them."""
_TITLE_PAIRS = (
    ("heer", "mevrouw"), ("dhr", "mevr"), ("meneer", "mevrouw"), ("mr", "ms"), ("mr", "mrs"), ("herr", "frau"),
    ("monsieur", "madame"), ("m", "mme"), ("señor", "señora"), ("sr", "sra"), ("senhor", "senhora"), ("pak", "bu"),
)  # fmt: skip


def regendered(gold: Gold) -> dict[str, str] | None:
    """Given names, titles before names and the pronouns that are safe change to the other sex."""
    changed = replaced(gold, {**_titled(gold), **{form: _renamed(form) for form in forms(gold)}})
    for part in ("subject", "body"):
        changed[part] = _with_pronouns(changed[part], gold["lang"])
    return changed if any(changed[part] != gold[part] for part in PARTS) else None


def _titled(gold: Gold) -> dict[str, str]:
    """Each title as it stands before a name in this mail, with its counterpart; "de heer" is "mevrouw"."""
    found: dict[str, str] = {}
    pairs = dict(reversed(_TITLE_PAIRS)) | {b: a for a, b in reversed(_TITLE_PAIRS)} | {"mw": "dhr"}
    for form in forms(gold):
        pattern = rf"(?i:(?P<article>\b(?:de|De) )?\b(?P<title>{'|'.join(sorted(pairs, key=len, reverse=True))}))"
        for match in re.finditer(rf"{pattern}(?P<dot>\.?)(?P<gap>\s+){re.escape(form)}(?!\w)", gold["body"]):
            title = match["title"]
            other, article = pairs[title.lower()], match["article"] or ""
            if title.lower() == "heer":
                article = ""
            elif other == "heer":
                other = "de heer"
            other = other[0].upper() + other[1:] if match.group()[0].isupper() else other
            found[match.group()] = f"{article}{other}{match['dot']}{match['gap']}{_renamed(form)}"
    return found


def _renamed(form: str) -> str:
    others = [(word, counterpart(fold(word))) for word in form.split()]
    return " ".join(cased(other, word) if other else word for word, other in others)


def _with_pronouns(text: str, language: str) -> str:
    pairs = dict(_ONE_WAY.get(language, {}))
    for he, she in _PAIRS.get(language, ()):
        pairs[he] = she
        if language != "nl":
            pairs[she] = he
    if not pairs:
        return text
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(pairs, key=len, reverse=True))})\b", re.IGNORECASE)
    marked = _SINGULAR.sub(lambda m: "\0" + _like("hij", m.group()), text) if language == "nl" else text
    return re.sub(
        rf"\0(\w+)|({pattern.pattern})",
        lambda m: m.group(1) or _like(pairs[m.group(2).lower()], m.group(2)),
        marked,
        flags=re.IGNORECASE,
    )


def _like(word: str, old: str) -> str:
    return word.capitalize() if old[0].isupper() else word
