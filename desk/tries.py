"""Tries of something that could be guessed: counted before they are made, so that many at once are slowed down too."""

from collections.abc import Iterator
from contextlib import contextmanager

from desk.parts import parts
from store import sessions
from store.passphrase import TooManyDerivations

PLACE = sessions.Throttle(free=20)
"""For an address of the network, which the members of an office may share."""


class TooManyAttempts(Exception):
    """Whoever tries has to wait before the next attempt."""


@contextmanager
def counted(desk: str, what: str) -> Iterator[None]:
    """A try counts as failed unless it ends without an error; where none was made after all, it does not count.

    Raises TooManyAttempts.
    """
    here, now = parts(), parts().clock()
    digest = here.index(desk).login(what)
    with here.database.begin() as transaction:
        if not sessions.may_try(transaction, digest, now):
            raise TooManyAttempts
        sessions.note_try(transaction, [digest], now)
    try:
        yield
    except TooManyDerivations:
        with here.database.begin() as transaction:
            sessions.take_back_try(transaction, [digest], now)
        raise
    with here.database.begin() as transaction:
        sessions.note_success(transaction, digest)
