"""A provider of the test's own, and secrets that fit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.secrets import Secrets, write_secret
from tests.access.endpoint import SECRET, Endpoint, running_endpoint
from tests.system.certificates import make_certificates


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with running_endpoint(make_certificates(tmp_path)) as running:
        yield running


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    write_secret(tmp_path / "secrets", "oauth-secret-main", SECRET.encode())
    return Secrets(tmp_path / "secrets", {})
