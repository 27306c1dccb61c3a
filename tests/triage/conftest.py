"""One model for all tests: loading it is the dear part."""

import pytest

from triage import Triage, load


@pytest.fixture(scope="session")
def triage() -> Triage:
    return load()
