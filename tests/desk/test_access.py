"""Every page of the desk, tried by every role, on a case that is theirs and on one that is not.

What comes out follows from two tables: what a role may do (`THEIRS`), and what a page asks (`ASKS`). A page that stands
in neither fails the test, until somebody says whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from cases.roles import May, Role
from store import casework, grants
from store.grants import shut_out
from store.intake import TakenIn
from store.keyring import KeyRing
from tests.cases.test_roles import THEIRS
from tests.desk.test_overview import came_in, read_in
from tests.desk.world import Visitor, World, coordinator, join
from tests.ingest import made_files as made

NOWHERE = "0" * 32
PICTURE = made.picture(made.scan("x"))
METHODS = ("GET", "POST")

EVERYBODY = {
    "static", "language.choose", "login.form", "login.enter", "login.leave", "login.alive",
    "second.ask", "second.check", "second.check_passkey", "second.set_passkey_up", "second.set_up",
    "second.show_passkey_setup", "second.show_setup", "unlocking.ask", "unlocking.enter",
}  # fmt: skip
"""Pages without a log-in, or on the way to one. tests/desk/test_security.py holds these to be all of them."""

MEMBERS = {
    "queue.show", "settings.show", "sessions.show", "sessions.end", "sessions.end_others",
    "own.show", "own.confirm", "own.change_passphrase",
    "own.show_totp", "own.keep_totp", "own.show_passkey", "own.keep_passkey",
    "own.show_unlocking", "own.let_unlock", "own.stop_unlocking", "own.new_codes", "own.remove",
    "keys.show", "keys.choose",
}  # fmt: skip
"""Pages of every member, about nobody but themselves."""

ASKS: Mapping[frozenset[May], set[str]] = {
    frozenset({May.OPEN_THE_DESK, May.OPEN_GRANTED}): {
        "case.show", "opening.open_it", "search.form", "search.ask", "search.results",
        "lists.previous", "lists.following",
        "live.mail", "presence.show", "presence.events",
        "attachments.as_html", "attachments.as_text", "attachments.before_original",
        "attachments.original", "attachments.attachment",
        "attachments.sender_key", "interpreting.translate",
        "previews.show", "previews.page", "previews.copy", "previews.warn",
    },
    frozenset({May.WRITE}): {
        "changes.accept", "changes.contact", "changes.decide", "changes.done", "changes.due_again",
        "changes.first_look", "changes.status", "changes.undo", "changes.undo_contact", "changes.undo_first_look",
        "notes.write", "notes.keep",
        "mergers.choose", "mergers.merge", "mergers.split", "mergers.undo",
        "papers.receipt", "papers.minutes", "papers.sent", "referring.refer", "minutes.answer", "minutes.take_back",
        "letters.show", "letters.write", "letters.keep", "letters.preview", "letters.send", "letters.take_back",
        "letters.enclosed", "taking.take", "taking.give_back",
    },
    frozenset({May.OPEN_THE_DESK}): {
        "entering.show", "entering.enter", "exporting.export",
        "again.read", "changes.release", "receipts.show", "receipts.release", "receipts.resume", "overview.give",
        "retention.show", "retention.apply", "retention.declaration", "retention.hold", "retention.lift",
    },
    frozenset({May.SET_TEXTS}): {"texts.show", "texts.edit", "texts.write"},
    frozenset({May.DESTROY}): {"retention.destroy"},
    frozenset({May.MANAGE_ACCESS}): {
        "grants.grant", "grants.let_in", "grants.shut_out", "grants.withdraw", "taking.give",
        "members.show", "members.ask", "members.add", "members.one", "members.change_role", "members.leave",
        "members.come_back", "members.reset_second_factor",
        "consents.show", "consents.give", "consents.take_back",
    },
    frozenset({May.READ_FIGURES}): {"overview.show", "overview.of_year", "overview.as_csv", "overview.as_pdf"},
    frozenset({May.READ_TRAIL}): {"trail.show", "trail.choose", "trail.prove"},
    frozenset({May.OPEN_THE_DESK, May.SEE_SYSTEM}): {"settings.terms", "system.show"},
}  # fmt: skip
"""What lets a member in: any one of these rights, to these pages."""

NOT_THERE = {
    "attachments.sender_key", "live.mail", "letters.take_back", "letters.enclosed", "retention.declaration",
    "papers.minutes", "minutes.answer", "consents.give", "consents.take_back", "own.new_codes", "own.remove",
    "sessions.end", "search.results",
}  # fmt: skip
"""Pages about something that is not there in this test: not found by those whose page it is, either."""

LET_IN, REFUSED, NOT_FOUND = "let in", "refused", "not found"
_OUTCOMES = {403: REFUSED, 404: NOT_FOUND}

WHOLE: Mapping[str, str] = {
    "version": "1", "value": "melding", "text": "x", "clear": "yes", "breach": "yes", "severity": "laag",
    "status": "assessing", "reason": "done", "purpose": "status", "language": "nl", "draft": "0", "sure": "yes",
    "part": "kind",
}  # fmt: skip
"""What every form of a case is content with, so that nothing but the case itself can be in the way."""

OF_THE_DESK = [role for role in Role if May.OPEN_THE_DESK in THEIRS[role]]
BY_GRANT = [role for role in Role if May.OPEN_GRANTED in THEIRS[role] and role not in OF_THE_DESK]


@dataclass(frozen=True)
class Tried:
    """Somebody of a role, and two cases: one that they may open where any is theirs, and one that they may not."""

    world: World
    role: Role
    visitor: Visitor
    own: TakenIn
    other: TakenIn
    colleague: KeyRing
    files: Mapping[str, str]

    def asks(self, method: str, rule: Rule, taken: TakenIn, form: Mapping[str, str]) -> TestResponse:
        given = {
            "case_id": taken.case_id,
            "message_id": taken.message_id,
            "attachment_id": self.files[taken.case_id],
            "member_id": self.colleague.member_id,
            "part": "kind",
            "due": "feedback",
            "number": "1",
            "year": "2025",
            "purpose": "status",
            "language": "nl",
        }
        path = filled(rule, given)
        return self.visitor.get(path) if method == "GET" else self.visitor.post(path, form)


def filled(rule: Rule, given: Mapping[str, str]) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: given.get(found[1], NOWHERE), rule.rule)


def rules(world: World) -> list[Rule]:
    """Every page; those that end a log-in or a membership last."""
    return sorted(
        world.app.url_map.iter_rules(), key=lambda rule: (rule.endpoint in ("login.leave", "members.leave"), rule.rule)
    )


def rights_for(endpoint: str) -> frozenset[May] | None:
    """What a page asks; None where it is of everybody, or of every member."""
    if endpoint in EVERYBODY | MEMBERS:
        return None
    (found,) = (asked for asked, endpoints in ASKS.items() if endpoint in endpoints)
    return found


def expected(role: Role, rule: Rule, *, own: bool) -> str:
    asked = rights_for(rule.endpoint)
    if asked is not None and not asked & THEIRS[role]:
        return REFUSED
    if rule.endpoint in NOT_THERE or ("case_id" in rule.arguments and not own):
        return NOT_FOUND
    return LET_IN


@pytest.fixture
def tried(world: World, request: pytest.FixtureRequest) -> Tried:
    role: Role = request.param
    web = world.settings.web.model_copy(
        update={"passkey_domain": "desk.example", "public_url": "https://desk.example", "passkey_unlocks": True}
    )
    world.serve(world.settings.model_copy(update={"web": web}))
    came_in(world, 1)
    own, other = (world.new_case(files=[("brief.txt", PICTURE)]) for _ in range(2))
    ring, colleague = join(world, "a.member", role), join(world, "c.ollega", Role.INVESTIGATOR)
    index = world.index
    with world.database.begin() as session:
        views = [casework.view_case(session, world.ring, each.case_id, world.clock.now) for each in (own, other)]
    files = {view.case_id: view.messages[0].content["attachments"][0]["id"] for view in views}
    if role in OF_THE_DESK:
        for _ in shut_out(
            *(world.database, world.ring, index, world.keys, other.case_id, ring.member_id, "Over hen."),
            by_request=False,
        ):
            pass
    if role in BY_GRANT:
        with world.database.begin() as session:
            grants.grant(
                *(session, world.ring, index, own.case_id, ring.member_id),
                reason="Onderzoek.",
                identity=True,
                now=world.clock.now,
            )
    head = read_in(world)
    head.get("/overview/2025")
    assert head.post("/overview/2025/give").status_code == 303
    visitor = coordinator(world, ring)
    visitor.confirm()
    return Tried(world, role, visitor, own, other, colleague, files)


def test_every_page_stands_in_one_table(world: World) -> None:
    """Whoever adds a page comes by here, and says whose it is."""
    known = [*EVERYBODY, *MEMBERS, *(endpoint for endpoints in ASKS.values() for endpoint in endpoints)]
    assert sorted(known) == sorted({rule.endpoint for rule in rules(world)})
    assert set(known) >= NOT_THERE


@pytest.mark.parametrize("tried", list(Role), indirect=True)
@pytest.mark.parametrize("own", [True, False], ids=["their own case", "the case of others"])
def test_a_role_opens_its_own_pages_and_cases_and_no_others(tried: Tried, own: bool) -> None:
    taken = tried.own if own else tried.other
    wrong = []
    for rule in rules(tried.world):
        for method in METHODS:
            if method not in (rule.methods or ()) or rule.endpoint in EVERYBODY:
                continue
            answer = tried.asks(method, rule, taken, {} if own else WHOLE)
            outcome = _OUTCOMES.get(answer.status_code, LET_IN)
            wanted = expected(tried.role, rule, own=own)
            if outcome != wanted or answer.status_code >= 500:
                wrong.append(f"{method} {rule.rule}: {answer.status_code}, and not {wanted}")
            if wanted != LET_IN and any(told in answer.text for told in ("K2345", "Dijkgraaf", "brief.txt")):
                wrong.append(f"{method} {rule.rule}: tells of a case")
    assert wrong == []


def test_a_page_answers_to_no_other_method_than_its_own(world: World) -> None:
    visitor = coordinator(world)
    taken: dict[str, set[str]] = {}
    for rule in rules(world):
        taken.setdefault(filled(rule, {"number": "1", "year": "2025"}), set()).update(rule.methods or ())
    for path, methods in taken.items():
        if "GET" not in methods:
            assert visitor.get(path).status_code == 405, path
        if "POST" not in methods:
            assert visitor.post(path).status_code == 405, path
