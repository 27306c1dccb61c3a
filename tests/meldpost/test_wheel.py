"""`pip install .` gives a working command with all its data: the wheel is built, installed elsewhere, and tried."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""The environment of what is installed: no path leads back to the sources."""
DATA = (
    "desk/templates/",
    "desk/static/",
    "desk/translations/",
    "notify/catalogues/",
    "store/migrations/versions/",
    "store/words.txt",
    "triage/corpus/",
    "triage/model/",
    "meldpost/samples/samples.toml",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_every_file_of_every_part(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    parts = {name.partition("/")[0] for name in DATA} | {"ingest", "cases", "config"}
    wanted = {name for name in tracked if name.partition("/")[0] in parts and (ROOT / name).exists()}
    assert wanted - names == set()
    for start in DATA:
        assert any(name.startswith(start) for name in names), start


def test_installed_elsewhere_it_makes_a_desk_and_understands_a_mail(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    here = sysconfig.get_path("purelib")
    options = ["--no-deps", "--no-index", "--quiet", "--prefix", str(home)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    (site / "dependencies.pth").write_text(here + "\n", encoding="utf-8")
    command = [str(home / "bin" / "python"), "-m", "meldpost"]
    where = subprocess.run(
        [*command[:1], "-c", "import meldpost, triage; print(meldpost.__file__)"],
        cwd=tmp_path, env=ELSEWHERE, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(home))
    (tmp_path / "mail.eml").write_bytes(b"From: a@home.example\r\nSubject: x\r\n\r\nI want to report theft.\r\n")
    understood = subprocess.run(
        [*command, "triage", "--jsonl", "mail.eml"],
        cwd=tmp_path, env=ELSEWHERE, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert understood.stdout.startswith('{"file": "mail.eml", "language": ')
    version = subprocess.run(
        [*command, "--version"], cwd=tmp_path, env=ELSEWHERE, check=True, capture_output=True, text=True
    )
    assert version.stdout.strip()


def test_it_holds_nothing_but_the_parts(wheel: Path) -> None:
    """No tests, benchmarks, tools or papers of those who make it."""
    with zipfile.ZipFile(wheel) as archive:
        found = {name.partition("/")[0] for name in archive.namelist()}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "root_packages"
    ]
    assert {name for name in found if not name.endswith(".dist-info")} == set(packages)
