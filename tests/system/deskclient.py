"""The desk as a program sees it: logs in, follows links, fills in forms. What a browser shows is proved elsewhere."""

import http.cookiejar
import re
from html import unescape
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, Request, build_opener

_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_VERSION = re.compile(r'name="version"[^>]*value="(\d+)"')


class DeskClient:
    """One person at the desk."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        # As browsers do, count loopback as secure: the desk's cookies are for secure connections alone.
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
        cookies = HTTPCookieProcessor(http.cookiejar.CookieJar(policy))
        self._opener: OpenerDirector = build_opener(ProxyHandler({}), cookies)

    def get(self, path: str) -> bytes:
        return bytes(self._opener.open(self._base + path, timeout=60).read())

    def page(self, path: str) -> str:
        return self.get(path).decode()

    def post(self, path: str, fields: dict[str, str], *, seen_on: str) -> str:
        """Send a form that stands on the page `seen_on`, with what that page put into it."""
        page = self.page(seen_on)
        hidden = {"csrf_token": _first(_CSRF, page)}
        if version := _VERSION.search(page):
            hidden["version"] = version.group(1)
        headers = {"Referer": self._base + seen_on, "Origin": self._base}
        body = urlencode({**hidden, **fields}).encode()
        return str(self._opener.open(Request(self._base + path, body, headers), timeout=60).read().decode())

    def log_in(self, desk: str, login: str, passphrase: str) -> str:
        fields = {"desk": desk, "login": login, "passphrase": passphrase, "then": ""}
        return self.post("/login", fields, seen_on="/login")

    def links(self, path: str, pattern: str) -> list[str]:
        return sorted({unescape(found) for found in re.findall(rf'(?:href|src)="({pattern})"', self.page(path))})

    def cases(self, path: str = "/") -> list[str]:
        """The addresses of the cases in a list, without what leads back to it; at least one."""
        found = sorted({urlsplit(link).path for link in self.links(path, r'/cases/[0-9a-f]{32}(?:\?[^"]*)?')})
        if not found:
            raise AssertionError(f"{path} lists no case")
        return found


def _first(pattern: re.Pattern[str], page: str) -> str:
    match = pattern.search(page)
    if match is None:
        raise AssertionError(f"the page has nothing like {pattern.pattern}")
    return match.group(1)
