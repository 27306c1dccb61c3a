"""`meldpost ingest -`: one mail that a mail server hands over by a pipe, and an exit status that tells it what to do.

The status is one of sysexits.h: 0 after the commit; else 75 (EX_TEMPFAIL), whatever is wrong, so that the mail server
keeps the mail and tries again; that goes for a broken configuration, too, since it can be mended while the mail waits.
What is said begins with an enhanced status code (RFC 3463): Postfix, pipe(8), goes by it. No mail is ever refused.
"""

import re
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from config.errors import ConfigError
from config.settings import load
from ingest.deliveries import Deliveries, Envelope, NotNow
from ingest.errors import NotIsolated, NurseryGone
from ingest.nurseries import nurseries
from ingest.raw import RawMail
from meldpost import hygiene, logs
from meldpost.importing import CannotImport, account_of
from meldpost.startup import NotReady, database_is_current

EX_OK = 0
EX_USAGE = 64
EX_TEMPFAIL = 75

_FROM_LINE = re.compile(rb"From ([^:\s]\S*)(?:\s.*\d\d:\d\d.*\d{4}.*|\s*)")
_NOBODY = ("", "<>", "MAILER-DAEMON")
_PIECE = 1 << 16


def deliver(config: Path, account: str | None, stream: BinaryIO, environ: Mapping[str, str]) -> int:
    """Take the mail in; gives the exit status. Says on stderr why a mail has to wait."""
    hygiene.no_core_dumps()
    logs.only_trouble()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        raw, envelope = receive(stream, environ)
        with raw:
            _take_in(config, account, raw, envelope)
    except (ConfigError, CannotImport, NotReady, NotIsolated, NurseryGone, NotNow) as error:
        return _put_off("4.3.5", str(error))
    except SystemExit:
        return _put_off("4.3.0", "stopped before the mail was in")
    except BaseException as error:  # noqa: BLE001 - whatever it is, the mail server has to keep the mail
        return _put_off("4.3.0", logs.describe(error))
    return EX_OK


def receive(stream: BinaryIO, environ: Mapping[str, str]) -> tuple[RawMail, Envelope]:
    """The mail, in memory, and what is known of its envelope. One line `From sender date` before it is the mail
    server's, not the mail's; there is one mail in the stream, whatever its lines look like."""
    first = stream.readline(_PIECE)
    line = _FROM_LINE.fullmatch(first.rstrip(b"\r\n"))
    sender = line[1].decode("utf-8", "surrogateescape") if line else environ.get("SENDER")
    if sender in _NOBODY:
        sender = ""
    recipient = environ.get("RECIPIENT")
    pieces = iter(lambda: stream.read(_PIECE), b"")
    raw = RawMail.from_chunks(pieces if line else _with(first, pieces))
    return raw, Envelope(sender, (recipient,) if recipient else ())


def put_off_for_usage(message: str) -> int:
    """The status where the command line makes no sense; Postfix keeps the mail for the code that is said."""
    _put_off("4.3.5", message)
    return EX_USAGE


def _take_in(config: Path, account: str | None, raw: RawMail, envelope: Envelope) -> None:
    settings = load(config)
    name = account_of(settings, account)
    database_is_current(settings)
    with nurseries(settings) as (readers, understanders):
        deliveries = Deliveries(settings, settings.secrets(), readers, understanders)
        try:
            deliveries.take_in(name, raw, envelope)
        finally:
            deliveries.close()


def _with(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _put_off(code: str, why: str) -> int:
    print(f"{code} The mail was not taken in and has to wait: {' '.join(why.split())}", file=sys.stderr)
    return EX_TEMPFAIL


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(EX_TEMPFAIL)
