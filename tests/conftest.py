"""What all tests share: the project's own folder on the path, databases, and figures that a test wants said."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[1]))

from store import audit
from store.database import open_database
from tests.databases import (
    KINDS,
    Databases,
    PostgresDatabases,
    PostgresTemplates,
    SqliteDatabases,
    runs_on_both,
)
from tests.system.postgres import Postgres

_FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile("meldpost", deadline=None)  # how fast a machine is today is no failure
    settings.load_profile("meldpost")
    config.stash[_FIGURES] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that run real servers first: they take longest, and no worker is left alone with them at the end."""
    items.sort(key=lambda item: item.path.parent.name != "system")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "databases" in metafunc.fixturenames and runs_on_both(Path(metafunc.module.__file__)):
        metafunc.parametrize("databases", KINDS, indirect=True)


@pytest.fixture(autouse=True)
def nowhere() -> None:
    """A test acts from no place but its own: a request made within another leaves that of the other behind."""
    audit.PLACE.set("")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables of now."""
    file = tmp_path_factory.mktemp("migrated") / "meldpost.db"
    database = open_database(f"sqlite:///{file}")
    database.upgrade()
    database.close()
    return file


@pytest.fixture(scope="session")
def postgres_templates() -> Iterator[PostgresTemplates]:
    server = Postgres(in_memory=True)
    try:
        yield PostgresTemplates(server)
    finally:
        server.remove()


@pytest.fixture
def databases(request: pytest.FixtureRequest, migrated: Path) -> Iterator[Databases]:
    """Where this test's databases are; SQLite, unless `tests.databases.BOTH` names its file."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield SqliteDatabases(migrated)
        return
    made = PostgresDatabases(request.getfixturevalue("postgres_templates"))
    try:
        yield made
    finally:
        made.drop()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """Lines that stand under the test results: what was measured, beside what was proved."""
    return pytestconfig.stash[_FIGURES]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where several processes share the tests, each hands its figures over."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = session.config.stash[_FIGURES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_FIGURES].extend(getattr(node, "workeroutput", {}).get("figures", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
