"""Checkpoints of the audit trail: makes them, and brings them to where nobody who writes to the database reaches.

A file outside is brought up to date from the database each time, so that one that was away for a while lacks nothing.
"""

import base64
import fcntl
import json
import logging
import os
import secrets as random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from access import credentials
from config.errors import ConfigError
from config.secrets import Secrets, write_key
from config.settings import DeskSettings, Settings
from notify import checkpoints as mails
from notify.smtp import SmtpError
from store import checkpoints
from store.checkpoints import Kept
from store.database import Database
from store.keyring import trail_key_of
from store.signing import SigningKey

log = logging.getLogger(__name__)

_MOST_IN_A_MAIL = 500
_TAIL_BYTES = 256 * 1024
"""What is looked at of a file: longer lines are no checkpoints, and where many desks share it, it is read whole."""


class FileDiffers(Exception):
    """The copy of the checkpoints and the database do not belong together."""


@dataclass(frozen=True)
class Done:
    """How many checkpoints were made, and whether all went where it should."""

    made: int = 0
    well: bool = True


def keep(settings: Settings, secrets: Secrets, database: Database) -> Done:
    """A checkpoint of each desk where something was written, and the copies. What goes wrong is logged."""
    made, well = 0, True
    for slug, desk in settings.desks.items():
        try:
            key = signing_key(secrets, slug, desk)
        except ConfigError as error:
            log.error("desk %s: no checkpoint of its trail: %s", slug, error)  # noqa: TRY400 - a traceback says no more
            well = False
            continue
        if key is None:
            continue
        made += _make(database, slug, key)
        well = _to_file(database, slug, desk) and well
        well = _to_mail(settings, secrets, database, slug, desk) and well
    return Done(made, well)


def signing_key(secrets: Secrets, slug: str, desk: DeskSettings) -> SigningKey | None:
    """The desk's trail key; None where its settings pin none. Raises ConfigError where the secret is another."""
    public = trail_key_of(desk)
    if public is None:
        return None
    key = SigningKey(secrets.key(f"trail-seed-{slug}"))
    if key.public != public:
        raise ConfigError(
            f"The secret trail-seed-{slug} does not belong to the setting trail_key of the desk. Put back the one that "
            "was made with it."
        )
    return key


def make_key(secrets: Secrets, slug: str) -> str:
    """The public half of the desk's trail key as it stands in the configuration. Its secret is made where there is
    none. Raises ConfigError."""
    name = f"trail-seed-{slug}"
    if not secrets.has(name):
        write_key(secrets.directory, name, random.token_bytes(32))
    return base64.b64encode(SigningKey(secrets.key(name)).public).decode()


def _make(database: Database, slug: str, key: SigningKey) -> int:
    try:
        with database.begin() as session:
            return checkpoints.make(session, slug, key, datetime.now(UTC)) is not None
    except IntegrityError:
        return 0  # another daemon makes one at this moment


def _to_file(database: Database, slug: str, desk: DeskSettings) -> bool:
    if desk.checkpoint_file is None:
        return True
    try:
        with _opened(desk.checkpoint_file) as file:
            append(file, database, slug)
    except OSError as error:
        log.warning("desk %s: the checkpoint_file cannot be written: %s", slug, error.strerror)
        return False
    except FileDiffers as error:
        log.error("desk %s: ALARM: %s", slug, error)  # noqa: TRY400
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Append-only (`chattr +a`) files can be opened in this way too."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def append(file: int, database: Database, slug: str) -> None:
    """Append what the file lacks of a desk's checkpoints. Raises FileDiffers, OSError."""
    last, rest = _end_of(file, slug)
    number = 0 if last is None else int(json.loads(last)["number"])
    with database.read() as session:
        found = checkpoints.after(session, slug, number - 1)
    same = last is None or (bool(found) and found[0] == Kept(number, last))
    lacking = [kept.line for kept in found if kept.number > number]
    if rest and lacking and lacking[0].startswith(rest):  # a write that was cut short is made whole
        lacking[0] = lacking[0].removeprefix(rest)
    elif rest and lacking:
        lacking.insert(0, b"")
    if lacking:
        _write(file, b"\n".join(lacking) + b"\n")
    if not same:
        raise FileDiffers(
            f"checkpoint {number} of the checkpoint_file is not in the database. The trail was cut off, or the "
            "database is an older one. Run: meldpost audit verify --checkpoints FILE"
        )


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _end_of(file: int, slug: str) -> tuple[bytes | None, bytes]:
    """The last whole line of a desk, and what follows the last line end."""
    size = os.fstat(file).st_size
    for start in (max(0, size - _TAIL_BYTES), 0):
        content = os.pread(file, size - start, start)
        *lines, rest = content.split(b"\n")
        for line in reversed(lines[1:] if start else lines):
            if _number_of(line, slug) is not None:
                return line, rest
    return None, rest


def _number_of(line: bytes, slug: str) -> int | None:
    try:
        values = json.loads(line)
        return int(values["number"]) if values["desk"] == slug else None
    except (ValueError, KeyError, TypeError):
        return None


def _to_mail(settings: Settings, secrets: Secrets, database: Database, slug: str, desk: DeskSettings) -> bool:
    if desk.checkpoint_mail is None:
        return True
    now = datetime.now(UTC)
    with database.read() as session:
        last = checkpoints.last_mailed(session, slug)
        waiting = checkpoints.to_mail(session, slug, _MOST_IN_A_MAIL)
    if not waiting or (last is not None and abs(now - last) < timedelta(minutes=desk.checkpoint_mail_minutes)):
        return True
    try:
        mails.send(
            settings.smtp, credentials.of_sender(settings.smtp, secrets), desk, desk.checkpoint_mail, waiting, now
        )
    except (SmtpError, ConfigError) as error:
        log.warning("desk %s: checkpoints could not be mailed: %s", slug, error)
        return False
    with database.begin() as session:
        checkpoints.mark_mailed(session, slug, waiting[-1].number, now)
    return True
