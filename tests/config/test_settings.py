"""Settings: one file, the environment over it, and clear words where something is wrong."""

import base64
import os
from pathlib import Path

import pytest

from config.errors import ConfigError, SecretExposed, SecretMissing
from config.secrets import Secrets, replace_secret, write_key, write_secret
from config.settings import MailboxSettings, MaildirSettings, Settings, load

GOOD = """
[desks.integriteit]
name = "Integriteitscoördinator"
organisation = "Ministerie van Voorbeelden"
address = "integriteit@meldpost.example"
public_key = "QUJD"
recovery_key = "QUJD"
mailer_key = "QUJD"

[desks.integriteit.texts]
about_coordinator = "de secretaris-generaal"
support_point = "het extern steunpunt"
complaints = "de klachtenprocedure"

[mailboxes.main]
desk = "integriteit"
host = "imap.meldpost.example"
user = "integriteit"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "meldpost.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.mark.parametrize("pin", ["public_key", "recovery_key", "mailer_key"])
def test_a_configuration_without_a_pinned_key_is_refused(file: Path, pin: str) -> None:
    file.write_text(GOOD.replace(f'\n{pin} = "QUJD"', ""), encoding="utf-8")
    with pytest.raises(ConfigError, match=pin):
        load(file)


def test_defaults_are_the_safe_ones(file: Path) -> None:
    settings = load(file)
    assert settings.isolation == "required"
    assert settings.mailboxes["main"].security == "tls"
    assert settings.smtp.security == "starttls"


def test_model_and_pipeline_are_found_from_where_the_configuration_is(file: Path) -> None:
    assert (load(file).triage.model, load(file).triage.pipeline) == (None, "")
    for given, meant in (("./vectors", str(file.parent / "vectors")), ("nl_core_news_lg", "nl_core_news_lg")):
        file.write_text(f'{GOOD}\n[triage]\nmodel = "own"\npipeline = "{given}"\n', encoding="utf-8")
        assert (load(file).triage.model, load(file).triage.pipeline) == (file.parent / "own", meant)


def test_what_meldpost_says_it_knows_is_set_between_never_and_always(file: Path) -> None:
    assert load(file).triage.know_threshold == 0.5
    for given in (0, 1):
        file.write_text(f"{GOOD}\n[triage]\nknow_threshold = {given}\n", encoding="utf-8")
        assert load(file).triage.know_threshold == given
    file.write_text(f"{GOOD}\n[triage]\nknow_threshold = 50\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="know_threshold"):
        load(file)


def test_relative_paths_are_relative_to_the_file(file: Path) -> None:
    settings = load(file)
    assert settings.secrets_dir == file.parent / "secrets"
    assert settings.database.url == f"sqlite:///{file.parent}/meldpost.db"


def test_the_environment_overrides_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELDPOST_SMTP__HOST", "smtp.meldpost.example")
    monkeypatch.setenv("MELDPOST_MAILBOXES__MAIN__HOST", "other.meldpost.example")
    settings = load(file)
    assert settings.smtp.host == "smtp.meldpost.example"
    assert settings.mailboxes["main"].host == "other.meldpost.example"
    assert settings.mailboxes["main"].user == "integriteit"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('desk = "integriteit"', 'desk = "steunpunt"', "not among"),
        ('host = "imap', 'hots = "imap', "misspelt"),
        ('address = "integriteit@meldpost.example"', 'address = "Jan <x@y>"', "plain e-mail address"),
        ('public_key = "QUJD"', 'public_key = "***"', "not base64"),
        ("[desks.integriteit]\n", '[desks.integriteit]\ntimezone = "Europe/Nowhere"\n', "IANA"),
        ("[desks.integriteit]\n", '[desks.integriteit]\npartner_domains = ["a b"]\n', "partner_domains"),
        ("[mailboxes.main]", "[mailboxes.main", "not TOML"),
        ("[mailboxes.main]", "[smtp]\nlease_seconds = 20\n[mailboxes.main]", "lease_seconds must be greater"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_what_to_do(file: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        load(file)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="meldpost init"):
        load(tmp_path / "none.toml")


def test_an_error_never_shows_the_value_that_was_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELDPOST_SMTP__PORT", "hunter2")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert "hunter2" not in str(caught.value)


def test_a_secret_comes_from_the_environment_then_credentials_then_the_folder(tmp_path: Path) -> None:
    folder, credentials = tmp_path / "secrets", tmp_path / "credentials"
    write_secret(folder, "smtp-password", b"folder")
    assert Secrets(folder, {}).text("smtp-password") == "folder"
    write_secret(credentials, "smtp-password", b"credential")
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    assert Secrets(folder, environ).text("smtp-password") == "credential"
    environ["MELDPOST_SECRET_SMTP_PASSWORD"] = "environment"
    assert Secrets(folder, environ).text("smtp-password") == "environment"


def test_a_missing_secret_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match="mode 0600"):
        Secrets(tmp_path, {}).get("smtp-password")


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_secret(tmp_path, "smtp-password", b"x").chmod(0o640)
    with pytest.raises(SecretExposed, match="chmod 600"):
        Secrets(tmp_path, {}).get("smtp-password")


def test_a_key_is_read_as_it_was_written_and_nothing_else_passes_for_one(tmp_path: Path) -> None:
    write_key(tmp_path, "index-key-integriteit", bytes(range(32)))
    assert Secrets(tmp_path, {}).key("index-key-integriteit") == bytes(range(32))
    short = {"MELDPOST_SECRET_INDEX_KEY_INTEGRITEIT": base64.b64encode(b"short").decode()}
    with pytest.raises(ConfigError, match="32 bytes"):
        Secrets(tmp_path, short).key("index-key-integriteit")


def test_a_secret_is_never_written_over(tmp_path: Path) -> None:
    write_secret(tmp_path, "smtp-password", b"first")
    with pytest.raises(FileExistsError):
        write_secret(tmp_path, "smtp-password", b"second")


_IMAP = '[mailboxes.main]\ndesk = "integriteit"\nhost = "imap.meldpost.example"\nuser = "integriteit"\n'
_LMTP = '[mailboxes.main]\nkind = "lmtp"\ndesk = "integriteit"\n'
_LISTEN = '[lmtp]\nlisten = "{}"\n'


def _load_with(file: Path, mailbox: str) -> Settings:
    assert _IMAP in GOOD
    file.write_text(GOOD.replace(_IMAP, mailbox), encoding="utf-8")
    return load(file)


def test_a_mailbox_without_a_kind_is_one_of_imap(file: Path) -> None:
    assert isinstance(load(file).mailboxes["main"], MailboxSettings)


def test_a_maildir_is_relative_to_the_file(file: Path) -> None:
    settings = _load_with(file, '[mailboxes.main]\nkind = "maildir"\ndesk = "integriteit"\npath = "mail"\n')
    (box,) = settings.mailboxes_of(MaildirSettings).values()
    assert box.path == file.parent / "mail"
    assert box.folders == ("",)


def test_an_lmtp_mailbox_takes_in_every_address_of_its_desk_whatever_its_tag(file: Path) -> None:
    settings = _load_with(file, _LMTP + _LISTEN.format("127.0.0.1:24"))
    assert settings.lmtp_recipients("main") == {"integriteit@meldpost.example"}
    named = _load_with(file, _LMTP + 'recipients = ["Melding+x@Bücher.example"]\n' + _LISTEN.format("/run/lmtp"))
    assert named.lmtp_recipients("main") == {"melding@xn--bcher-kva.example"}
    assert "melding+x@bücher.example" in named.own_addresses()


@pytest.mark.parametrize(
    ("mailbox", "words"),
    [
        ('[mailboxes.main]\nkind = "pop3"\ndesk = "integriteit"\n', r'mailboxes\.main: kind must be "imap"'),
        ('[mailboxes.main]\nkind = "maildir"\ndesk = "integriteit"\n', r"mailboxes\.main\.path: Field required"),
        (
            '[mailboxes.main]\nkind = "maildir"\ndesk = "integriteit"\npath = "m"\nfolders = [".Junk"]\n',
            'is "Junk"',
        ),
        (
            '[mailboxes.main]\nkind = "maildir"\ndesk = "integriteit"\npath = "m"\nfolders = ["Verwerkt"]\n',
            "name another folder",
        ),
        (_LMTP, "does not say where to listen"),
        (_LMTP + _LISTEN.format("0.0.0.0:24"), "not encrypted"),
        (_LMTP + _LISTEN.format("mail.example:24"), "not encrypted"),
        (_LMTP + _LISTEN.format("127.0.0.1"), "host:port"),
        (_LMTP + _LISTEN.format("lmtp.sock"), "host:port"),
        (_LMTP + _LMTP.replace("main", "second") + _LISTEN.format("127.0.0.1:24"), "the same address"),
        (_LMTP + 'host = "x"\n' + _LISTEN.format("127.0.0.1:24"), "misspelt"),
    ],
)
def test_a_mailbox_that_makes_no_sense_is_refused_with_what_to_do(file: Path, mailbox: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        _load_with(file, mailbox)


def test_another_hosts_address_is_listened_on_only_where_the_setting_says_so(file: Path) -> None:
    settings = _load_with(file, _LMTP + _LISTEN.format("[::]:24") + "other_hosts = true\n")
    assert settings.lmtp.host_and_port == ("::", 24)


TOKEN = 'oauth = {{ provider = "microsoft", flow = "client_credentials", tenant = "t", client_id = "c"{} }}'


def _mailbox(host: str, *lines: str) -> str:
    return GOOD.replace("imap.meldpost.example", host) + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "host",
    [
        "outlook.office365.com", "OUTLOOK.OFFICE365.COM.", "imap-mail.outlook.com", "outlook.office365.us",
        "partner.outlook.cn", "imap.hotmail.com", "pop.live.com", "outlook.com",
    ],
)  # fmt: skip
def test_a_password_log_in_at_microsoft_is_refused_and_told_why(file: Path, host: str) -> None:
    """mail-cases 34"""
    file.write_text(_mailbox(host), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mailboxes\.main: .*basic authentication is switched off in all tenants"):
        load(file)
    file.write_text(_mailbox(host, TOKEN.format("")), encoding="utf-8")
    load(file)


@pytest.mark.parametrize("host", ["imap.meldpost.example", "notoutlook.com", "outlook.com.example"])
def test_other_hosts_are_not_taken_for_microsofts(file: Path, host: str) -> None:
    file.write_text(_mailbox(host), encoding="utf-8")
    load(file)


def test_a_password_log_in_at_microsofts_smtp_is_refused_but_a_relay_without_log_in_is_not(file: Path) -> None:
    """mail-cases 34"""
    smtp = '\n[smtp]\nhost = "smtp.office365.com"\n'
    file.write_text(GOOD + smtp + 'user = "integriteit"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"smtp: .*basic authentication is switched off"):
        load(file)
    file.write_text(GOOD + smtp.replace("smtp.office365.com", "t.mail.protection.outlook.com"), encoding="utf-8")
    load(file)


@pytest.mark.parametrize(
    ("oauth", "words"),
    [
        ('{ provider = "google", flow = "device_code", client_id = "c" }', "goes with flow"),
        ('{ provider = "generic", flow = "service_account", client_id = "c" }', "goes with flow"),
        ('{ provider = "microsoft", flow = "device_code", tenant = "t" }', "client_id"),
        ('{ provider = "microsoft", flow = "device_code", client_id = "c" }', "tenant"),
        ('{ provider = "generic", flow = "device_code", client_id = "c" }', "authority"),
        ('{ provider = "microsoft", flow = "device_code", client_id = "c", authority = "http://l/t" }', "https://"),
        ('{ provider = "microsoft", flow = "device_code", client_id = "c", tennant = "t" }', "misspelt"),
    ],
)
def test_a_table_of_oauth_that_cannot_work_is_refused(file: Path, oauth: str, words: str) -> None:
    file.write_text(_mailbox("imap.example.com", f"oauth = {oauth}"), encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        load(file)


def test_a_token_never_goes_over_the_line_in_clear(file: Path) -> None:
    file.write_text(_mailbox("imap.example.com", TOKEN.format(""), 'security = "plain"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="in clear"):
        load(file)


def test_files_of_oauth_are_relative_to_the_configuration_too(file: Path) -> None:
    token = TOKEN.format(", ca_file = 'ca.pem'")
    file.write_text(_mailbox("h.example", token, '[smtp]\nuser = "u"', token), encoding="utf-8")
    settings = load(file)
    for oauth in (settings.mailboxes["main"].oauth, settings.smtp.oauth):
        assert oauth is not None
        assert oauth.ca_file == file.parent / "ca.pem"


def test_a_mailbox_does_not_share_its_secrets_with_the_sender(file: Path) -> None:
    smtp = f'[smtp]\nuser = "u"\n{TOKEN.format("")}'
    file.write_text(_mailbox("h.example", smtp).replace("[mailboxes.main]", "[mailboxes.smtp]"), encoding="utf-8")
    with pytest.raises(ConfigError, match="another name"):
        load(file)


def test_a_secret_is_replaced_whole_and_stays_private(tmp_path: Path) -> None:
    for value in (b"first", b"second"):
        replace_secret(tmp_path / "secrets", "oauth-cache-main", value)
        assert (tmp_path / "secrets" / "oauth-cache-main").read_bytes() == value
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["oauth-cache-main"]
    assert (tmp_path / "secrets" / "oauth-cache-main").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_owner_of_the_secrets(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    replace_secret(tmp_path, "oauth-cache-main", b"x")
    assert (tmp_path / "oauth-cache-main").stat().st_uid == 65534


_DESK = GOOD.partition("[mailboxes.main]")[0]
_SECOND = _DESK.replace("integriteit", "steunpunt")
_BOX = '[mailboxes.{}]\nkind = "maildir"\ndesk = "integriteit"\npath = "{}"\n'


def _imap(account: str, **more: str) -> str:
    lines = {"desk": '"integriteit"', "host": '"imap.meldpost.example"', "user": '"integriteit"', **more}
    return f"[mailboxes.{account}]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(_DESK + _imap("main", done_folder='"INBOX"'), "name another folder", id="done is INBOX"),
        pytest.param(_DESK + _imap("main", done_folder='"inbox"'), "name another folder", id="done is inbox"),
        pytest.param(_DESK + _imap("main", done_folder='""'), "done_folder", id="done is nothing"),
        pytest.param(
            _DESK + _imap("main", folders='["INBOX", "Verwerkt"]'), "name another folder", id="done is taken from"
        ),
        pytest.param(_DESK + _imap("main", folders='["INBOX", "Inbox"]'), "twice", id="INBOX twice"),
        pytest.param(
            _DESK + _imap("main") + _imap("other", host='"IMAP.meldpost.example."'), "both take mail", id="same account"
        ),
        pytest.param(
            _DESK + _imap("main") + _imap("other", port="143", folders='["Junk", "inbox"]'),
            "both take mail",
            id="same folder over another port of the server",
        ),
        pytest.param(
            _DESK + _imap("main") + _imap("other", folders='["Verwerkt"]', done_folder='"Klaar"'),
            "done_folder of",
            id="takes in what the other has done",
        ),
        pytest.param(_DESK + _BOX.format("main", "m") + _BOX.format("other", "x/../m"), "both take mail", id="Maildir"),
        pytest.param(
            _DESK + _BOX.format("main", "m") + 'folders = ["Junk"]\n' + _BOX.format("other", "m/.Junk"),
            "both take mail",
            id="Maildir in a Maildir",
        ),
        pytest.param(
            _DESK + _BOX.format("main", "m") + _BOX.format("other", "m/.Verwerkt"), "done_folder of", id="done Maildir"
        ),
        pytest.param(_DESK + _BOX.format("main", "m") + 'folders = ["", ""]\n', "twice", id="Maildir folder twice"),
        pytest.param(_DESK + _BOX.format("main", "m") + 'folders = ["", "INBOX"]\n', 'inbox is ""', id="Maildir inbox"),
        pytest.param(
            _DESK + _SECOND.replace('"steunpunt@', '"Integriteit@') + _imap("main"),
            "have the address",
            id="desks of one address",
        ),
        pytest.param(
            _DESK
            + _SECOND.replace(
                "[desks.steunpunt]", '[desks.steunpunt]\nown_addresses = ["integriteit@meldpost.example"]'
            )
            + _imap("main"),
            "have the address",
            id="a desk's address is another desk's own",
        ),
        pytest.param(
            _DESK + _SECOND + _LMTP + 'recipients = ["steunpunt@meldpost.example"]\n' + _LISTEN.format("/run/lmtp"),
            "address of the desk 'steunpunt'",
            id="LMTP for another desk",
        ),
        pytest.param(_DESK + _imap("main") + _LISTEN.format("/run/lmtp"), "no mailbox has kind", id="LMTP for nobody"),
        pytest.param(
            GOOD.replace("[desks.integriteit]", "[desks.integriteit]\njoin_by_references = true"),
            "trusted_authserv_id",
            id="join without DMARC",
        ),
        pytest.param(
            GOOD.replace("[desks.integriteit]", '[desks.integriteit]\npartner_domains = ["police.example"]'),
            "trusted_authserv_id",
            id="partners without DMARC",
        ),
        pytest.param(
            GOOD.replace(
                "[desks.integriteit]",
                '[desks.integriteit]\nnull_return_path = true\nbounce_address = "bounces@meldpost.example"',
            ),
            "null_return_path",
            id="bounces that never come",
        ),
        pytest.param(GOOD + '[translation]\ncommand = ["t", "{language}"]\n', "only {from} and {to}", id="odd place"),
        pytest.param(GOOD + '[translation]\ncommand = ["./t"]\n', "whole path", id="program beside it"),
        pytest.param(GOOD + '[translation]\ncommand = [""]\n', "at least 1", id="no program"),
        pytest.param(GOOD + '[clamd]\nsocket = "/run/clamd"\nhost = "localhost"\n', "socket or host", id="two clamds"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_with_what_to_do(file: Path, content: str, words: str) -> None:
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        load(file)


def test_a_maildir_is_the_same_whether_its_path_is_relative_or_leads_over_a_link(file: Path) -> None:
    (file.parent / "link").symlink_to(file.parent)
    for path in (file.parent / "m", file.parent / "link" / "m"):
        file.write_text(_DESK + _BOX.format("main", "m") + _BOX.format("other", path), encoding="utf-8")
        with pytest.raises(ConfigError, match="both take mail"):
            load(file)


@pytest.mark.parametrize(
    "content",
    [
        _DESK + _imap("main") + _imap("other", user='"steunpunt"'),
        _DESK + _imap("main") + _imap("other", port="1993"),  # another server behind the same name
        _DESK + _imap("main") + _imap("other", folders='["Junk"]'),
        _DESK + _imap("main", folders='["INBOX", "INBOX.Junk"]', done_folder='"INBOX.Verwerkt"'),
        _DESK + _BOX.format("main", "m") + _BOX.format("other", "n"),
        _DESK + _BOX.format("main", "m") + _BOX.format("other", "m") + 'folders = ["Junk"]\n',
        _DESK + _SECOND + _imap("main"),
    ],
)
def test_mailboxes_and_desks_that_have_nothing_in_common_are_fine(file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")
    load(file)


def web(file: Path, **given: str) -> Settings:
    lines = "\n".join(f'{name} = "{value}"' for name, value in given.items())
    file.write_text(f"{GOOD}\n[web]\n{lines}\n", encoding="utf-8")
    return load(file)


@pytest.mark.parametrize(
    ("address", "domain", "origin"),
    [
        ("https://desk.example", "desk.example", "https://desk.example"),
        ("https://Post.Desk.example/", "desk.example", "https://post.desk.example"),
        ("https://desk.example:443", "desk.example", "https://desk.example"),
        ("https://desk.example:8443", "desk.example", "https://desk.example:8443"),
        ("https://integriteitscoördinator.example", "xn--integriteitscordinator-7hc.example", None),
        ("http://localhost:8443", "localhost", "http://localhost:8443"),
        ("https://intranet", "intranet", "https://intranet"),
    ],
)
def test_passkeys_are_made_for_the_host_of_the_address_or_a_domain_above_it(
    file: Path, address: str, domain: str, origin: str | None
) -> None:
    settings = web(file, public_url=address, passkey_domain=domain)
    assert settings.web.passkey_origin == (origin or f"https://{domain}")


@pytest.mark.parametrize(
    ("address", "domain", "told"),
    [
        ("https://desk.example", "evil.example", "it must be 'desk.example'"),
        ("https://mydesk.example", "desk.example", "it must be 'mydesk.example'"),
        ("https://desk.example", "post.desk.example", "it must be 'desk.example'"),
        ("https://desk.example", "example", "it must be 'desk.example'"),
        ("https://desk.example", "DESK.example", "in lower case"),
        ("https://192.0.2.7", "192.0.2.7", "has none"),
        ("http://127.0.0.1:8443", "localhost", "has none"),
        ("https://[2001:db8::1]:8443", "desk.example", "has none"),
        ("http://desk.example", "desk.example", "begins with https://"),
        ("desk.example", "desk.example", "has none"),
    ],
)
def test_a_domain_for_passkeys_that_does_not_fit_the_address_is_refused(
    file: Path, address: str, domain: str, told: str
) -> None:
    with pytest.raises(ConfigError, match="passkey_domain") as refused:
        web(file, public_url=address, passkey_domain=domain)
    assert told in str(refused.value)


def test_passkeys_that_unlock_need_a_domain(file: Path) -> None:
    with pytest.raises(ConfigError, match="passkey_unlocks is on, but passkey_domain"):
        web(file, passkey_unlocks="true")
