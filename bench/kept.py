"""Stores of very many cases that are made once and used by every run after. They lie in `.bench/`, hold made-up texts
alone, and are made anew when what they are made by has changed."""

import hashlib
import json
import shutil
from pathlib import Path

from bench import many_cases
from config.secrets import Secrets
from store import segment_index
from store.database import open_database
from store.keypairs import PublicKey
from store.keyring import Pins, desk_keys
from store.members import unlock
from tests.desk.world import DATABASE, DESK, LOGIN, PASSPHRASE, Prepared, prepare
from triage.labelled import CORPUS

_ROOT = Path(__file__).resolve().parent.parent
FOLDER = _ROOT / ".bench"
_MADE_BY = ("bench/many_cases.py", "cases/names.py", "store/schema.py", "store/frame.py", "store/tokens.py")
_PINS = "pins.json"


def store_of(cases: int, folded: int, folder: Path = FOLDER) -> Prepared:
    """A desk with so many cases, `folded` of them in the search index. Each run works on a copy (`make_world`)."""
    here = folder / f"{cases}-{folded}-{_digest()}"
    if not (here / _PINS).exists():
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir(parents=True)
        _make(here, cases, folded)
    return _opened(here)


def _make(here: Path, cases: int, folded: int) -> None:
    made = prepare(here)
    database = open_database(f"sqlite:///{here / DATABASE}")
    try:
        many_cases.fill(database, made.ring, cases, folded)
    finally:
        database.close()
    pins = made.pins
    public = [pins.to_desk.to_bytes(), pins.recovery.to_bytes(), pins.mailer.to_bytes(), pins.signing or b""]
    (here / _PINS).write_text(json.dumps([each.hex() for each in public]), encoding="utf-8")


def _opened(here: Path) -> Prepared:
    *public, signing = (bytes.fromhex(each) for each in json.loads((here / _PINS).read_text(encoding="utf-8")))
    pins = Pins(*(PublicKey.from_bytes(each) for each in public), signing=signing)
    secret = Secrets(here / "secrets", environ={}).key(f"passphrase-secret-{DESK}")
    database = open_database(f"sqlite:///{here / DATABASE}")
    try:
        with database.read() as session:
            ring = unlock(session, DESK, LOGIN, PASSPHRASE, secret, pins=pins)
            return Prepared(here, desk_keys(session, DESK, pins), pins, ring)
    finally:
        database.close()


def _digest() -> str:
    files = [*(_ROOT / name for name in _MADE_BY), *sorted(CORPUS.glob("*.jsonl"))]
    made_by = b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(made_by + segment_index.SCHEMA.encode()).hexdigest()[:12]
