"""Names typed without capitals, where what stands before them leaves no doubt: "dhr. pietersen", "jan de vries".

The tagger learned from capitals. A whole word of address is not enough, since a verb may follow it ("mevrouw riep").
"""

from collections.abc import Iterator, Sequence

from triage.tagging import Tagged, stretch_of
from triage.tokens import CLASSES, Token

_BIT = {name: 1 << i for i, name in enumerate(CLASSES)}
_SHORT = frozenset({"dhr", "mevr", "mw", "mr", "mrs", "ms", "hr", "mme", "mlle", "sr", "sra", "drs"})
"""Not "dr", which is Dutch slang for "er" and "haar" as well."""
_PARTICLES = frozenset({"de", "den", "der", "ter", "ten", "van", "el", "da", "von"})
_FAMILY = frozenset({"de", "den", "der", "ter", "ten", "el"})
"""Not "van": behind it a department stands as often, as in "jan van de balie"."""
_NO_NAME = sum(_BIT[name] for name in ("function", "modifier", "ministry", "kin", "title", "greeting", "closing"))
_SCORE = 0.5


def with_lower_case(tagged: Sequence[Tagged], tokens: Sequence[Token], text: str) -> list[Tagged]:
    """The stretches, and the names in lower case that none of them covers."""
    taken = {i for t in tagged for i in range(t.first, t.last + 1)}
    found = [
        name
        for first, last in _spans(tokens, text)
        if not taken & set(range(first, last + 1))
        and (name := stretch_of("name", first, last, tokens, text, _SCORE)) is not None
    ]
    return sorted([*tagged, *found], key=lambda t: t.start) if found else list(tagged)


def _spans(tokens: Sequence[Token], text: str) -> Iterator[tuple[int, int]]:
    for i, token in enumerate(tokens):
        word = token.text.lower().rstrip(".")
        if word in _SHORT:
            first = i + 1 + (i + 1 < len(tokens) and tokens[i + 1].text == ".")
            last = _family(tokens, first, _PARTICLES)
        elif token.classes & _BIT["first_name"] and token.text.islower():
            first, last = i, _family(tokens, i + 1, _FAMILY)
            last = None if last == i + 1 else last
        else:
            continue
        if last is not None and "\n" not in text[token.start : tokens[last].end]:
            yield first, last


def _family(tokens: Sequence[Token], start: int, particles: frozenset[str]) -> int | None:
    """The place of the family name that begins here, behind at most two particles."""
    i = start
    while i < len(tokens) and i < start + 2 and tokens[i].text in particles:
        i += 1
    named = i < len(tokens) and tokens[i].text.isalpha() and tokens[i].text.islower() and len(tokens[i].text) > 2
    return i if named and not tokens[i].classes & (_NO_NAME | _BIT["particle"]) else None
