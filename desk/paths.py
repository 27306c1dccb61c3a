"""Where a form may send its reader on to."""

from urllib.parse import quote


def local_path(then: str | None) -> str | None:
    """A path of this application, or None: nothing that leads to another site."""
    if not then or not then.startswith("/") or then.startswith("//") or "\\" in then:
        return None
    if any(ord(character) <= ord(" ") for character in then):
        return None
    return quote(then, safe="/?=&%-._~:,")
