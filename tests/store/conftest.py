"""A fresh database, and a desk with one member on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.database import Database
from tests.store.world import FORCED, Template, World, empty_database, make_template, make_world


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = empty_database(tmp_path)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A desk made once and copied for each test: deriving a key from a passphrase is slow on purpose."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if FORCED in os.environ:
        made = make_world(request.getfixturevalue("db"))
    else:
        made = request.getfixturevalue("template").copy(tmp_path)
    yield made
    made.db.close()
