"""Hands that have a keyboard and no pointer, for a desk in either language: they find a control by what it is called,
as somebody does who hears the page, and reach it with Tab alone."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from babel.support import Translations
from playwright.sync_api import Locator, Page, expect

from tests.desk.world import LOGIN, PASSPHRASE

MOST_TABS = 200
_TRANSLATIONS = Path(__file__).parents[2] / "desk" / "translations"
_RING = """element => {
    const style = getComputedStyle(element)
    return element.matches(':focus-visible') && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
}"""
_HERE = "element => element === document.activeElement"
_IN_GROUP = "element => document.activeElement.type === 'radio' && document.activeElement.name === element.name"


@functools.cache
def catalogue(language: str) -> Callable[[str], str]:
    say: Callable[[str], str] = Translations.load(str(_TRANSLATIONS), [language]).ugettext
    return say


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, and see that it shows. Raises AssertionError where no Tab leads there."""
    expect(wanted).to_be_visible()
    element = wanted.element_handle()
    for _ in range(MOST_TABS):
        if element.evaluate(_HERE):
            break
        page.keyboard.press("Tab")
    else:
        raise AssertionError(f"no Tab leads to {wanted}")
    assert element.evaluate(_RING), f"nobody sees the focus on {wanted}"
    expect(wanted).to_be_in_viewport()


def press(page: Page, wanted: Locator) -> None:
    tab_to(page, wanted)
    page.keyboard.press("Enter")


@dataclass(frozen=True)
class Hands:
    """Whoever works at this page; every control is named by its English text, and found by that of the page."""

    page: Page
    language: str

    def say(self, english: str) -> str:
        return catalogue(self.language)(english)

    def link(self, english: str) -> None:
        self.follow(self.say(english))

    def follow(self, name: str) -> None:
        """The first link that is called so, to another page."""
        self._go(self._first(self.page.get_by_role("link", name=name)))

    def button(self, *english: str, within: Locator | None = None) -> None:
        self._go(self._first((within or self.page).get_by_role("button", name=self._exactly(*english))))

    def unfold(self, *english: str, within: Locator | None = None) -> None:
        press(self.page, self._first((within or self.page).locator("summary").filter(has_text=self._exactly(*english))))

    def write(self, english: str, text: str, within: Locator | None = None) -> None:
        """In the place of what stands in this field."""
        self._to_field(english, within)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def pick(self, english: str, option: str, within: Locator | None = None) -> None:
        """An option of a list, by the first letters of its name."""
        self._to_field(english, within)
        self.page.keyboard.type(self.say(option))

    def tick(self, *english: str, within: Locator | None = None) -> None:
        tab_to(self.page, self._first((within or self.page).get_by_role("checkbox", name=self._exactly(*english))))
        self.page.keyboard.press("Space")

    def choose(self, group: str, english: str) -> None:
        """One of several: Tab leads to the group, the arrows to the choice in it."""
        named = self.page.get_by_role("group", name=self.say(group))
        begins = re.compile(rf"^\s*{re.escape(self.say(english))}\b")  # what it means may follow
        wanted = self._first(named.get_by_role("radio", name=begins))
        expect(wanted).to_be_visible()
        element = wanted.element_handle()
        for _ in range(MOST_TABS):
            if element.evaluate(_IN_GROUP):
                break
            self.page.keyboard.press("Tab")
        for _ in range(named.get_by_role("radio").count()):
            if element.evaluate(_HERE):
                break
            self.page.keyboard.press("ArrowDown")
        tab_to(self.page, wanted)
        self.page.keyboard.press("Space")
        expect(wanted).to_be_checked()

    def log_in(self) -> None:
        self.page.goto("/")
        self.write("Name", LOGIN)
        self.write("Passphrase", PASSPHRASE)
        self.enter()
        expect(self.page.get_by_role("button", name=self.say("Log out"))).to_be_visible()

    def enter(self) -> None:
        """Press Enter, and wait for the page to which it leads: a key pressed before its script listens is lost."""
        with self.page.expect_navigation(timeout=60_000):
            self.page.keyboard.press("Enter")

    def region(self, english: str) -> Locator:
        return self.page.get_by_role("region", name=self.say(english))

    def sees(self, english: str, **filled: object) -> None:
        expect(self._first(self.page.get_by_text(self.say(english) % filled))).to_be_visible()

    def at(self, english: str) -> None:
        """On the page with this heading."""
        expect(self.page.get_by_role("heading", level=1, name=self.say(english))).to_be_visible()

    def _go(self, wanted: Locator) -> None:
        tab_to(self.page, wanted)
        self.enter()

    def _to_field(self, english: str, within: Locator | None) -> None:
        tab_to(self.page, self._first((within or self.page).get_by_label(self.say(english), exact=True)))

    def _exactly(self, *english: str) -> re.Pattern[str]:
        """What is called so, and no more: of several parts, with a colon between them."""
        parts = r"\s*:\s*".join(re.escape(self.say(part)) for part in english)
        return re.compile(rf"^\s*{parts}\s*$")

    def _first(self, found: Locator) -> Locator:
        return found.filter(visible=True).first
