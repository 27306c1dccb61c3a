"""Does the evidence carry the suggestion? It is taken out of the mail, and as many other sentences in its place.

Where the evidence is what moved the suggestion, the score of the primary category falls further without it than
without as many sentences that were not shown, drawn at random (the mean of some draws; lines that only hold the
reporter's number or address are left out). A category that is no longer suggested at all counts as a score of 0.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from config.taxonomy import Category
from triage.report import MailText, Report

DRAWS = 4
_ENDS = re.compile(r"(?<=[.!?…。؟])\s+|\n+")
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
    """None where nothing is suggested, nothing shown, or too little is left to compare with."""
    shown = [e.text for e in report.evidence]
    if report.primary is None or not shown:
        return None
    contact = [way for way in (report.contact.phone, report.contact.address) if way]
    others = [s for s in sentences_of(without(mail, shown)) if not any(s in way or way in s for way in contact)]
    if len(others) < len(shown):
        return None
    random = np.random.default_rng(zlib.crc32(mail.own_text.encode("utf-8", "surrogatepass")))
    before = score_of(report, report.primary)
    draws = [[others[i] for i in random.choice(len(others), len(shown), replace=False)] for _ in range(DRAWS)]
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
    """What can be taken out in place of evidence, from where evidence is looked for: own words, else quoted ones."""
    found = [part.strip() for text in (mail.own_text, mail.quoted_text) for part in _ENDS.split(text)]
    return [part for part in found if len(_WORD.findall(part)) >= _FEWEST]
