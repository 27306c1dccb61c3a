"""What a coordinator does, each thing from its beginning to its end by keys alone: in Dutch with JavaScript, and in
English without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cases.roles import Role
from tests.desk.hands import Hands
from tests.desk.world import PASSPHRASE, World, join

APPIE = "appie@reporter.example"
"""From which the messages of the world come: a case knows by it who wrote."""


@pytest.fixture(params=[("nl", True), ("en", False)], ids=["Dutch", "English, without JavaScript"])
def hands(request: pytest.FixtureRequest, new_page: Callable[..., Page]) -> Hands:
    language, java_script = request.param
    locale = {"nl": "nl-NL", "en": "en-GB"}[language]
    return Hands(new_page(java_script_enabled=java_script, locale=locale), language)


def open_first_case(hands: Hands, reference: str = "K2345-00000") -> None:
    hands.log_in()
    hands.follow(reference)
    expect(hands.page.get_by_role("heading", level=1, name=reference)).to_be_visible()


def open_who_reported(hands: Hands) -> None:
    hands.write("Reason", "Behandeling.", within=hands.page.locator("#contact"))
    hands.button("Open who reported")
    expect(hands.page.locator("#contact").get_by_text(hands.say("Correct"))).to_be_visible()


def test_the_first_case_is_taken_up_looked_at_and_its_suggestions_are_accepted(world: World, hands: Hands) -> None:
    world.new_case()
    open_first_case(hands)
    hands.choose("Is it clear what the report says?", "Yes")
    hands.choose("Can it be a breach of integrity?", "Yes")
    hands.choose("How serious is it?", "Medium")
    hands.button("Save the answers")
    expect(hands.page.locator("#first-look")).to_contain_text("j.coordinator")
    hands.button("Accept all suggestions")
    expect(hands.page.locator("#field-primary .by").first).to_contain_text("j.coordinator")
    expect(hands.page.get_by_role("button", name=hands.say("Accept all suggestions"))).to_have_count(0)


def test_a_suggestion_is_corrected(world: World, hands: Hands) -> None:
    world.new_case()
    open_first_case(hands)
    hands.unfold("Correct", "Kind")
    hands.choose("Kind", "Other complaint")
    hands.button("Save", "Kind")
    expect(hands.page.locator("#field-kind .value")).to_have_text(hands.say("Other complaint"))


def test_a_reply_is_written_sent_and_taken_back(world: World, hands: Hands) -> None:
    world.new_case()
    open_first_case(hands)
    hands.link("Write to the reporter")
    hands.at("Write to the reporter")
    hands.pick("What the letter is for", "Say where it stands")
    hands.button("Begin with this text")
    hands.write("Letter", "Goedendag, wij zijn ermee bezig.")
    hands.button("Look at it before sending")
    hands.at("The letter as it goes out")
    hands.button("Send")
    hands.button("Take the letter back")
    hands.at("Write to the reporter")
    expect(hands.page.get_by_label(hands.say("Letter"), exact=True)).to_have_value("Goedendag, wij zijn ermee bezig.")


def test_a_reporter_is_referred(world: World, hands: Hands) -> None:
    world.new_case()
    open_first_case(hands)
    hands.unfold("Refer the reporter")
    hands.choose("To whom", "The complaints procedure: another complaint about the organisation")
    hands.button("Begin the letter")
    hands.at("Write to the reporter")
    hands.button("Look at it before sending")
    hands.at("The letter as it goes out")
    hands.button("Send")
    expect(hands.page.locator("#status")).to_contain_text(hands.say("Referred"))


def test_a_case_is_set_aside_and_reopened(world: World, hands: Hands) -> None:
    world.new_case()
    open_first_case(hands)
    hands.unfold("Set aside without a letter")
    hands.button("Set the case aside")
    expect(hands.page.locator("#status")).to_contain_text(hands.say("Set aside"))
    hands.choose("New status", "Being assessed")
    hands.button("Reopen")
    expect(hands.page.locator("#status")).to_contain_text(hands.say("Being assessed"))


def test_two_cases_are_merged_and_parted_and_a_message_is_split_off(world: World, hands: Hands) -> None:
    into = world.new_case(sender=APPIE, own_text="Eerste brief.").case_id
    world.clock.forward(minutes=1)
    world.further_message(into, own_text="Iets heel anders.")
    world.new_case(sender=APPIE, own_text="Tweede brief.")
    open_first_case(hands, "K2345-00001")
    hands.unfold("Merge this case into another")
    hands.write("Reference of the case that stays", "K2345-00000")
    hands.button("Look at both")
    hands.at("Merge two cases")
    hands.button("Merge")
    expect(hands.page.locator("article.mail")).to_have_count(3)
    hands.follow("K2345-00001")
    hands.button("Undo the merger")
    expect(hands.page.locator("article.mail")).to_have_count(1)
    hands.link("Queue")
    hands.follow("K2345-00000")
    open_who_reported(hands)
    message = hands.page.locator("article.mail").filter(has_text="Iets heel anders.")
    hands.unfold("Does not belong here?", within=message)
    hands.button("Make this a case of its own", within=message)
    expect(hands.page.locator("article.mail")).to_have_count(1)


def test_a_case_is_closed(world: World, hands: Hands) -> None:
    world.new_case()
    open_first_case(hands)
    hands.choose("New status", "Closed")
    hands.pick("Outcome", "Not investigated")
    hands.write("Approved by", "De directeur")
    hands.button("Change the status")
    hands.at("Something is still owed")
    hands.button("Close the case all the same")
    expect(hands.page.locator("#status")).to_contain_text("De directeur")
    expect(hands.page.locator("#status")).to_contain_text(hands.say("Not investigated"))


def test_a_report_on_paper_is_entered(world: World, hands: Hands) -> None:
    hands.log_in()
    hands.link("New report")
    hands.choose("How it came", "By letter")
    hands.write("What was said or written", "De heer Dijkgraaf neemt geld aan van leveranciers.")
    hands.write("Name", "Appie Ramdin")
    hands.button("Enter the report")
    expect(hands.page.get_by_role("heading", level=1, name=hands.say("Case"))).to_be_visible()
    open_who_reported(hands)
    expect(hands.page.locator("#conversation")).to_contain_text("neemt geld aan")


def test_a_case_is_found_by_its_words(world: World, hands: Hands) -> None:
    world.new_case(own_text="Er verdwijnt koper van het terrein.")
    world.new_case()
    hands.log_in()
    world.app.extensions["meldpost-desk"].indexes.wait()
    hands.write("Words, a name or a reference", "koper")
    hands.enter()
    hits = hands.page.locator("main").get_by_role("link", name="K2345")
    expect(hits).to_have_count(1)
    hands.follow("K2345-00000")
    expect(hands.page.get_by_role("heading", level=1, name="K2345-00000")).to_be_visible()


def test_a_member_is_added_and_leaves(world: World, hands: Hands) -> None:
    hands.log_in()
    hands.link("Members")
    hands.link("Add a member")
    hands.write("Name to log in with", "n.nieuw")
    hands.write("E-mail address for notices", "nieuw@desk.example")
    hands.pick("Role", "investigator")
    hands.button("Add this member")
    hands.link("To the members")
    hands.follow("n.nieuw")
    hands.button("This member leaves")
    expect(hands.page.get_by_role("row").filter(has_text="n.nieuw")).not_to_contain_text("–")


def test_a_member_is_kept_out_of_a_case(world: World, hands: Hands) -> None:
    join(world, "a.collega", Role.DEPUTY)
    world.new_case()
    open_first_case(hands)
    hands.unfold("Keep a member out")
    hands.write("Reason", "Staat dichtbij.", within=hands.region("Who opens this case"))
    hands.button("Keep out")
    expect(hands.page.locator("#access")).to_contain_text(hands.say("Restricted"))


def test_a_text_of_letters_is_changed(world: World, hands: Hands) -> None:
    hands.log_in()
    hands.link("Settings")
    hands.link("Texts of letters")
    purpose, language = hands.say("Say where it stands"), hands.say("Dutch")
    hands.follow(f"{hands.say('Change it')} : {purpose}, {language}")
    hands.write("Text", "Goedendag,\n\nWij zijn ermee bezig.")
    hands.button("Look at it")
    hands.sees("How a letter would begin")
    hands.button("Keep this text")
    hands.sees("now in use")


def test_who_sets_up_an_app_for_codes_gives_the_passphrase_once_more(world: World, hands: Hands) -> None:
    hands.log_in()
    hands.follow("j.coordinator")
    hands.link("Set up an app for codes")
    hands.at("Your passphrase once more")
    hands.write("Passphrase", PASSPHRASE)
    hands.enter()
    hands.at("An app for codes")
