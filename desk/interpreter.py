"""Translation by a command of this machine's own: text in, text out, and nothing of it stays.

The command is the administrator's (`[translation] command`). It gets the text on its standard input, and the languages
as arguments where {from} and {to} stand. No shell sees it; it has to answer in time, and no more than a bound.
"""

import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from config.settings import TranslationSettings
from ingest.charsets import clean_text
from ingest.raw import RawMail

LONGEST_TEXT = 20_000
"""Characters that are handed to the command."""
MOST_TIMES = 8
"""So many times the bytes of the text, and a little, may come back: other scripts take more of them."""
_A_LITTLE = 10_000
_PIECE = 64 * 1024
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_KEPT = ("PATH", "HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR")
"""Of the environment: where a program finds itself and its models. Settings and secrets may stand in the rest."""
_ONE_AT_A_TIME = threading.BoundedSemaphore(1)


class CannotTranslate(Exception):
    """There is no translation; `reason` is a slug: busy, not_there, no_words, no_time, too_much, failed, nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Translation:
    """Of a message, as its case shows it. `cut`: there was more of the message than was translated."""

    message_id: str
    source: str
    target: str
    text: str = field(repr=False)
    cut: bool


def translated(settings: TranslationSettings, text: str, source: str, target: str) -> str:
    """What the command makes of the text. Raises CannotTranslate."""
    if not _LANGUAGE.fullmatch(source) or not _LANGUAGE.fullmatch(target) or not settings.command:
        raise CannotTranslate("not_there")
    if not text.strip():
        raise CannotTranslate("no_words")
    if not _ONE_AT_A_TIME.acquire(timeout=settings.seconds):
        raise CannotTranslate("busy")
    try:
        said = _run(_arguments(settings.command, source, target), text.encode(errors="replace"), settings.seconds)
    finally:
        _ONE_AT_A_TIME.release()
    if not said.strip():
        raise CannotTranslate("nothing")
    return clean_text(said.decode(errors="replace")).strip()


def _arguments(command: Sequence[str], source: str, target: str) -> list[str]:
    return [part.replace("{from}", source).replace("{to}", target) for part in command]


def _run(arguments: Sequence[str], given: bytes, seconds: float) -> bytes:
    until = time.monotonic() + seconds
    with RawMail.from_bytes(given) as text:
        os.lseek(text.fd, 0, os.SEEK_SET)
        try:
            process = subprocess.Popen(  # noqa: S603 - the administrator's command; what was reported is no argument
                arguments,
                stdin=text.fd,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a program that fails may quote what it failed on
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        except (OSError, ValueError):
            raise CannotTranslate("not_there") from None
        with process:
            try:
                said = _answer(process, until, MOST_TIMES * len(given) + _A_LITTLE)
                status = process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise CannotTranslate("no_time") from None
            finally:
                _end(process)
    if status != 0:
        raise CannotTranslate("failed")
    return said


def _answer(process: subprocess.Popen[bytes], until: float, most: int) -> bytes:
    assert process.stdout is not None
    pieces = bytearray()
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise CannotTranslate("no_time")
        piece = os.read(process.stdout.fileno(), _PIECE)
        if not piece:
            return bytes(pieces)
        pieces += piece
        if len(pieces) > most:
            raise CannotTranslate("too_much")


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _environment() -> Mapping[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {"LC_ALL": "C.UTF-8"}
