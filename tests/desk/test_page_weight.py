"""What a page weighs on the line, with everything that it loads: little, for a slow one."""

import gzip
import http.client
import re
from urllib.parse import urlsplit

import pytest

from tests.desk.test_queue import _once_read
from tests.desk.test_server import _cookies
from tests.desk.world import REPORT, World, coordinator

MOST = 150_000
"""Bytes, heads of the answers included; without attachments."""
_LOADED = re.compile(r'<(?:link|script|img)[^>]*(?:href|src)="(/[^"]+)"')
_CASE = re.compile(r'class="open ref" href="(/cases/[0-9a-f]{32})[?"]')


class Line:
    """What goes over the line, as a browser asks for it."""

    def __init__(self, address: str, cookies: str) -> None:
        self._place = urlsplit(address).netloc
        self._head = {"Cookie": cookies, "Accept-Encoding": "gzip, deflate, br, zstd", "Accept-Language": "nl"}
        self.bytes = 0

    def get(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self._place, timeout=60)
        connection.request("GET", path, headers=self._head)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200, path
        self.bytes += len(body) + sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
        return answer, body

    def page(self, path: str) -> str:
        """A page, with everything that it loads by itself."""
        _, body = self.get(path)
        text = body.decode()
        for each in sorted(set(_LOADED.findall(text))):
            self.get(each.replace("&amp;", "&"))
        return text


@pytest.fixture
def line(world: World, address: str) -> Line:
    visitor = coordinator(world)
    return Line(address, _cookies(visitor))


def test_a_full_page_of_the_queue_and_a_case_weigh_less_than_150_kb_each(world: World, line: Line) -> None:
    for _ in range(55):
        world.new_case(report={**REPORT, "missing": list(REPORT["missing"])})
    _once_read(world, coordinator(world))
    text = line.page("/")
    assert len(_CASE.findall(text)) == 50
    assert line.bytes < MOST, line.bytes
    line.bytes = 0
    assert 'id="conversation"' in line.page(_CASE.findall(text)[0])
    assert line.bytes < MOST, line.bytes


def test_the_page_of_the_log_in_weighs_less_than_150_kb(address: str) -> None:
    line = Line(address, "")
    assert len(set(_LOADED.findall(line.page("/login")))) >= 4
    assert line.bytes < MOST, line.bytes


def test_a_case_with_a_quote_markup_and_a_file_weighs_less_than_150_kb(world: World, line: Line) -> None:
    taken = world.new_case(quoted_text="Eerder schreef u: dank.", html="<p>Hoi</p>", files=[("a.txt", b"x")])
    line.page(f"/cases/{taken.case_id}")
    assert line.bytes < MOST, line.bytes


def test_files_of_the_desk_go_compressed_and_pages_do_not(line: Line) -> None:
    """A page holds secrets beside what others chose: compressed, its length would tell of them."""
    page, text = line.get("/")
    assert page.headers["Content-Encoding"] is None
    for each in sorted(set(_LOADED.findall(text.decode()))):
        answer, body = line.get(each)
        assert answer.headers["Content-Encoding"] == "gzip", each
        assert "Accept-Encoding" in (answer.headers["Vary"] or "")
        assert gzip.decompress(body)


def test_a_browser_gets_a_file_as_it_takes_it_and_not_again_while_it_is_the_same(world: World) -> None:
    visitor = coordinator(world)
    plain = visitor.get("/static/desk.css")
    assert "Content-Encoding" not in plain.headers
    client = world.app.test_client()
    small = client.get("/static/desk.css", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(small.data) == plain.data
    assert small.headers["ETag"] != plain.headers["ETag"]
    refused = client.get("/static/desk.css", headers={"Accept-Encoding": "gzip;q=0"})
    assert refused.data == plain.data
