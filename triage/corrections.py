"""From what persons decided on a case to a labelled mail. What nobody decided is no label, and teaches nothing."""

from collections.abc import Mapping
from typing import Any

from triage.labelled import REQUIRED, Labelled
from triage.report import MailText


def labelled(case_id: str, mail: MailText, language: str, decided: Mapping[str, Any], *, alone: bool) -> Labelled:
    """The mail that opened a case, with what is decided on it (the parts of `store.merging.DECIDABLE`).

    `alone`: the case has no other message, so that what the case lacks is what this mail lacks. Each case is a writer
    of its own: its mail is judged by models that have not seen it.
    """
    topics = _topics(decided)
    lacks = [slug for slug in decided.get("missing") or () if slug in REQUIRED]
    known = {"kind": decided.get("kind") is not None, "categories": topics is not None}
    known |= {"severity": decided.get("severity") is not None, "missing": alone and "missing" in decided}
    known |= {part: _stands_there(part, decided, mail) for part in ("name", "function")}
    slugs, primary, subs = topics or ([], None, [])
    concerned = decided.get("concerned") or ()
    gold = {
        "id": case_id,
        "lang": language,
        "kind": decided.get("kind"),
        "categories": slugs,
        "primary": primary,
        "sub": subs,
        "severity": decided.get("severity"),
        "concerned": [{"name": each.get("name"), "function": each.get("function")} for each in concerned],
        "people": [],
        "functions": [],
        "evidence": [],
        "phone": None,
        "address": None,
        "missing": sorted(lacks),
        "description_clear": "description" not in lacks,
        "anonymous": False,
    }
    return Labelled(case_id, gold, mail, frozenset(target for target, said in known.items() if said))


def _topics(decided: Mapping[str, Any]) -> tuple[list[str], str | None, list[str]] | None:
    """All categories, the primary one, and sub-labels; None where not all of it is decided."""
    if "categories" not in decided:
        return None
    categories = decided["categories"] or ()
    slugs = [each["slug"] for each in categories]
    primary = decided.get("primary") or (slugs[0] if len(slugs) == 1 else None)
    if slugs and primary not in slugs:
        return None
    return slugs, primary, [sub for each in categories for sub in each.get("sub") or ()]


def _stands_there(part: str, decided: Mapping[str, Any], mail: MailText) -> bool:
    """Does the mail say all names (or functions) as they were decided? A name that a person mended, or knows from
    elsewhere, would teach that the one in the mail is nobody's."""
    if "concerned" not in decided:
        return False
    text = " ".join(f"{mail.subject} {mail.own_text} {mail.quoted_text} {mail.attachment_text}".split())
    told = (each.get(part) for each in decided["concerned"] or ())
    return all(" ".join(each.split()) in text for each in told if each)
