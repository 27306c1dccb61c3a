"""Real servers for the system tests; one of each for the whole run."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.system.certificates import Certificates, make_certificates
from tests.system.dovecot import Dovecot
from tests.system.exim import Exim
from tests.system.installation import Installation
from tests.system.postgres import Postgres

Server = TypeVar("Server", Dovecot, Exim)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    yield from _running(Dovecot(certificates))


@pytest.fixture(scope="session")
def plain_dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    """A server that offers neither MOVE nor UIDPLUS."""
    yield from _running(Dovecot(certificates, move=False))


@pytest.fixture(scope="session")
def exim(certificates: Certificates, dovecot: Dovecot) -> Iterator[Exim]:
    yield from _running(Exim(certificates, dovecot.ports.lmtp))


@pytest.fixture(scope="session")
def plain_exim(certificates: Certificates, plain_dovecot: Dovecot) -> Iterator[Exim]:
    yield from _running(Exim(certificates, plain_dovecot.ports.lmtp))


def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def installation(tmp_path: Path, dovecot: Dovecot, exim: Exim) -> Iterator[Installation]:
    """Not set up yet: a test says with which settings."""
    yield from _ended(Installation(tmp_path / "meldpost", dovecot, exim))


@pytest.fixture
def plain_installation(tmp_path: Path, plain_dovecot: Dovecot, plain_exim: Exim) -> Iterator[Installation]:
    """At the server that offers neither MOVE nor UIDPLUS."""
    yield from _ended(Installation(tmp_path / "meldpost", plain_dovecot, plain_exim))


def _ended(installation: Installation) -> Iterator[Installation]:
    try:
        yield installation
    finally:
        installation.stop()


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    try:
        yield server
    finally:
        server.remove()
