import stat
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cases.sharing import Scheme
from config.secrets import Secrets
from config.settings import Settings, load
from meldpost.cli import main
from meldpost.init import FirstMember, InitError, Made, Plan, add_desk, initialise
from meldpost.startup import keys_are_the_pinned_ones, secrets_are_private
from store.database import open_database
from store.keypairs import PrivateKey
from store.keyring import desk_keys, pins_of
from store.members import unlock
from store.shares import join
from tests.meldpost.pages import share_on
from tests.meldpost.plans import DESK, MAILBOX, PASSPHRASE


def test_the_first_member_opens_the_desk_with_their_passphrase(plan: Plan, made: Made) -> None:
    settings = load(made.config)
    secret = settings.secrets().key("passphrase-secret-desk-a")
    database = open_database(settings.database.url)
    with database.read() as session:
        pins = pins_of(settings.desks["desk-a"])
        ring = unlock(session, "desk-a", "co", PASSPHRASE, secret, pins=pins)
        assert desk_keys(session, "desk-a", pins).to_desk.id in ring.privates
        newest = ring.chain(session).newest
        assert newest is not None
        assert newest.signing == pins.signing
    database.close()


def test_every_secret_is_a_file_that_only_its_owner_reads(plan: Plan, made: Made) -> None:
    assert stat.S_IMODE(made.secrets_dir.stat().st_mode) == 0o700
    files = [*made.secrets_dir.iterdir(), made.config, *made.recovery_pages, plan.folder / "meldpost.db"]
    assert len(files) >= 11
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_no_secret_stands_in_the_configuration(plan: Plan, made: Made) -> None:
    text = made.config.read_text(encoding="utf-8")
    secrets = Secrets(made.secrets_dir, {})
    for file in made.secrets_dir.iterdir():
        assert secrets.get(file.name).decode() not in text
    assert PASSPHRASE not in text


def test_a_second_init_changes_nothing(plan: Plan, made: Made) -> None:
    files = [*plan.folder.glob("*.t*"), *made.secrets_dir.iterdir()]
    before = {file: file.read_bytes() for file in files}
    with pytest.raises(InitError, match="finished set-up already"):
        initialise(plan)
    assert before == {file: file.read_bytes() for file in before}


def test_after_an_init_that_broke_off_the_next_says_what_to_remove(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(path: Path) -> Settings:
        if path == plan.config:  # written, but the desk is not committed yet
            raise KeyboardInterrupt
        return load(path)

    with monkeypatch.context() as patched:
        patched.setattr("meldpost.init.load", break_off)
        with pytest.raises(KeyboardInterrupt):
            initialise(plan)
    with pytest.raises(InitError, match="init that broke off") as refused:
        initialise(plan)
    left = [plan.config, *plan.recovery_pages, *plan.secrets_dir.iterdir()]
    assert all(str(file) in str(refused.value) for file in left)
    for file in left:
        file.unlink()
    assert initialise(plan).config.exists()


def test_any_two_of_the_three_recovery_pages_give_the_recovery_key_back(made: Made) -> None:
    pinned = pins_of(load(made.config).desks["desk-a"]).recovery
    shares = [share_on(page) for page in made.recovery_pages]
    assert [(share.number, share.needed) for share in shares] == [(1, 2), (2, 2), (3, 2)]
    for pair in combinations(shares, 2):
        assert PrivateKey.from_seed(join(pair)).public == pinned


def test_other_numbers_of_recovery_pages_can_be_had(plan: Plan) -> None:
    made = initialise(replace(plan, shares=Scheme(3, 5)))
    assert [share_on(page).needed for page in made.recovery_pages] == [3] * 5


def test_init_says_that_without_the_pages_the_content_is_gone(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["init", *_options(tmp_path, passphrase="phrase"), "--shares", "4"])
    assert result.exit_code == 0, result.output
    assert "any 2 of these 4 pages together open every case" in result.output
    assert "the content is gone for good" in result.output
    assert 'retention_choice = "two_months"' in result.output
    assert len(list((tmp_path / "new").glob("recovery-*.html"))) == 4
    said = result.output.split()
    for page in (tmp_path / "new").glob("recovery-*.html"):  # single words of a share are English words of all days
        assert not set(pairwise(share_on(page).words)) & set(pairwise(said))


def test_numbers_of_pages_that_make_no_sense_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["init", "--needed", "1", "-c", str(tmp_path / "new" / "meldpost.toml")])
    assert result.exit_code == 2
    assert "2<=x<=16" in result.output


def test_a_weak_passphrase_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "weak").write_text("welkom01\n", encoding="utf-8")
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["init", *_options(tmp_path, passphrase="weak")])
    assert result.exit_code == 1
    assert "too easy to guess" in result.output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"desk": "Onze desk"}, "no short name"),
        ({"member": FirstMember("", "co@demo.example", PASSPHRASE)}, "log-in name"),
        ({"member": FirstMember("co", "no address", PASSPHRASE)}, "first member's address"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_made(plan: Plan, change: dict[str, Any], said: str) -> None:
    settings = {**plan.settings, "desks": {change.get("desk", plan.desk): plan.settings["desks"][plan.desk]}}
    with pytest.raises(InitError, match=said):
        initialise(replace(plan, **change, settings=settings))
    assert list(plan.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("section", "value", "said"),
    [
        ("address", "not an address", "desks.desk-a.address"),
        ("organisation", "two\nlines", "organisation must be one line"),
        ("name", " ", "name must be one line"),
    ],
)
def test_a_setting_of_the_desk_that_cannot_be_used_is_named(plan: Plan, section: str, value: str, said: str) -> None:
    desk = {**plan.settings["desks"]["desk-a"], section: value}
    with pytest.raises(InitError, match=said) as refused:
        initialise(replace(plan, settings={**plan.settings, "desks": {"desk-a": desk}}))
    assert "TOML" not in str(refused.value)
    assert list(plan.folder.iterdir()) == []


def test_a_port_that_is_none_is_refused(plan: Plan) -> None:
    box = {**plan.settings["mailboxes"]["box"], "port": 99999}
    with pytest.raises(InitError, match=r"mailboxes\.box\.port"):
        initialise(replace(plan, settings={**plan.settings, "mailboxes": {"box": box}}))


def test_a_short_name_that_is_none_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    (tmp_path / "good").write_text(PASSPHRASE + "\n", encoding="utf-8")
    options = _options(tmp_path, passphrase="good")
    position = options.index("--desk")
    del options[position : position + 2]
    result = CliRunner().invoke(main, ["init", *options], input="Onze Desk\nonze-desk\n")
    assert result.exit_code == 0, result.output
    assert "onze-desk" in load(tmp_path / "new" / "meldpost.toml").desks


def test_all_that_init_asks_can_be_given_as_options(tmp_path: Path) -> None:
    (tmp_path / "good").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["init", *_options(tmp_path, passphrase="good")])
    assert result.exit_code == 0, result.output
    settings = load(tmp_path / "new" / "meldpost.toml")
    assert settings.mailboxes["integriteit"].host == "mail.demo.example"
    assert settings.desks["integriteit"].name_in == {"en": "Integrity desk"}
    assert settings.desks["integriteit"].organisation_in == {"en": "the organisation"}
    assert settings.secrets().text("mailbox-password-integriteit") == "geheim"
    assert PASSPHRASE not in result.output


@pytest.mark.parametrize("option", ["--imap-port", "--name", "--organisation-in-english"])
def test_where_nobody_can_answer_an_option_has_its_default(tmp_path: Path, option: str) -> None:
    (tmp_path / "good").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["init", *_without(option, _options(tmp_path, passphrase="good"))])
    assert result.exit_code == 0, result.output
    load(tmp_path / "new" / "meldpost.toml")


@pytest.mark.parametrize("option", ["--address", "--imap-host", "--login"])
def test_where_nobody_can_answer_the_option_that_has_no_default_is_named(tmp_path: Path, option: str) -> None:
    (tmp_path / "good").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["init", *_without(option, _options(tmp_path, passphrase="good"))])
    assert result.exit_code == 2
    assert f"Nobody is here to answer. Give {option}: " in result.output
    assert not (tmp_path / "new").exists()


def _without(option: str, options: list[str]) -> list[str]:
    if option not in options:
        return options
    at = options.index(option)
    return [*options[:at], *options[at + 2 :]]


def test_init_with_prompts_offers_seven_words_and_shows_them_once(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["init", *_options(tmp_path, passphrase=None)], input="\n")
    assert result.exit_code == 0, result.output
    indented = (line.strip() for line in result.output.splitlines() if line.startswith("  "))
    offered = next(line for line in indented if len(line.split()) == 7)
    assert f"Give co this passphrase, and keep it nowhere else: {offered}" in result.output


@pytest.mark.parametrize("option", ["--address", "--member-address"])
def test_init_makes_nothing_for_an_address_that_no_mail_can_go_to(tmp_path: Path, option: str) -> None:
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    (tmp_path / "phrase").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    options = _options(tmp_path, passphrase="phrase")
    options[options.index(option) + 1] = "Jan <jan@demo.example>"
    result = CliRunner().invoke(main, ["init", *options])
    assert result.exit_code == 2
    assert f"'{option}': This is not one plain e-mail address, like name@example.org." in result.output
    assert not (tmp_path / "new").exists()


def test_init_asks_again_for_an_address_that_was_mistyped(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    (tmp_path / "phrase").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    options = _options(tmp_path, passphrase="phrase")
    at = options.index("--member-address")
    answers = "Jan <jan@demo.example>\n jan@demo.example \n"
    result = CliRunner().invoke(main, ["init", *options[:at], *options[at + 2 :]], input=answers)
    assert result.exit_code == 0, result.output
    assert "This is not one plain e-mail address" in result.output


def test_a_further_desk_has_its_own_keys_and_mailbox_and_the_first_stays_as_it_was(plan: Plan, made: Made) -> None:
    before, secrets_before = load(made.config), {file: file.read_bytes() for file in made.secrets_dir.iterdir()}
    added = add_desk(_second(plan))
    settings = load(made.config)
    assert settings.desks["desk-a"] == before.desks["desk-a"]
    assert settings.mailboxes["box"] == before.mailboxes["box"]
    assert {file: file.read_bytes() for file in secrets_before} == secrets_before
    assert settings.desks["desk-b"].public_key != settings.desks["desk-a"].public_key
    assert settings.mailboxes["second"].desk == "desk-b"
    assert stat.S_IMODE(made.config.stat().st_mode) == 0o600
    assert all(page.exists() for page in added.recovery_pages)
    assert keys_are_the_pinned_ones(settings) == "as pinned in the configuration"
    database = open_database(settings.database.url)
    with database.read() as session:
        secret = settings.secrets().key("passphrase-secret-desk-b")
        pins = pins_of(settings.desks["desk-b"])
        ring = unlock(session, "desk-b", "bo", PASSPHRASE, secret, pins=pins)
        assert desk_keys(session, "desk-b", pins).to_desk.id in ring.privates
        newest = ring.chain(session).newest
        assert newest is not None
        assert newest.signing == pins.signing
    database.close()


def test_a_further_desk_that_makes_no_sense_changes_nothing(plan: Plan, made: Made) -> None:
    before = {file: file.read_bytes() for file in (made.config, *made.secrets_dir.iterdir())}
    for wrong, words in (
        (replace(_second(plan), desk="desk-a"), "already"),
        (replace(_second(plan), passwords=plan.passwords), "never overwrites"),
    ):
        with pytest.raises(InitError, match=words):
            add_desk(wrong)
    with pytest.raises(InitError, match="names the desk"):
        add_desk(
            replace(_second(plan), settings={**_second(plan).settings, "mailboxes": {"x": {**MAILBOX, "desk": "c"}}})
        )
    assert {file: file.read_bytes() for file in before} == before
    assert set(before) == {made.config, *made.secrets_dir.iterdir()}


def test_init_add_asks_nothing_of_what_the_installation_has(tmp_path: Path) -> None:
    (tmp_path / "good").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    options = _options(tmp_path, passphrase="good")
    assert CliRunner().invoke(main, ["init", *options]).exit_code == 0
    for name, value in (("--desk", "steunpunt"), ("--address", "steun@demo.example"), ("--imap-user", "steun")):
        options[options.index(name) + 1] = value
    for name in ("--smtp-host", "--smtp-port", "--smtp-security", "--smtp-user"):
        at = options.index(name)
        del options[at : at + 2]
    result = CliRunner().invoke(main, ["init", "--add", *options], input="")
    assert result.exit_code == 0, result.output
    settings = load(tmp_path / "new" / "meldpost.toml")
    assert set(settings.desks) == set(settings.mailboxes) == {"integriteit", "steunpunt"}
    assert settings.smtp.host == "mail.demo.example"


def test_init_add_asks_again_at_once_for_a_name_that_a_desk_has_and_offers_none(tmp_path: Path) -> None:
    (tmp_path / "good").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    options = _options(tmp_path, passphrase="good")
    assert CliRunner().invoke(main, ["init", *options]).exit_code == 0
    for name, value in (("--address", "steun@demo.example"), ("--imap-user", "steun")):
        options[options.index(name) + 1] = value
    del options[options.index("--desk") : options.index("--desk") + 2]
    result = CliRunner().invoke(main, ["init", "--add", *options], input="\nintegriteit\nsteunpunt\n")
    assert result.exit_code == 0, result.output
    assert "[integriteit]" not in result.output
    assert "a desk of that name is there already" in result.output
    assert set(load(tmp_path / "new" / "meldpost.toml").desks) == {"integriteit", "steunpunt"}
    given = CliRunner().invoke(main, ["init", "--desk", "steunpunt", *options, "--add"])
    assert (given.exit_code, "a desk of that name is there already" in given.output) == (2, True)


def test_init_names_every_file_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = _options(tmp_path, passphrase="good")
    options[options.index("--config") + 1] = "meldpost.toml"
    result = CliRunner().invoke(main, ["init", *options])
    assert result.exit_code == 0, result.output
    assert result.output.count("meldpost.toml") == result.output.count(f"{tmp_path}/meldpost.toml") == 4


@pytest.mark.parametrize(
    ("kind", "answers", "listens"),
    [("lmtp", "\n", "127.0.0.1:2424"), ("maildir", "/var/mail/d\n", ""), ("pipe", "", "")],
)
def test_a_desk_without_an_imap_mailbox_is_not_asked_for_one(
    tmp_path: Path, kind: str, answers: str, listens: str
) -> None:
    (tmp_path / "good").write_text(PASSPHRASE + "\n", encoding="utf-8")
    options = _options(tmp_path, passphrase="good")
    for name in ("--imap-host", "--imap-port", "--imap-security", "--imap-user", "--imap-password-file"):
        at = options.index(name)
        del options[at : at + 2]
    result = CliRunner().invoke(main, ["init", "--mailbox", kind, *options], input=answers)
    assert result.exit_code == 0, result.output
    settings = load(tmp_path / "new" / "meldpost.toml")
    assert settings.mailboxes["integriteit"].kind == kind
    assert settings.lmtp.listen == listens
    assert [path.name for path in settings.secrets_dir.glob("mailbox-password-*")] == []
    assert secrets_are_private(settings)


def _second(plan: Plan) -> Plan:
    settings = {
        "desks": {"desk-b": {**DESK, "address": "b@demo.example"}},
        "mailboxes": {"second": {**MAILBOX, "desk": "desk-b", "user": "b@demo.example"}},
    }
    member = FirstMember("bo", "bo@demo.example", PASSPHRASE)
    return Plan(plan.config, "desk-b", settings, member, {"mailbox-password-second": "geheim"})


def _options(folder: Path, *, passphrase: str | None) -> list[str]:
    given = {
        "--config": folder / "new" / "meldpost.toml",
        "--desk": "integriteit",
        "--organisation": "Org",
        "--name": "Desk",
        "--name-in-english": "Integrity desk",
        "--organisation-in-english": "the organisation",
        "--address": "desk@demo.example",
        "--about-coordinator": "sg@demo.example",
        "--support-point": "steun@demo.example",
        "--complaints": "klacht@demo.example",
        "--imap-host": "mail.demo.example",
        "--imap-port": 993,
        "--imap-security": "tls",
        "--imap-user": "desk",
        "--imap-password-file": folder / "pw",
        "--smtp-host": "mail.demo.example",
        "--smtp-port": 587,
        "--smtp-security": "starttls",
        "--smtp-user": "",
        "--login": "co",
        "--member-address": "co@demo.example",
    }
    if passphrase is not None:
        given["--passphrase-file"] = folder / passphrase
    return [str(word) for pair in given.items() for word in pair]


def _at_microsoft(folder: Path, *more: str) -> list[str]:
    """Options for a mailbox and a sender at Microsoft 365."""
    (folder / "phrase").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    options = _options(folder, passphrase="phrase")
    changed = {
        "--imap-host": "outlook.office365.com",
        "--smtp-host": "smtp.office365.com",
        "--smtp-user": "d@d.example",
    }
    for option, value in changed.items():
        options[options.index(option) + 1] = value
    return [*options, "--tenant", "the-tenant", "--client-id", "the-client", *more]


def test_a_desk_at_microsoft_365_gets_a_log_in_by_token(tmp_path: Path) -> None:
    """mail-cases 34"""
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    (tmp_path / "client").write_text("the-client-secret\n", encoding="utf-8")
    options = _at_microsoft(tmp_path, "--client-secret-file", str(tmp_path / "client"))
    result = CliRunner().invoke(main, ["init", *options])
    assert result.exit_code == 0, result.output
    settings = load(tmp_path / "new" / "meldpost.toml")
    for oauth in (settings.mailboxes["integriteit"].oauth, settings.smtp.oauth):
        assert (oauth.provider, oauth.flow, oauth.tenant) == ("microsoft", "client_credentials", "the-tenant")
    for account in ("integriteit", "smtp"):
        assert settings.secrets().text(f"oauth-secret-{account}") == "the-client-secret"
    assert not settings.secrets().has("mailbox-password-integriteit")
    assert "the-client-secret" not in result.output
    assert "authorise" not in result.output


def test_a_desk_at_microsoft_365_without_a_client_secret_is_told_who_signs_in(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("geheim\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["init", *_at_microsoft(tmp_path, "--sign-in")])
    assert result.exit_code == 0, result.output
    config = tmp_path / "new" / "meldpost.toml"
    assert load(config).smtp.oauth.flow == "device_code"
    for account in ("integriteit", "smtp"):
        assert f"meldpost authorise {account} --config {config}" in result.output
