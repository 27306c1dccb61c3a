"""A fresh database, and a desk with one member on it; on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.database import Database, open_database
from tests.databases import Databases
from tests.store.world import Template, World, make_template


@pytest.fixture
def db(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    database = open_database(databases.new(tmp_path))
    yield database
    database.close()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A desk made once and copied for each test: deriving a key from a passphrase is slow on purpose."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(databases: Databases, template: Template, tmp_path: Path) -> Iterator[World]:
    made = template.world(databases.copy(template.file, tmp_path))
    yield made
    made.db.close()
