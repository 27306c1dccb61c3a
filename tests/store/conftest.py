"""A fresh database, and a desk with one member on it; on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.database import Database, open_database
from tests.databases import Databases
from tests.store.office import Office, OfficeTemplate, make_office_template
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


@pytest.fixture(scope="session")
def office_template(tmp_path_factory: pytest.TempPathFactory, template: Template) -> OfficeTemplate:
    """An office of one member of each role, made once as well."""
    return make_office_template(tmp_path_factory.mktemp("office"), template)


@pytest.fixture
def office(databases: Databases, office_template: OfficeTemplate, tmp_path: Path) -> Iterator[Office]:
    template = office_template.template
    made = Office(template.world(databases.copy(template.file, tmp_path)), office_template.rings)
    yield made
    made.db.close()
