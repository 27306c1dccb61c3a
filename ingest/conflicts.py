"""Conflicts of interest: a mail that names a member of the desk as a person concerned begins a case without them.

So does one that answers us in a case which that member opens: making the keys of that case anew takes a private key,
which nobody here has. Whom the configuration lists is compared, by the names that it gives them, with whom the machine
takes to be concerned. A case that is linked to a restricted one begins closed to whom that one is closed to.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from sqlalchemy.orm import Session

from cases.names import likeness, words
from config.settings import DeskSettings
from ingest.intake import Intake
from ingest.threads import Thread
from store.keyring import pins_of
from store.reach import kept_from, openers_of
from store.restriction import Restriction, restriction
from triage import Report

log = logging.getLogger(__name__)


def named_members(desk: DeskSettings, report: Report) -> frozenset[str]:
    """The ids of the members who can be a person concerned."""
    concerned = [words(each.name) for each in report.concerned if each.name]
    return frozenset(
        person.member
        for person in desk.people
        for name in person.names
        if any(likeness(words(_without_domain(name)), each) for each in concerned)
    )


def restricted(session: Session, intake: Intake, report: Report | None) -> Restriction | None:
    """How a new case of a mail is kept from the members that it names."""
    return restriction_of(session, intake.desk, intake.desk_settings, report)


def restriction_of(session: Session, slug: str, desk: DeskSettings, report: Report | None) -> Restriction | None:
    """How a new case is kept from the members that its first mail names; None where it names nobody.

    Where nobody else could open it, it is kept from nobody: a report that is read by the wrong person is less bad than
    one that nobody reads, and its receipt told the reporter where else to write.
    """
    named = named_members(desk, report) if report is not None else frozenset()
    if not named:
        return None
    others = {person.member for person in desk.people} | {desk.second_recipient} - {""}
    found = restriction(session, slug, pins_of(desk), named, others)
    if found is None:
        log.warning(
            "desk %s: a mail names a member, and nobody else could open the case: name a second_recipient", slug
        )
    return found


def apart(session: Session, thread: Thread, kept: Restriction | None) -> Thread:
    """Where a mail goes that is to be kept from somebody: not into a case that they open, but into one linked to it."""
    if thread.case_id is None or kept is None:
        return thread
    openers = kept_from(session, [thread.case_id]).get(thread.case_id)
    if openers is not None and not kept.shut_out & set(openers):
        return thread
    return Thread(None, thread.case_id, False, None, "names_a_member")


def as_closed_as(
    session: Session, slug: str, desk: DeskSettings, linked: str | None, report: Report | None, kept: Restriction | None
) -> Restriction | None:
    """How a new case is restricted that is `linked` to another: as `kept` says of whom it names, and where the other is
    restricted, to who opens all of that one.

    Where all of these are named, the second recipient and the others of the configuration open it; where there are none
    of those, who opens the other one, for a report that nobody reads is worse.
    """
    openers = openers_of(session, slug, linked) if linked is not None else None
    if openers is None:
        return kept
    named = named_members(desk, report) if report is not None else frozenset()
    others = frozenset(person.member for person in desk.people) | {desk.second_recipient} - {""}
    for among in (openers.all - named, others - named - openers.kept_out, openers.all):
        found = restriction(session, slug, pins_of(desk), (named - among) | openers.kept_out, among)
        if found is not None:
            return replace(found, by_link=openers.kept_out - named)
    log.warning("desk %s: nobody opens the restricted case that a mail is linked to, by a key that counts", slug)
    return kept


def _without_domain(name: str) -> str:
    """Of an address the part that often is a name."""
    return name.partition("@")[0]
