import io
import logging
from collections.abc import Iterator

import pytest

from config.errors import ConfigError
from meldpost import logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    import sys
    import threading

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    stream = io.StringIO()
    logs.set_up(logging.DEBUG, stream)
    yield stream
    logging.captureWarnings(False)
    logging.raiseExceptions = True
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    root.handlers[:] = handlers
    root.setLevel(level)


def test_our_own_words_are_written_in_one_line(written: io.StringIO) -> None:
    logging.getLogger("ingest.rounds").info("%d mails\ntaken in", 3)
    assert written.getvalue().endswith(" INFO ingest.rounds: 3 mails taken in\n")
    assert written.getvalue().count("\n") == 1


def test_what_a_library_says_is_withheld_at_every_level(written: io.StringIO) -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger("imapclient.imaplib").log(level, "FETCH Subject: %s", "Klacht over Jansen")
    assert "Jansen" not in written.getvalue()
    assert "Klacht" not in written.getvalue()
    assert written.getvalue().count("message withheld") == 2


def test_of_a_foreign_exception_type_and_place_are_written_and_never_the_message(written: io.StringIO) -> None:
    try:
        try:
            int("Jansen")
        except ValueError as error:
            raise KeyError("appie@demo.example") from error
    except KeyError:
        logging.getLogger("ingest").exception("a mail could not be taken in")
    text = written.getvalue()
    assert "KeyError at meldpost/test_logs.py:" in text
    assert "from ValueError at meldpost/test_logs.py:" in text
    assert "Jansen" not in text
    assert "appie" not in text


def test_our_own_errors_keep_their_sentence(written: io.StringIO) -> None:
    assert "ConfigError (The desk has no key. Run init.)" in logs.describe(
        ConfigError("The desk has no key. Run init.")
    )


def test_an_error_that_nobody_caught_is_logged_without_its_message(written: io.StringIO) -> None:
    import sys

    try:
        int("Jansen")
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert "CRITICAL meldpost: stopped by an error that nobody expected: ValueError at" in written.getvalue()
    assert "Jansen" not in written.getvalue()


def test_a_broken_log_call_prints_nothing_of_its_arguments(
    written: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("ingest").info("%d mails", "Jansen")
    assert "Jansen" not in written.getvalue() + capsys.readouterr().err


def test_warnings_of_libraries_are_withheld(written: io.StringIO) -> None:
    import warnings

    warnings.warn("odd text in Jansen's mail", stacklevel=1)
    assert "Jansen" not in written.getvalue()
