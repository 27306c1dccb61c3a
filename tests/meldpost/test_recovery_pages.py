import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import segno
from lxml import html

from cases.sharing import Scheme
from meldpost import recovery_pages
from meldpost.recovery_pages import Batch
from store.shares import split
from tests.meldpost.pages import share_on, words_on

BATCH = Batch(
    *("desk-a", "Desk <A>", "het ministerie & co", datetime(2026, 3, 2, tzinfo=UTC)),
    *("AAAA-BBBB", "CCCC-DDDD", Scheme(2, 3)),
)
SHARES = split(bytes(32), BATCH.scheme)


def test_a_page_holds_one_share_and_all_that_its_keeper_must_know() -> None:
    page = recovery_pages.page(BATCH, SHARES[1])
    shown = " ".join(html.fromstring(page).text_content().split())
    for said in ("Hersteldeel 2 van 3", "Recovery share 2 of 3", "Desk <A>", "het ministerie & co", "2026-03-02"):
        assert said in shown
    for said in ("AAAA-BBBB", "CCCC-DDDD", "meldpost recover", "voorgoed verloren", "gone for good"):
        assert said in shown


def test_its_words_stand_numbered_in_columns_in_their_order(tmp_path: Path) -> None:
    recovery_pages.write(tmp_path, BATCH, SHARES)
    page = tmp_path / "recovery-desk-a-share-3.html"
    assert tuple(words_on(page)) == SHARES[2].words
    columns = html.parse(str(page)).xpath("//div[@class='share']/ol")
    assert [column.get("start") for column in columns] == ["1", "12", "23"]


def test_its_code_holds_the_same_words() -> None:
    page = recovery_pages.page(BATCH, SHARES[0])
    drawn = segno.make(" ".join(SHARES[0].words).upper(), error="m").svg_inline(border=4, omitsize=True)
    assert drawn in page
    assert "viewBox" in drawn  # or the page would show a corner of it only


def test_it_needs_nothing_from_outside_and_runs_nothing() -> None:
    page = html.fromstring(recovery_pages.page(BATCH, SHARES[0]))
    assert not page.xpath("//script | //link | //img | //*[@src] | //*[@href]")
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'")


def test_pages_are_for_their_owner_alone_and_never_written_over(tmp_path: Path) -> None:
    written = recovery_pages.write(tmp_path, BATCH, SHARES)
    assert {stat.S_IMODE(page.stat().st_mode) for page in written} == {0o600}
    with pytest.raises(FileExistsError):
        recovery_pages.write(tmp_path, BATCH, split(bytes(32), BATCH.scheme))
    assert share_on(written[0]) == SHARES[0]


def test_pages_of_one_desk_are_told_from_those_of_another(tmp_path: Path) -> None:
    recovery_pages.write(tmp_path, BATCH, SHARES)
    recovery_pages.write(tmp_path, replace(BATCH, desk="desk-a-share"), SHARES)
    assert len(recovery_pages.lying(tmp_path, "desk-a")) == 3
    assert recovery_pages.lying(tmp_path, "desk") == []
