"""Links in what was reported: their target is to be read, none is followed unasked, and none tells where it stood."""

from __future__ import annotations

import re
import sys

import pytest

from config.settings import TranslationSettings
from tests.desk.test_crawl import Found, read
from tests.desk.world import CONTACT, REPORT, World, coordinator, found_file

TARGET = "https://evil.example/look?who=you"
MARKUP = f'<a href="{TARGET}" onclick="x()">{TARGET}</a>'
SAYS_IT_BACK = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
MARKDOWN = f"[klik hier]({TARGET})"


def leading_outside(found: Found) -> list[str]:
    return [link.target for link in found.links if "evil.example" in link.target]


@pytest.mark.parametrize("written", [TARGET, MARKUP, MARKDOWN, "javascript:alert(1)//evil.example"])
def test_in_text_a_link_is_text_wherever_it_stands(world: World, written: str) -> None:
    world.serve(
        world.settings.model_copy(
            update={"translation": TranslationSettings(command=(sys.executable, "-c", SAYS_IT_BACK))}
        )
    )
    file = found_file("brief.html", "text/html", text=f"Bestand: {written}")
    taken = world.new_case(
        subject=f"Onderwerp: {written}",
        own_text=f"Eigen woorden: {written}",
        quoted_text=f"Citaat: {written}",
        masked_text=f"Gemaskeerd: {written}",
        report={**REPORT, "language": "en", "concerned": [{"name": written, "function": written}]},
        contact={**CONTACT, "address": written},
        found=[file],
        more={"signature_text": f"Ondertekening: {written}"},
    )
    visitor = coordinator(world)
    page = visitor.get(f"/cases/{taken.case_id}")
    (address,) = set(re.findall(r"/cases/[0-9a-f]+/attachments/[0-9a-f]+(?=\")", page.text))
    translated = visitor.post(f"/cases/{taken.case_id}/messages/{taken.message_id}/translate")
    assert "Vertaald door een machine" in translated.text
    for answer in (page, translated, visitor.get(address), visitor.get(f"{address}/original")):
        assert answer.status_code == 200
        assert leading_outside(read(answer)) == []
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert page.text.count("evil.example") >= 8, "and what it says can be read in each place"
    assert "evil.example" in visitor.get(address).text
    assert translated.text.count("evil.example") > page.text.count("evil.example")


def test_where_the_words_of_a_link_do_not_say_where_it_leads_the_message_does(world: World) -> None:
    html = f'<a href="{TARGET}">www.bank.example</a> <a href="{TARGET}">{TARGET}</a> <a href="javascript:x()">x</a>'
    taken = world.new_case(own_text="Zie www.bank.example", html=html)
    visitor = coordinator(world)
    answer = visitor.get(f"/cases/{taken.case_id}")
    told = re.findall(r"<li>([^<]+) → <small>([^<]+)</small>", answer.text)
    assert told == [("www.bank.example", TARGET)]
    assert leading_outside(read(answer)) == []
    masked = coordinator(world, reason="").get(f"/cases/{taken.case_id}").text
    assert "evil.example" not in masked


def test_as_the_sender_laid_it_out_a_link_shows_its_target_and_opens_apart_without_a_word(world: World) -> None:
    html = f'<p><a href="{TARGET}" rel="opener" target="_top" referrerpolicy="unsafe-url">klik hier</a></p>'
    taken = world.new_case(html=html)
    answer = coordinator(world).get(f"/cases/{taken.case_id}/messages/{taken.message_id}/html")
    (link,) = [each for each in read(answer).links if "evil.example" in each.target]
    assert set(link.rel.split()) == {"noopener", "noreferrer"}
    assert "opener" not in link.rel.split()
    assert "unsafe-url" not in answer.text
    assert "a::after{content:' [' attr(href) ']'" in answer.text
    assert 'target="_blank"' in answer.text
