"""Does the evidence carry the suggestion? It is taken out of the mail, and as many sentences at random in its place.

Where the evidence is what moved the suggestion, the score of the primary category falls further without it than
without as many of all sentences, those shown too, drawn at random (the mean of some draws; lines that only hold the
reporter's number or address are left out). A category that is no longer suggested at all counts as a score of 0.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from config.taxonomy import Category
from triage.report import MailText, Report
from triage.text import sentences

DRAWS = 4
_WORD = re.compile(r"\w+")
_FEWEST = 3
"""Words from which on a stretch is taken for a sentence, and not for a greeting or a line of a signature."""

Understand = Callable[[MailText], Report]


@dataclass(frozen=True, slots=True)
class Deletion:
    """How far the score of the primary category falls without the evidence, and without as much else."""

    evidence: float
    random: float

    @property
    def holds(self) -> bool:
        return self.evidence > self.random


def deletion(understand: Understand, mail: MailText, report: Report) -> Deletion | None:
    """None where nothing is suggested, nothing shown, or there is nothing else to compare with."""
    shown = [e.text for e in report.evidence if e.category is report.primary]
    if report.primary is None or not shown:
        return None
    contact = [way for way in (report.contact.phone, report.contact.address) if way]
    told = [s for s in sentences_of(mail) if not any(s in way or way in s for way in contact)]
    if len(told) <= len(shown):
        return None
    random = np.random.default_rng(zlib.crc32(mail.own_text.encode("utf-8", "surrogatepass")))
    before = score_of(report, report.primary)
    draws = [[told[i] for i in random.choice(len(told), len(shown), replace=False)] for _ in range(DRAWS)]
    fell = [before - score_of(understand(without(mail, drawn)), report.primary) for drawn in draws]
    return Deletion(before - score_of(understand(without(mail, shown)), report.primary), float(np.mean(fell)))


def score_of(report: Report, category: Category) -> float:
    """The score that stands beside the category; 0 where it is not suggested."""
    return next((c.score for c in report.categories if c.slug is category), 0.0)


def without(mail: MailText, passages: Sequence[str]) -> MailText:
    """The mail without these passages, each taken out once: of the reporter's own words first."""
    own, quoted = mail.own_text, mail.quoted_text
    for passage in sorted(passages, key=len, reverse=True):
        if passage in own:
            own = own.replace(passage, " ", 1)
        else:
            quoted = quoted.replace(passage, " ", 1)
    return replace(mail, own_text=own, quoted_text=quoted)


def sentences_of(mail: MailText) -> list[str]:
    """What evidence is chosen from, and random sentences too: cut in the same way, own words and quoted ones."""
    found = [part.of(text) for text in (mail.own_text, mail.quoted_text) for part in sentences(text)]
    return [part for part in found if len(_WORD.findall(part)) >= _FEWEST]
