"""Keys are made once: that takes longest."""

from collections.abc import Iterator

import pytest

from tests.ingest.protection.sealing import GnuPG, OpenSSL


@pytest.fixture(scope="session")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> OpenSSL:
    return OpenSSL.in_folder(tmp_path_factory.mktemp("openssl"))


@pytest.fixture(scope="session")
def gnupg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnuPG]:
    made = GnuPG.in_folder(tmp_path_factory.mktemp("g"))
    yield made
    made.close()
