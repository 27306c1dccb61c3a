"""The shape of the project: what may import what, and what each part says of itself. `make check` runs the linters."""

import ast
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("meldpost", "desk", "ingest", "notify", "triage", "store", "cases", "access", "config")
PYTHON_FILES = sorted(file for part in PARTS for file in (ROOT / part).rglob("*.py"))


def test_imports_run_downwards_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0


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
