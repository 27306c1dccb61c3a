"""Databases as earlier versions left them: one of each version of the schema, as SQL that git can compare.

`0001.sql` to the newest lie in `schemas/`. Bytes stand in them as `base64(…)`, which is shorter than SQL's own way.
Each was written by the code of its own version: a desk, its first member, one case with one mail and a note.
"""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path

FOLDER = Path(__file__).parent / "schemas"
VERSIONS = tuple(sorted(file.stem for file in FOLDER.glob("*.sql")))
NOTE = "Gebeld over de zwanenzang."


def dump(database: Path, target: Path) -> None:
    """Write down all of a SQLite file, its tables and indexes as they were made, and their rows."""
    with sqlite3.connect(database) as connection:
        made = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        parts = made.fetchall()
        lines = [f"{sql};" for kind, _, sql in parts if kind == "table"]
        for _, table, _ in (part for part in parts if part[0] == "table"):
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            quoted = ", ".join(f'quote("{column}")' for column in columns)
            for row in connection.execute(f'SELECT {quoted} FROM "{table}" ORDER BY rowid'):
                lines.append(f'INSERT INTO "{table}" VALUES ({",".join(map(_shorter, row))});')
        lines += [f"{sql};" for kind, _, sql in parts if kind == "index"]
    target.write_text("\n".join(lines) + "\n")


def load(version: str, file: Path) -> None:
    """Make the SQLite file that was written down."""
    with sqlite3.connect(file) as connection:
        connection.create_function("base64", 1, base64.b64decode)
        connection.executescript((FOLDER / f"{version}.sql").read_text())


def _shorter(quoted: str) -> str:
    if not quoted.startswith("X'"):
        return quoted
    return f"base64('{base64.b64encode(bytes.fromhex(quoted[2:-1])).decode()}')"
