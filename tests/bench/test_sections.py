"""The page of the benchmark, one part of which was measured anew."""

from pathlib import Path

from bench.sections import put, replaced

PAGE = "# Speed\n\nText.\n\n## One\n\nOld.\n\n## Two\n\nKept.\n"


def test_a_part_takes_the_place_of_that_with_its_heading() -> None:
    assert replaced(PAGE, "## One\n\nNew.\n") == "# Speed\n\nText.\n\n## One\n\nNew.\n\n## Two\n\nKept.\n"
    assert replaced(PAGE, "## Two\n\nNew.\n") == "# Speed\n\nText.\n\n## One\n\nOld.\n\n## Two\n\nNew.\n"


def test_a_part_that_is_new_stands_at_the_end() -> None:
    assert replaced(PAGE, "## Three\n\nNew.\n") == f"{PAGE}\n## Three\n\nNew.\n"


def test_a_part_says_when_it_was_measured_and_where(tmp_path: Path) -> None:
    page = tmp_path / "bench.md"
    page.write_text(PAGE)
    put("## One\n\nNew.\n", page)
    assert "New.\n\nMeasured on 20" in page.read_text()
    assert "cores, load" in page.read_text()
