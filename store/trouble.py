"""What is wrong with the database, in a sentence for whoever minds it. Never the driver's own words: they may quote."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

_SQLITE = {
    sqlite3.SQLITE_FULL: "the database's disk is full; make room on it",
    sqlite3.SQLITE_READONLY: "the database can only be read; check the rights of its file and folder, and the mount",
    sqlite3.SQLITE_IOERR: "the database's disk fails; make room on it if it is full, else look at the system's log",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened; check that its folder is there, its rights and space",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged; stop, keep a copy of it, and restore the last backup",
    sqlite3.SQLITE_NOTADB: "the database file is no database; stop, keep a copy of it, and restore the last backup",
    sqlite3.SQLITE_BUSY: "another process held the database for too long",
}
_PRIMARY = 0xFF  # the low byte of an extended result code (sqlite.org/rescode.html)

_POSTGRESQL = {  # by SQLSTATE, or its class (PostgreSQL manual, appendix A)
    "08": "the database server cannot be reached",
    "28": "the database server refuses the log-in; check the database URL",
    "3D000": "there is no such database on the server; check the database URL",
    "25006": "the database can only be read; the server is a standby, or set to read-only",
    "53100": "the database server's disk is full; make room on it",
    "53": "the database server is out of memory or connections",
    "57P": "the database server is shutting down or starting",
    "40": "another transaction was in the way",
    "55P03": "another process held the database for too long",
}
_CERTIFICATE = (
    "the database server's certificate is not trusted; check sslrootcert in the database URL, and that the host there "
    "is the name in the certificate"
)


_REFUSALS = (  # libpq keeps no SQLSTATE of a log-in that failed, only the server's words
    (r"authentication failed|no pg_hba\.conf entry|role .+ (does not exist|is not permitted to log in)", "28"),
    (r"no password supplied|permission denied for database", "28"),
    (r"database .+ does not exist", "3D000"),
    (r"too many (clients|connections)|connection slots", "53"),
    (r"database system is (starting up|shutting down|in recovery|not yet accepting)", "57P"),
)


def _refused(said: str) -> str:
    """Why a server that was reached let nobody in; empty where it was not reached."""
    for pattern, state in _REFUSALS:
        if re.search(pattern, said):
            return _POSTGRESQL[state]
    return "the database server answers, but refuses the connection; its log says why" if "FATAL" in said else ""


def describe(error: DBAPIError) -> str:
    """One sentence; empty where the kind of error tells nothing that a person could act on."""
    cause: Any = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _SQLITE.get(code & _PRIMARY, "")
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return next((_POSTGRESQL[state[:length]] for length in (5, 3, 2) if state[:length] in _POSTGRESQL), "")
    if isinstance(cause, psycopg.OperationalError) and "certificate" in str(cause):
        return _CERTIFICATE
    if isinstance(cause, psycopg.OperationalError) and (refused := _refused(str(cause))):
        return refused
    # psycopg has no SQLSTATE for a server that it never got to, or that hung up
    unreached = isinstance(cause, psycopg.OperationalError) or error.connection_invalidated
    return _POSTGRESQL["08"] if unreached else ""
