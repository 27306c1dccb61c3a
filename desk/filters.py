"""What of the queue is shown: slugs in the address, which combine, and can be kept as a bookmark."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from flask import abort, request
from flask_babel import lazy_gettext as _l

from cases.lifecycle import Status
from cases.terms import LOOKS, DueKind
from desk.language import zone
from desk.words import CATEGORIES, KINDS, MISSING, SEVERITIES, STATUSES, SUBS
from store.queue import NOBODY, Span
from store.search import Query

WEEK = timedelta(days=7)
LAST = datetime.max.replace(tzinfo=UTC)
"""After all that is due."""

DUE = {
    "look": _l("A first look"),
    "overdue": _l("Overdue"),
    "today": _l("Today, or overdue"),
    "week": _l("Within a week"),
    "feedback_week": _l("Feedback within a week"),
}
MAIL = {"new": _l("With new messages")}
FOLD = {"off": _l("Each by itself")}
WHO = {"mine": _l("You"), "nobody": _l("Nobody")}
"""Any other member stands in an address by their id, which says nothing of them."""
_ID = re.compile("[0-9a-f]{32}")

CHOICES = {
    "status": {slug: word for slug, word in STATUSES.items() if slug != Status.DESTROYED},
    "due": DUE,
    "who": WHO,
    "mail": MAIL,
    "kind": KINDS,
    "category": {**CATEGORIES, **SUBS},
    "severity": SEVERITIES,
    "missing": MISSING,
    "fold": FOLD,
}
"""What can stand in the address, and how it is called. For `who` the members of the desk, too."""

NAMES = {
    "status": _l("Status"),
    "due": _l("Due"),
    "who": _l("Who has it"),
    "mail": _l("Messages"),
    "kind": _l("Kind"),
    "category": _l("Category"),
    "severity": _l("Severity"),
    "missing": _l("Missing"),
    "fold": _l("Of one sender or wording"),
}


@dataclass(frozen=True)
class Filters:
    """A slug of `CHOICES` for each, none where that is empty; in `who` also a member's id; and `alike`, a case like
    which all are shown."""

    status: str = ""
    due: str = ""
    who: str = ""
    mail: str = ""
    kind: str = ""
    category: str = ""
    severity: str = ""
    missing: str = ""
    fold: str = ""
    alike: str = ""

    @property
    def on_cards(self) -> Query | None:
        """What only the sealed cards tell."""
        query = Query(
            kinds=_one(self.kind),
            categories=_one(self.category),
            severities=_one(self.severity),
            missing=_one(self.missing),
        )
        return None if query.is_empty else query

    def span(self, now: datetime) -> Span | None:
        """What is due by when, in the days of the desk."""
        tomorrow = datetime.combine(now.astimezone(zone()).date() + timedelta(days=1), time.min, zone())
        spans = {
            "look": Span(LAST, kinds=LOOKS),
            "overdue": Span(now),
            "today": Span(tomorrow),
            "week": Span(now + WEEK, now),
            "feedback_week": Span(now + WEEK, now, (DueKind.FEEDBACK,)),
        }
        return spans.get(self.due)

    def taken_by_id(self, own_id: str) -> str | None:
        """Which member has the cases; None where that does not matter."""
        return {"": None, "mine": own_id, "nobody": NOBODY}.get(self.who, self.who)

    def address(self, **other: str) -> Mapping[str, Any]:
        """These filters, but those given otherwise, as they stand in an address."""
        changed = replace(self, **other)
        return {name: slug for name, slug in changed.chosen().items() if slug}

    def chosen(self) -> dict[str, str]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __bool__(self) -> bool:
        return any(self.chosen().values())


def asked() -> Filters:
    """What the address of this request asks for; a slug that is none leads nowhere."""
    found = read(request.args)
    if found is None:
        abort(404)
    return found


def read(given: Mapping[str, str]) -> Filters | None:
    """The filters of an address; None where a slug in it is none."""
    wanted = {name: given.get(name, "") for name in CHOICES}
    alike = given.get("alike", "")
    if any(slug and not _is_known(name, slug) for name, slug in wanted.items()) or (alike and not _ID.fullmatch(alike)):
        return None
    return Filters(**wanted, alike=alike)


def _is_known(name: str, slug: str) -> bool:
    return slug in CHOICES[name] or (name == "who" and _ID.fullmatch(slug) is not None)


def _one(slug: str) -> frozenset[str]:
    return frozenset([slug] if slug else [])
