"""The shape of the project: what may import what, and what each part says of itself. `make check` runs the linters."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("meldpost", "desk", "ingest", "notify", "triage", "store", "cases", "access", "config")
PYTHON_FILES = sorted(file for part in PARTS for file in (ROOT / part).rglob("*.py"))


def test_imports_run_downwards_only() -> None:
    """In a process of its own: import-linter sets up logging anew, which would cost later tests their logs."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_knows_every_part() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert set(settings["importlinter"]["root_packages"]) == set(PARTS)
    assert set(settings["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(PARTS)
    assert set(settings["mypy"]["packages"]) == set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_says_what_it_is_for(part: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / part / "__init__.py").read_text(encoding="utf-8")))
    assert docstring is not None
    assert "romises" in docstring, "say what the part promises, and what it does not do"


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in PYTHON_FILES
        if ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) is None
    ]
    assert silent == []


def test_requirements_name_no_registry_and_pin_everything_by_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        entries = text.replace("\\\n", " ").splitlines()
        pinned = [line for line in entries if line and not line.startswith("#")]
        assert pinned
        assert all("==" in line and "--hash=sha256:" in line for line in pinned)
