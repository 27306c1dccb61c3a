"""`meldpost report`: the yearly report, as files for the secretary-general."""

import csv
import io
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from meldpost import hygiene
from meldpost.cli import main
from meldpost.init import Made
from tests.meldpost import plans

LAST_YEAR = datetime.now(UTC).year - 1


@pytest.fixture(autouse=True)
def _dumps_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command forbids the whole process to leave dumps, which other tests look for."""
    monkeypatch.setattr(hygiene, "no_core_dumps", lambda: None)


def report(made: Made, *arguments: str, passphrase: str = plans.PASSPHRASE) -> Result:
    given = ["report", "-c", str(made.config), "--login", "co", *arguments]
    return CliRunner().invoke(main, given, input=io.BytesIO(f"{passphrase}\n".encode()))


@pytest.mark.parametrize(
    ("language", "told"),
    [("nl", ("Rapportage over", "Dit weet Meldpost niet.")), ("en", ("Report on", "Meldpost does not"))],
)
def test_the_report_of_a_year_is_written_in_either_language(
    made: Made, tmp_path: Path, language: str, told: tuple[str, ...]
) -> None:
    result = report(made, str(LAST_YEAR), "--to", str(tmp_path), "--language", language)
    assert result.exit_code == 0, result.output
    files = {path.suffix: path for path in tmp_path.glob(f"meldpost-{LAST_YEAR}.*")}
    assert set(files) == {".pdf", ".md", ".csv"}
    text = files[".md"].read_text(encoding="utf-8")
    assert all(each in text for each in told)
    assert files[".pdf"].read_bytes().startswith(b"%PDF")
    rows = list(csv.DictReader(files[".csv"].open(encoding="utf-8")))
    assert {row["count"] for row in rows if row["table"] == "kind"} == {"0"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert "is not over" not in result.output


def test_of_a_running_year_it_says_to_keep_it(made: Made, tmp_path: Path) -> None:
    year = str(LAST_YEAR + 1)
    result = report(made, year, "--to", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert f"{year} is not over: keep this to yourself" in result.output
    refused = report(made, year, "--to", str(tmp_path), "--give")
    assert refused.exit_code == 1
    assert "given to nobody" in refused.output


def test_nothing_is_written_for_who_does_not_know_their_passphrase(made: Made, tmp_path: Path) -> None:
    result = report(made, str(LAST_YEAR), "--to", str(tmp_path), passphrase="een andere zin dan deze")
    assert result.exit_code == 1
    assert list(tmp_path.glob("meldpost-2*")) == []
