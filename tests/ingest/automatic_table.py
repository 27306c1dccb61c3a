"""How much of the automatic mail of other projects is recognised; writes docs/automatic-mail.md.

Run as `python -m tests.ingest.automatic_table` beside a `shared/mime`. What each mail is, is known from where its own
project keeps it; of the rest only that nothing in its header or form says that a machine sent it.
"""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.taxonomy import Automatic
from ingest.automatic import Own, Verdict, inside, judge
from ingest.errors import CannotParse
from ingest.parse import parse_bytes

TOP = Path(__file__).parents[2]
MAILS = Path(os.environ.get("MELDPOST_SHARED", TOP.parent / "shared")) / "mime"
DOCUMENT = TOP / "docs" / "automatic-mail.md"
_MACHINES = {"bounce", "auto_reply", "auto_generated", "list", "arf", "mdn"}
PERSON = "person"


@dataclass(frozen=True)
class Group:
    """Mails of one kind. `expected`: the verdicts that are right for it."""

    name: str
    pattern: re.Pattern[str]
    expected: frozenset[str]


def _group(name: str, pattern: str, *expected: str) -> Group:
    return Group(name, re.compile(pattern), frozenset(expected))


_BOUNCE, _REPLY, _LIST = Automatic.BOUNCE.value, Automatic.AUTO_REPLY.value, Automatic.LIST.value
GROUPS = (
    _group("sisimai: answers of absent people's programs", r"sisimai.*/rfc3834-", _REPLY),
    _group("sisimai: complaints (ARF)", r"sisimai.*/arf-", _BOUNCE),
    _group("sisimai: no bounces", r"sisimai.*/maildir/not/is-not-bounce", PERSON),
    _group("sisimai: bounces of many mail systems", r"sisimai.*/(?:maildir/(?:bsd|dos|mac|err)|mailbox)/", _BOUNCE),
    _group("PHP-Bounce-Handler: complaints", r"cfortune.*/(?:arf|fbl|hotmailbounce)", _BOUNCE),
    _group("PHP-Bounce-Handler: bounces", r"cfortune", _BOUNCE),
    _group("flanker: bounces and complaints", r"mailgun\+flanker.*/(?:bounce|complaints)/", _BOUNCE),
    _group("parsedmarc: failure reports", r"parsedmarc/samples/failure/", _BOUNCE),
    _group("SpamAssassin: what looks like a bounce and is none", r"BOUNCE_MESSAGE/fp-", _REPLY, _LIST, PERSON),
    _group("SpamAssassin: bounces", r"spamassassin/t\.rules/BOUNCE_MESSAGE/", _BOUNCE, _REPLY),
)
LISTS = "lists, by their header"
OTHERS = "all others, without a sign of a machine in header or form"


@dataclass(frozen=True)
class Judged:
    path: str
    group: str
    verdict: Verdict
    right: bool

    @property
    def kind(self) -> str:
        return self.verdict.kind or PERSON


def judged(mails: Path) -> Iterator[Judged]:
    """What is said of each mail that belongs to a group."""
    for line in (mails / "MANIFEST.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        if entry["kind"] != "mail":
            continue
        group, expected = _expected(entry["path"], set(entry["tags"]))
        if not expected:
            continue
        try:
            mail = parse_bytes((mails / entry["path"]).read_bytes())
        except CannotParse:
            continue
        verdict = judge(mail.headers, mail.from_.address if mail.from_ else None, Own(frozenset()), inside(mail))
        yield Judged(entry["path"], group, verdict, (verdict.kind or PERSON) in expected)


def _expected(path: str, tags: set[str]) -> tuple[str, frozenset[str]]:
    for group in GROUPS:
        if group.pattern.search(path):
            return group.name, group.expected
    if "list" in tags and not tags & {"bounce", "arf", "mdn"}:
        return LISTS, frozenset({_LIST, _REPLY})
    return (OTHERS, frozenset()) if tags & _MACHINES else (OTHERS, frozenset({PERSON}))


def write(found: list[Judged]) -> str:
    """The document."""
    names = [*(group.name for group in GROUPS), LISTS, OTHERS]
    rows = [_row(name, [each for each in found if each.group == name]) for name in names]
    return _TEXT.format(rows="\n".join(rows), failures=_failures(found), others=_others(found))


def _row(name: str, members: list[Judged]) -> str:
    kinds = Counter(each.kind for each in members)
    right = sum(each.right for each in members)
    counts = " | ".join(str(kinds[kind]) for kind in (_BOUNCE, _REPLY, _LIST, PERSON))
    return f"| {name} | {len(members)} | {counts} | {right} ({100 * right / max(len(members), 1):.1f} %) |"


def _failures(found: list[Judged]) -> str:
    wrong = [each for each in found if not each.right and each.group != OTHERS]
    return "\n".join(f"- `{each.path}`: {each.kind} ({each.verdict.reason})" for each in wrong)


def _others(found: list[Judged]) -> str:
    wrong = [each for each in found if not each.right and each.group == OTHERS]
    return "\n".join(f"- `{each.path}`: {each.kind} ({each.verdict.reason})" for each in wrong)


_TEXT = """# Which mail no person sent

Measured on the real and made-up mails that public projects keep for their own tests
(`tests/ingest/automatic_table.py` makes this page; `tests/ingest/test_automatic_mail.py` holds the figures). The
rules are in `ingest/automatic.py`, the words of mail systems in `ingest/phrases.py`. None was made for one of these
files; what they miss stands below.

**What follows from it.** A mail that no person sent is kept like any other, and never answered; nothing else. Words
alone make no mail automatic: there has to be a sign that no person sent it (null reverse-path, `MAILER-DAEMON`, the
form of a report, `Auto-Submitted`). Where in doubt it is a person, who gets a receipt; the caps on mails per address,
domain, case and time end a storm. What is missed costs a receipt to a machine; what is wrongly taken for a machine's
costs a receipt, and never the case.

| mails | number | bounce or report | auto-reply | list | person | right |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

A bounce of an address that was to be verified, or a warning of a virus scanner, counts as right when it is an auto-
reply.

## Not as expected
{failures}

Why: the complaints of one large provider are a forwarded mail without a word beside it, which people send too. Some
servers put another's list or address into From, say nothing of being a machine, and name no null path. Notifications
of a cloud service about its own bounces come from a `no-reply` address, and are not answered. A few files hold a
person who passes a bounce on: those are persons. Three files begin with empty lines, and so have no header. What one
project takes for no bounce is one, but of a mail that another wrote. An absence notice without any mark is known only
where it answers a mail of ours.

## Taken for a machine's among all others
Each says so by itself, in its address or in a field. Going by sender and subject, a machine sent nearly all: those of
`postmaster` addresses, of which nobody can tell, may be persons', and a few are what persons wrote to a list or a
forum that sends from a robot's address. All `robot_address` and `list` mail may report: members are told, all terms
run, only the receipt by itself is left out.

{others}
"""

if __name__ == "__main__":
    DOCUMENT.write_text(write(list(judged(MAILS))), "utf-8")
    sys.stdout.write(f"wrote {DOCUMENT.relative_to(TOP)}\n")
