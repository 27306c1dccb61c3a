"""A desk for each test, and a browser for those that need one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    yield made
    made.database.close()
