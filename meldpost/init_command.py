"""The command `meldpost init`: asks what only a person knows, and tells them what was made and what to do next."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import click
from pydantic import AfterValidator

from config.settings import EmailAddress, Slug, load
from meldpost.click_types import Checked
from meldpost.hidden import ask_hidden
from meldpost.init_log_in import LogIns, ask_log_ins
from meldpost.passphrase_asked import ask_new_passphrase, first_line
from meldpost.shares_options import scheme_of, shares_options

SECURITY = click.Choice(["tls", "starttls", "plain"])


class _NewSlug(Checked):
    """The short name of a desk that is not there yet: better said at once than after all other questions."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        slug = super().convert(value, param, ctx)
        if ctx is not None and ctx.params.get("add") and slug in load(ctx.params["config"]).desks:
            self.fail("a desk of that name is there already; give the new one another", param, ctx)
        return slug


class _Question(click.Option):
    """Where nobody is there to answer, it takes its default, or says which option it is."""

    def prompt_for_value(self, ctx: click.Context) -> Any:
        try:
            return super().prompt_for_value(ctx)
        except click.Abort:
            if sys.stdin.isatty():
                raise
            default = self.get_default(ctx)
            if not isinstance(default, str | int):  # it has none
                raise click.UsageError(f"Nobody is here to answer. Give {self.opts[0]}: {self.help}", ctx) from None
            return self.type_cast_value(ctx, default)


class _NameOfTheFirst(_Question):
    """Has a default for the first desk only."""

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:
        return None if ctx.params.get("add") else super().get_default(ctx, call)


class _Asked(_Question):
    """An option that is asked for only where it means something; the others keep their defaults."""

    def asks(self, given: Mapping[str, Any]) -> bool:
        raise NotImplementedError

    def prompt_for_value(self, ctx: click.Context) -> Any:
        return super().prompt_for_value(ctx) if self.asks(ctx.params) else self.get_default(ctx)


class _OfTheInstallation(_Asked):
    """What a further desk finds there already."""

    def asks(self, given: Mapping[str, Any]) -> bool:
        return not given.get("add")


class _OfImap(_Asked):
    def asks(self, given: Mapping[str, Any]) -> bool:
        return given.get("mailbox") == "imap"


class _OfMaildir(_Asked):
    def asks(self, given: Mapping[str, Any]) -> bool:
        return given.get("mailbox") == "maildir"


class _OfLmtp(_Asked):
    def asks(self, given: Mapping[str, Any]) -> bool:
        return given.get("mailbox") == "lmtp" and not given.get("add")


def _one_line(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("write one line of text")
    return value


_SLUG = _NewSlug(Slug)
_ADDRESS = Checked(EmailAddress)
_LINE = Checked(Annotated[str, AfterValidator(_one_line)])
_PORT = click.IntRange(1, 65535)


def _file(help_text: str) -> Any:
    return {"type": click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True), "help": help_text}


class _Init(click.Command):
    """With --roles it is another command, that asks nothing (`meldpost.roles_command`)."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> click.Context:
        if "--roles" in args:
            from meldpost.roles_command import roles

            return roles.make_context(info_name, args, *more, **extra)
        return super().make_context(info_name, args, *more, **extra)


@click.command(cls=_Init)
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("meldpost.toml"),
    show_default=True,
    is_eager=True,
    help="The file to write; database, secrets and recovery pages go beside it.",
)
@click.option(
    "--add", is_flag=True, is_eager=True, help="Add a desk, with a mailbox, to the configuration that is there."
)
@click.option(
    "--desk",
    cls=_NameOfTheFirst,
    type=_SLUG,
    default="integriteit",
    show_default=True,
    prompt="Short name of the desk (a-z, 0-9, -)",
    help="Short name, for file names and settings.",
)
@click.option(
    "--organisation",
    cls=_Question,
    type=_LINE,
    prompt="Name of the organisation, as in a sentence (het ministerie van ...)",
    help="As reporters read it in a sentence, with its article.",
)
@click.option(
    "--name",
    cls=_Question,
    type=_LINE,
    prompt="Name of the desk",
    default="Integriteitscoördinator",
    show_default=True,
    help="As reporters read it.",
)
@click.option(
    "--name-in-english",
    cls=_Question,
    type=_LINE,
    prompt="Name of the desk in English receipts",
    default="Integrity Coordinator",
    show_default=True,
    help="As reporters who write no Dutch read it.",
)
@click.option(
    "--organisation-in-english",
    cls=_Question,
    type=_LINE,
    prompt="Name of the organisation in English receipts (the Ministry of ...)",
    default="our organisation",
    show_default=True,
    help="As reporters who write no Dutch read it in a sentence, with its article.",
)
@click.option(
    "--address",
    cls=_Question,
    type=_ADDRESS,
    prompt="E-mail address that reporters write to",
    help="Reporters write to it, and receipts come from it.",
)
@click.option(
    "--about-coordinator",
    cls=_Question,
    type=_LINE,
    prompt="Where to write when the report is about the coordinator (one line, for the receipt)",
    help="One line in every receipt: where to write when the report is about the coordinator.",
)
@click.option(
    "--support-point",
    cls=_Question,
    type=_LINE,
    prompt="Where to get confidential advice (one line)",
    help="One line in every receipt: where to get confidential advice.",
)
@click.option(
    "--complaints",
    cls=_Question,
    type=_LINE,
    prompt="Where other complaints go (one line)",
    help="One line in receipts: where other complaints about the organisation go.",
)
@click.option(
    "--mailbox",
    type=click.Choice(["imap", "maildir", "lmtp", "pipe"]),
    default="imap",
    show_default=True,
    is_eager=True,
    help="How the desk's mail comes in.",
)
@click.option(
    "--maildir", cls=_OfMaildir, type=_LINE, prompt="Path of the Maildir", help="With --mailbox maildir: its folder."
)
@click.option(
    "--lmtp-listen",
    cls=_OfLmtp,
    type=_LINE,
    default="127.0.0.1:2424",
    show_default=True,
    prompt="Where your mail server delivers (host:port, or the path of a socket)",
    help="With --mailbox lmtp: where your mail server delivers.",
)
@click.option("--imap-host", cls=_OfImap, type=_LINE, prompt="IMAP server", help="The server of the desk's mailbox.")
@click.option(
    "--imap-security",
    cls=_OfImap,
    type=SECURITY,
    default="tls",
    show_default=True,
    prompt="IMAP security",
    help="plain sends the password readable.",
)
@click.option(
    "--imap-port", cls=_OfImap, type=_PORT, default=993, show_default=True, prompt="IMAP port", help="143 for starttls."
)
@click.option(
    "--imap-user", cls=_OfImap, type=_LINE, prompt="IMAP user", help="The mailbox's user name, often its address."
)
@click.option("--imap-password-file", **_file("File that holds the mailbox's password, or -. Asked for when absent."))
@click.option(
    "--smtp-host", cls=_OfTheInstallation, type=_LINE, prompt="SMTP server", help="The server that takes our mail."
)
@click.option(
    "--smtp-security",
    cls=_OfTheInstallation,
    type=SECURITY,
    default="starttls",
    show_default=True,
    prompt="SMTP security",
    help="plain sends mail readable to the server.",
)
@click.option(
    "--smtp-port",
    cls=_OfTheInstallation,
    type=_PORT,
    default=587,
    show_default=True,
    prompt="SMTP port",
    help="465 for tls.",
)
@click.option(
    "--smtp-user", cls=_OfTheInstallation, prompt="SMTP user (empty: no log-in)", default="", help="Empty: no log-in."
)
@click.option("--smtp-password-file", **_file("File that holds the SMTP password. Asked for when absent."))
@click.option("--tenant", help="Microsoft 365: the directory (tenant) ID. Asked for when absent.")
@click.option("--client-id", help="Microsoft 365: the application (client) ID. Asked for when absent.")
@click.option(
    "--client-secret-file", **_file("Microsoft 365: file that holds the client secret, or -. Asked for when absent.")
)
@click.option("--sign-in", is_flag=True, help="Microsoft 365: no client secret; a person signs in afterwards.")
@click.option(
    "--database-url", default="sqlite:///meldpost.db", show_default=True, help="Or postgresql://user@host/name."
)
@click.option(
    "--login",
    cls=_Question,
    type=_LINE,
    prompt="Log-in name of the first member",
    help="The first member's log-in name.",
)
@click.option(
    "--member-address",
    cls=_Question,
    type=_ADDRESS,
    prompt="That member's own e-mail address, for notices",
    help="Where notices to the first member go.",
)
@shares_options
@click.option("--passphrase-file", **_file("File that holds the first member's passphrase. Asked for when absent."))
def init(**given: Any) -> None:
    """Set up a desk: configuration, secrets, database, keys and the first member. Never overwrites anything.

    With --add: a further desk in the same installation. The options for SMTP and the database are not asked for then.

    With --roles: nothing of this, but the roles of an installation's PostgreSQL (meldpost init --roles --help).
    """
    from config.errors import ConfigError
    from meldpost.init import FirstMember, InitError, Plan, add_desk, initialise
    from store.database import StoreError

    shares = scheme_of(given)
    log_ins = ask_log_ins(given, _password)
    known = [given[name] for name in ("login", "member_address", "desk", "organisation", "address")]
    passphrase = ask_new_passphrase(given["login"], known, given["passphrase_file"])
    plan = Plan(
        config=given["config"],
        desk=given["desk"],
        settings=_settings(given, log_ins),
        member=FirstMember(given["login"], given["member_address"], passphrase.text),
        passwords=log_ins.secrets,
        shares=shares,
    )
    try:
        made = add_desk(plan) if given["add"] else initialise(plan)
    except (InitError, ConfigError, StoreError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"""
The desk is set up.

  {made.config}: the configuration, with every setting explained
  {made.secrets_dir}: the secrets; keep a copy apart from backups of the database
{_listed(made.recovery_pages)}
  Fingerprint of the desk's key: {made.fingerprint}

THE RECOVERY PAGES: any {shares.needed} of these {shares.of} pages together open every case; fewer open nothing.
Without {shares.needed} of them, and with all passphrases lost, the content is gone for good: nobody can help then.

Next:
  1. Print each page, give each to another person to keep in a safe, then take all off this machine:
     shred -u {" ".join(str(page) for page in made.recovery_pages)}
  2. {passphrase.advice}
{_about_sign_in(made.config, log_ins)}  3. meldpost doctor --config {made.config}
  4. meldpost run --config {made.config}     (takes mail in, sends receipts)
  5. meldpost desk --config {made.config}    (the web application)

Nothing is destroyed until [desks.{given["desk"]}] says how long cases are kept: `retention` for a table of your own, or
`retention_choice = "two_months"`, with which every case of a private organisation goes two months after closing.
"""
    )


def _listed(pages: Sequence[Path]) -> str:
    return "\n".join(f"  {page}: recovery page {number}" for number, page in enumerate(pages, start=1))


def _settings(given: dict[str, Any], log_ins: LogIns) -> dict[str, Any]:
    desk = given["desk"]
    return {
        "database": {"url": given["database_url"]},
        "desks": {
            desk: {
                "name": given["name"],
                "organisation": given["organisation"],
                "name_in": {"en": given["name_in_english"]},
                "organisation_in": {"en": given["organisation_in_english"]},
                "address": given["address"],
                "texts": {name: given[name] for name in ("about_coordinator", "support_point", "complaints")},
            }
        },
        "mailboxes": {desk: {"desk": desk, **_mailbox(given, log_ins)}},
        **({"lmtp": {"listen": given["lmtp_listen"]}} if given["mailbox"] == "lmtp" else {}),
        "smtp": {
            "host": given["smtp_host"],
            "port": given["smtp_port"],
            "security": given["smtp_security"],
            "user": given["smtp_user"],
            **({"oauth": log_ins.sender} if log_ins.sender else {}),
        },
    }


def _mailbox(given: dict[str, Any], log_ins: LogIns) -> dict[str, Any]:
    match given["mailbox"]:
        case "imap":
            return {
                "host": given["imap_host"],
                "port": given["imap_port"],
                "security": given["imap_security"],
                "user": given["imap_user"],
                **({"oauth": log_ins.mailbox} if log_ins.mailbox else {}),
            }
        case "maildir":
            return {"kind": "maildir", "path": str(Path(given["maildir"]).absolute())}
        case kind:
            return {"kind": kind}


def _about_sign_in(config: Path, log_ins: LogIns) -> str:
    lines = [f"     meldpost authorise {account} --config {config}\n" for account in log_ins.to_authorise]
    return "".join(["     Then sign in as the mailbox's user, once for each:\n", *lines]) if lines else ""


def _password(file: Path | None, what: str) -> str:
    return first_line(file) if file is not None else ask_hidden(what)
