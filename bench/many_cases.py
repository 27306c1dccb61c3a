"""A store with very many cases, made fast: their sealed rows are written as they are, without a mail or an intake.

Of each case there are a card, a report and a masked text, sealed to a key of its own that is sealed to the desk. What
each says follows from its number alone. Most stand in segments of the search index already.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from multiprocessing import get_context
from typing import Any

from sqlalchemy import insert

from bench.mails import texts
from cases.lifecycle import OPEN, Status
from cases.terms import DueKind
from config.taxonomy import Category, Kind, Severity
from store import folding, segments
from store.audit import Action
from store.database import Database
from store.dues import DueState
from store.folding import MOST_CASES
from store.frame import Context
from store.keypairs import KeyKind, PrivateKey, PublicKey
from store.keyring import KeyRing
from store.records import RecordKind
from store.rows import table_of
from store.schema import Audit, CaseFile, Due, KeyPair, Message, Record, SealedSeed, new_id
from store.sealing import seal
from store.segment_index import SegmentIndex
from store.segments import Waiting
from store.tokens import Stemmer

START = datetime(2016, 1, 4, 8, 0, tzinfo=UTC)
APART = timedelta(minutes=50)
OPEN_EVERY = 4
_DUES = ((DueKind.FIRST_LOOK, 2, 1), (DueKind.FEEDBACK, 92, 60), (DueKind.RECEIPT, 7, 0))
"""After how many days each is due, and after how many it was done."""
_KEY = PrivateKey.from_seed(hashlib.sha256(b"every case of the benchmark").digest())
_TWO, _THREE = (
    "ba de fi go ku la me ni po ru sa te vi wo zu",
    "ban del fir gon kul lam mer nis por rut sam ten vil wor zun",
)
_SYLLABLES = [*_TWO.split(), *_THREE.split()]
_WORDS = 200_000
_SURNAMES, _GIVEN = 8_000, 400


@dataclass(frozen=True)
class Told:
    """What one case says."""

    reference: str
    text: str
    language: str
    persons: tuple[str, ...]
    kind: str
    category: str
    severity: str


@dataclass(frozen=True)
class _Part:
    """What a worker makes: rows by table, and a segment where these cases are to be folded."""

    rows: dict[type[Any], list[dict[str, Any]]]
    read: list[Waiting]
    image: bytes


def case_id(number: int) -> str:
    return f"{number:032x}"


def told(number: int) -> Told:
    """A text of the corpus with three rare words and one or two persons in it."""
    chosen = random.Random(number)
    text = _corpus()[chosen.randrange(len(_corpus()))]
    rare = [_word(int(_WORDS * chosen.random() ** 2)) for _ in range(3)]
    persons = tuple(_person(chosen) for _ in range(chosen.choice((1, 1, 1, 2))))
    about = f" Het gaat om {' en '.join(persons)}. {' '.join(rare)}."
    return Told(
        reference=f"{number:05d}-BENCH",
        text=text["body"] + about,
        language=text.get("lang", "nl"),
        persons=persons,
        kind=chosen.choice(list(Kind)).value,
        category=chosen.choice(list(Category)).value,
        severity=chosen.choice(list(Severity)).value,
    )


def fill(db: Database, ring: KeyRing, count: int, folded: int) -> None:
    """Write `count` cases, the first `folded` of them with their segments."""
    with db.read() as session:
        (audience, _) = segments.audiences(session, ring)
        desk = session.get_one(KeyPair, audience.id)
        to = (desk.id, desk.generation, audience.private.public.to_bytes())
    parts = [
        (ring.desk, to, begin, min(begin + MOST_CASES, end), begin < folded)
        for first, end in ((0, folded), (folded, count))
        for begin in range(first, end, MOST_CASES)
    ]
    with get_context("forkserver").Pool(2) as pool:
        for part in pool.imap(_part, parts):
            with db.begin() as session:
                for table, rows in part.rows.items():
                    session.execute(insert(table_of(table)), rows)
                if part.image:
                    segments.store(session, ring.desk, audience, part.image, part.read, START)
            print(f"\r{len(part.read)} more cases", end="", flush=True)
    print()


def _part(made: tuple[str, tuple[str, int, bytes], int, int, bool]) -> _Part:
    desk, (to_id, to_generation, to_public), begin, end, fold = made
    to, stemmer = PublicKey.from_bytes(to_public), Stemmer()
    part = _Part({table: [] for table in (CaseFile, KeyPair, SealedSeed, Message, Record, Audit, Due)}, [], b"")
    documents = []
    for number in range(begin, end):
        pair_id = new_id()
        case = case_id(number)
        opened_at = START + number * APART
        says = told(number)
        contents = _contents(says)
        _add_case(part, desk, number, opened_at)
        context = Context(desk, case, f"{KeyKind.CASE}-seed-for-{KeyKind.DESK}", pair_id, to_generation, 1)
        seed = seal(_KEY.seed, to, context)
        part.rows[SealedSeed].append({"key_pair_id": pair_id, "recipient_key_pair_id": to_id, "frame": seed})
        part.rows[KeyPair].append(
            {
                "id": pair_id,
                "desk": desk,
                "owner": case,
                "kind": KeyKind.CASE,
                "generation": 1,
                "public": _KEY.public.to_bytes(),
                "created_at": opened_at,
            }
        )
        for kind, content in contents.items():
            _add_record(part, desk, number, pair_id, kind, content, opened_at)
        waiting = Waiting(case, opened_at, 1, pair_id)
        part.read.append(waiting)
        if fold:
            opened = {(case, kind): {_subject(number, kind): content} for kind, content in contents.items()}
            documents.append(folding.document(waiting, contents[RecordKind.CARD], opened, stemmer))
    image = SegmentIndex.build(documents).to_bytes() if fold else b""
    return _Part(part.rows, part.read, image)


def _contents(says: Told) -> dict[RecordKind, dict[str, Any]]:
    report = {
        "language": says.language,
        "kind": says.kind,
        "categories": [{"slug": says.category, "score": 0.9, "sub": []}],
        "primary": says.category,
        "severity": says.severity,
        "missing": ["phone"],
        "concerned": [{"name": name, "function": "medewerker"} for name in says.persons],
    }
    card = {"reference": says.reference, **report, "marks": [], "scores": {}}
    del card["language"]
    masked = {"text": says.text, "checked": False}
    return {RecordKind.CARD: card, RecordKind.REPORT: report, RecordKind.MASKED: masked}


def _subject(number: int, kind: RecordKind) -> str:
    return case_id(number) if kind is RecordKind.CARD else f"{number:031x}m"


def _add_case(part: _Part, desk: str, number: int, opened_at: datetime) -> None:
    is_open = number % OPEN_EVERY == 0
    status = list(OPEN)[number // OPEN_EVERY % len(OPEN)] if is_open else Status.CLOSED
    part.rows[CaseFile].append(
        {
            "id": case_id(number),
            "desk": desk,
            "status": status,
            "restricted": False,
            "version": 1,
            "changes": 1,
            "folded": 0,
            "reference_digest": hashlib.sha256(str(number).encode()).digest(),
            "opened_at": opened_at,
            "closed_at": None if is_open else opened_at,
        }
    )
    part.rows[Message].append(
        {
            "id": f"{number:031x}m",
            "desk": desk,
            "case_id": case_id(number),
            "state": "read",
            "received_at": opened_at,
            "taken_in_at": opened_at,
            "seen_at": None if number % 50 == 0 else opened_at,
        }
    )
    for step, (kind, days, taken) in enumerate(_DUES):
        is_done = kind is DueKind.RECEIPT or not is_open
        part.rows[Due].append(
            {
                "id": f"{number:030x}d{step}",
                "desk": desk,
                "case_id": case_id(number),
                "kind": kind,
                "step": 0,
                "due_at": opened_at + timedelta(days=days),
                "state": DueState.DONE if is_done else DueState.OPEN,
                "settled_at": opened_at + timedelta(days=taken) if is_done else None,
            }
        )


def _add_record(
    part: _Part, desk: str, number: int, pair_id: str, kind: RecordKind, content: dict[str, Any], at: datetime
) -> None:
    case, subject = case_id(number), _subject(number, kind)
    frame = seal(
        json.dumps(content, ensure_ascii=False).encode(), _KEY.public, Context(desk, case, kind, subject, 1, 1)
    )
    digest = hashlib.sha256(frame).digest()
    named = {"desk": desk, "case_id": case, "subject_id": subject, "sha256": digest}
    part.rows[Record].append(
        {
            **named,
            "id": new_id(),
            "kind": kind,
            "version": 1,
            "key_pair_id": pair_id,
            "size": len(frame),
            "frame": frame,
            "created_at": at,
        }
    )
    part.rows[Audit].append({**named, "at": at, "action": Action.RECORD, "record_kind": kind, "record_version": 1})


@cache
def _corpus() -> list[dict[str, str]]:
    return list(texts())


def _word(number: int) -> str:
    """A word of three to five syllables, the same for the same number."""
    chosen = random.Random(f"word {number}")
    return "".join(chosen.choice(_SYLLABLES) for _ in range(chosen.randint(3, 5)))


def _person(chosen: random.Random) -> str:
    given, family = _word(-1 - chosen.randrange(_GIVEN)), _word(-1000 - int(_SURNAMES * chosen.random() ** 2))
    return f"{given[:6].title()} {chosen.choice(('', '', 'van ', 'de '))}{family.title()}"


def sample(count: int, among: int, seed: int) -> Iterator[int]:
    """Numbers of cases, drawn."""
    chosen = random.Random(seed)
    return (chosen.randrange(among) for _ in range(count))
