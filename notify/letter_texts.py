"""The texts that letters begin from: those of the catalogue, and how a text of the desk's own is filled in.

A text has paragraphs with an empty line between them, and names in braces where something of the case or the
configuration stands (`{reference}`). A paragraph that names what a case has not is left out.
"""

import re
from collections.abc import Mapping
from string import Formatter

from cases.letters import Purpose
from notify.catalogue import catalogue_for

NAMES = (
    *("received", "reference", "answer_by", "missing", "minutes", "where_to"),
    *("desk", "organisation", "support_point", "complaints"),
)
"""What a text may name."""

_MAY_BE_EMPTY = frozenset({"reference", "answer_by"})
_OF_PURPOSE: Mapping[Purpose, tuple[str, ...]] = {
    Purpose.ASK: ("letter_ask", "{missing}", "letter_ask_optional", "how_to_add"),
    Purpose.MINUTES: ("letter_minutes", "{minutes}", "letter_minutes_answer"),
    Purpose.STATUS: ("letter_status", "letter_status_place", "letter_answer_by", "letter_answer", "support"),
    Purpose.FEEDBACK: ("letter_feedback", "letter_feedback_place", "letter_disagree", "support"),
    Purpose.REFERRAL: ("letter_referral", "{where_to}", "letter_answer"),
    Purpose.CLOSING: ("letter_closing", "letter_closing_place", "letter_afterwards", "letter_disagree", "support"),
    Purpose.OTHER: ("letter_other_place",),
}


class CannotBeFilled(Exception):
    """A text names something that there is not, or has a brace that belongs to none. `what`: the first of these."""

    def __init__(self, what: str) -> None:
        super().__init__("This text cannot be filled in.")
        self.what = what


def built_in(purpose: Purpose, language: str) -> str:
    """The text that Meldpost comes with, its names not filled in."""
    sentences = catalogue_for(language).sentences
    blocks = ("greeting", *_OF_PURPOSE[purpose], "letter_reference", "signature")
    return "\n\n".join(each if each.startswith("{") else sentences[each] for each in blocks) + "\n"


def names_in(text: str) -> tuple[str, ...]:
    """What a text names, in its order. Raises CannotBeFilled."""
    try:
        found = list(Formatter().parse(text))
    except ValueError:
        raise CannotBeFilled("{ }") from None
    for _, name, form, conversion in found:
        if name is not None and (name not in NAMES or form or conversion):
            raise CannotBeFilled("{" + name + "}")
    return tuple(dict.fromkeys(name for _, name, _, _ in found if name is not None))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with the values in the place of their names. Raises CannotBeFilled."""
    blocks = [block for block in re.split(r"\n(?:[ \t]*\n)+", text.replace("\r\n", "\n").strip("\n")) if block.strip()]
    told = [block for block in blocks if all(values[name] for name in names_in(block) if name in _MAY_BE_EMPTY)]
    return "\n\n".join(block.format_map(values) for block in told) + "\n"
