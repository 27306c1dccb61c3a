"""How all processes of Meldpost write their log: one line an event, on stderr, without content.

What our own modules log, and the messages of our own errors, are written as they stand: they never hold a name, an
address, a subject or a text. What a library says may quote the mail it worked on, so of its message only the logger's
name is written, and of its exceptions only the type and the place where they were raised. That holds at every level:
DEBUG shows more of our events, not more of a mail.
"""

import logging
import sys
import threading
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import TextIO

from sqlalchemy.exc import DBAPIError

from store import trouble

OURS = frozenset({"meldpost", "desk", "ingest", "notify", "triage", "store", "cases", "access", "config"})
HERE = Path(__file__).resolve().parent.parent


def set_up(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Make this process log in our form. Called once, first of all, by each process."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Formatter())
    handler.addFilter(_wanted)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    logging.raiseExceptions = False  # a broken log call must not print its arguments
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def only_trouble() -> None:
    """Where a bar shows how far it is, a line for each mail is in the way; not for who asked for more."""
    root = logging.getLogger()
    if root.level == logging.INFO:
        root.setLevel(logging.WARNING)


def describe(error: BaseException) -> str:
    """An exception as it may be logged: type and place of it and of its causes, and the message where it is our own."""
    parts = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        message = f" ({said})" if (said := _message(current)) else ""
        parts.append(f"{type(current).__name__}{message}{_place(current.__traceback__)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return " from ".join(parts)


def _message(error: BaseException) -> str:
    if isinstance(error, DBAPIError):
        return trouble.describe(error)
    return str(error) if is_ours(type(error).__module__) else ""


class Formatter(logging.Formatter):
    """``2026-03-02T08:01:00Z INFO ingest.rounds: 3 mails taken in``"""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        if is_ours(record.name):
            message = record.getMessage()
        else:
            message = f"(message withheld, from {Path(record.pathname).name}:{record.lineno})"
        line = f"{when} {record.levelname} {record.name}: {message}".replace("\n", " ").replace("\r", " ")
        if record.exc_info and record.exc_info[1] is not None:
            line += f" [{describe(record.exc_info[1])}]"
        return line


def is_ours(logger: str) -> bool:
    return logger.partition(".")[0] in OURS


def _wanted(record: logging.LogRecord) -> bool:
    """Foreign loggers speak up for trouble only: their chatter (imapclient's is a whole session) helps nobody."""
    return is_ours(record.name) or record.levelno >= logging.WARNING


def _log_uncaught(kind: type[BaseException], value: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    error = (value if value is not None else kind()).with_traceback(trace)
    logging.getLogger("meldpost").critical("stopped by an error that nobody expected: %s", describe(error))


def _place(trace: TracebackType | None) -> str:
    """The innermost frame, and the innermost of our own where that is another."""
    frames = traceback.extract_tb(trace)
    if not frames:
        return ""
    innermost = frames[-1]
    own = next((frame for frame in reversed(frames) if _is_our_file(frame.filename)), innermost)
    place = f" at {_short(innermost.filename)}:{innermost.lineno}"
    if own is not innermost:
        place += f" ({_short(own.filename)}:{own.lineno})"
    return place


def _is_our_file(path: str) -> bool:
    try:
        return Path(path).resolve().relative_to(HERE).parts[0] in OURS
    except (ValueError, IndexError):
        return False


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-2:])
