"""What a short-lived process of the daemon is spared: each of them pays anew for what it loads and looks through."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.installation import Installation, letter

TOP = Path(__file__).parents[2]


@pytest.fixture
def round_(installation: Installation, tmp_path: Path) -> dict[str, object]:
    """What the process of a round with one mail loaded and froze."""
    installation.set_up()
    installation.send(letter(installation.reporter(), installation.address, text="Steekpenningen bij de inkoop."))
    installation.dovecot.wait_for(installation.address, 1)
    found = tmp_path / "found.json"
    program = [sys.executable, "-m", "tests.system.looking", str(installation.config), str(found)]
    subprocess.run(program, cwd=TOP, check=True, timeout=300)
    assert installation.count("message") == 1
    read: dict[str, object] = json.loads(found.read_text(encoding="utf-8"))
    return read


def test_a_round_loads_nothing_that_the_fork_server_could_have_loaded(round_: dict[str, object]) -> None:
    loaded = [str(name) for name in round_["loaded"]]  # type: ignore[attr-defined]
    assert [name for name in loaded if not name.startswith(("tests.", "__mp_main__"))] == []


def test_the_collector_of_a_round_leaves_alone_what_the_fork_server_loaded(round_: dict[str, object]) -> None:
    assert round_["frozen"] > 100_000  # type: ignore[operator]
