"""A lock that PostgreSQL keeps for us for as long as our connection lasts, and gives to another once we are gone.

The connection is one of its own: it is in no transaction and in no pool, so the lock does not depend on what else is
done. A process that is killed closes it by dying; of a machine that is gone without a word the server learns by TCP's
keepalives, after about `GONE_AFTER_SECONDS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from store.database import Database

_IDLE, _INTERVAL, _COUNT = 15, 5, 3
GONE_AFTER_SECONDS = _IDLE + _INTERVAL * _COUNT
_NOTICE_THE_DEAD = (
    f"set tcp_keepalives_idle = {_IDLE}",
    f"set tcp_keepalives_interval = {_INTERVAL}",
    f"set tcp_keepalives_count = {_COUNT}",
)

StillHeld = Callable[[], bool]


@contextmanager
def advisory_lock(database: Database, name: str) -> Iterator[StillHeld | None]:
    """Hold the lock of this name; gives what tells whether it is held still, or None where another holds it."""
    with database.own_connection() as connection:
        for statement in _NOTICE_THE_DEAD:
            connection.exec_driver_sql(statement)
        if not connection.scalar(select(func.pg_try_advisory_lock(_key(name)))):
            yield None
            return
        yield lambda: _answers(connection)


def _key(name: str) -> int:
    """PostgreSQL knows locks by signed 64-bit numbers, each database its own."""
    return int.from_bytes(hashlib.sha256(f"meldpost {name}".encode()).digest()[:8], "big", signed=True)


def _answers(connection: Connection) -> bool:
    """A lock goes with its connection, and only with it."""
    try:
        connection.scalar(select(1))
    except DBAPIError:
        return False
    return True
