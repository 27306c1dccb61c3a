"""The command line. Each command loads what it needs when it is called, so that none waits for what it does not use."""

import logging
import os
import sys
from pathlib import Path
from typing import Any, Literal

import click
from sqlalchemy.exc import DBAPIError

from config.errors import ConfigError
from meldpost import __version__, logs
from meldpost.audit_command import audit
from meldpost.backup_command import backup, restore
from meldpost.config_option import config_option
from meldpost.consent_command import consent
from meldpost.evaluate_command import evaluate
from meldpost.init_command import init
from meldpost.mailkey_command import mailkey
from meldpost.member_command import member
from meldpost.recover_command import recover
from meldpost.recovery_command import recovery
from meldpost.report_command import report
from meldpost.retention_command import retention
from meldpost.rotate_command import rotate
from meldpost.train_command import train
from store import trouble


class _Commands(click.Group):
    """Turns errors that say what to do into just that, without a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            said = trouble.describe(error)
            if not said:
                raise
            raise click.ClickException(f"Not done: {said}. Nothing is lost; do it again then.") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
@click.option("--verbose", "-v", is_flag=True, help="Log more of what happens; never more of a mail.")
def main(verbose: bool) -> None:
    """Meldpost: the mailbox of an integrity desk, as a sealed and sorted queue of cases."""
    logs.set_up(logging.DEBUG if verbose else logging.INFO)


@main.command()
@config_option
@click.option("--once", is_flag=True, help="Take in and send what there is now, then end.")
def run(config: Path, once: bool) -> None:
    """Run the daemon: take mail in, send mail out, mind what is due."""
    from config.settings import load
    from ingest.errors import NotIsolated, NurseryGone
    from meldpost.daemon import run as run_daemon
    from meldpost.startup import NotReady

    try:
        well = run_daemon(load(config), config.resolve(), once=once)
    except (NotReady, NotIsolated, NurseryGone) as error:
        raise click.ClickException(f"Not started. {error}") from error
    sys.exit(0 if well else 1)


@main.command()
@config_option
def desk(config: Path) -> None:
    """Serve the desk, the coordinator's web application."""
    from config.settings import load
    from meldpost.startup import NotReady
    from meldpost.web import CannotServe, serve_desk

    try:
        serve_desk(load(config), config.name)
    except NotReady as error:
        raise click.ClickException(f"Not started. {error}") from error
    except CannotServe as error:
        raise click.ClickException(str(error)) from error


class _Ingest(click.Command):
    """With - among its arguments a mail server runs it, which goes by the exit status (sysexits.h)."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> click.Context:
        delivered = "-" in args
        try:
            return super().make_context(info_name, args, *more, **extra)
        except click.UsageError as error:
            if not delivered:
                raise
            from meldpost.piping import put_off_for_usage

            sys.exit(put_off_for_usage(error.format_message()))


@main.command(cls=_Ingest)
@config_option
@click.option("--account", help="The mailbox in whose name the mails are taken in. Needed where there are several.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, allow_dash=True))
def ingest(config: Path, account: str | None, paths: tuple[Path, ...]) -> None:
    """Take in mails from files: .eml, mbox, Maildir, folders of those.

    No mail goes out by itself for what is taken in this way: it waits for the coordinator's word.

    With - alone: take in the one mail on standard input that a mail server delivers now. It is answered like any other.
    The exit status is 0 when it is in, else 75: the mail server has to keep it and to try again.
    """
    if Path("-") in paths:
        from meldpost import piping

        if len(paths) > 1:
            sys.exit(piping.put_off_for_usage("- is one mail that is delivered now, and stands alone"))
        sys.exit(piping.deliver(config, account, sys.stdin.buffer, os.environ))
    from config.settings import load
    from meldpost.importing import CannotImport, import_files

    try:
        all_well = import_files(load(config), account, paths)
    except CannotImport as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if all_well else 1)


@main.command()
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="MELDPOST_CONFIG",
    help="The configuration file whose [triage] counts.  [default: that of a new installation]",
)
@click.option("--jsonl", is_flag=True, help="One JSON object for each mail.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one page with a picture of each mail to this file, for you alone to read.",
)
@click.option(
    "--language",
    type=click.Choice(["nl", "en"]),
    default=lambda: "nl" if (os.environ.get("LC_ALL") or os.environ.get("LANG") or "").startswith("nl") else "en",
    show_default="your system's, else en",
    help="The language of the picture and the page.",
)
@click.option(
    "--isolation",
    type=click.Choice(["required", "limits-only"]),
    default="required",
    show_default=True,
    help="How the mails are read; limits-only where the kernel gives no isolation.",
)
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True)
@click.option(
    "--model",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the model to understand them with.  [default: that of the configuration]",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, allow_dash=True))
def triage(
    config: Path | None,
    jsonl: bool,
    html: Path | None,
    language: str,
    isolation: Literal["required", "limits-only"],
    workers: int,
    model: Path | None,
    paths: tuple[Path, ...],
) -> None:
    """Understand mails in files and show what was understood. Stores nothing, unless it is to write a page."""
    from config.settings import TriageSettings, load
    from ingest.errors import NotIsolated, NurseryGone
    from ingest.sources.files import CannotRead
    from meldpost.mail_files import NoMail
    from meldpost.private_file import CannotWrite
    from meldpost.understand import Show, print_reports

    settings = load(config).triage if config else TriageSettings()
    show = Show(language, settings.know_threshold)
    try:
        all_well = print_reports(
            paths, isolation, workers, jsonl=jsonl, html=html, show=show, model=model or settings.model
        )
    except (CannotRead, NoMail, NotIsolated, NurseryGone, CannotWrite) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if all_well else 1)


@main.command()
@config_option
@click.option("--desk", is_flag=True, help="Check what a desk needs that runs on a computer of its own.")
def doctor(config: Path, desk: bool) -> None:
    """Check everything that an installation stands on, and say what to do. Changes nothing."""
    from meldpost.doctor import examine, examine_desk
    from meldpost.findings import Verdict

    marks = {Verdict.FINE: ("ok", "green"), Verdict.NOTE: ("note", "yellow"), Verdict.WRONG: ("WRONG", "red")}
    wrong = 0
    for finding in examine_desk(config) if desk else examine(config):
        mark, colour = marks[finding.verdict]
        wrong += finding.verdict is Verdict.WRONG
        click.echo(f"{click.style(f'{mark:5}', fg=colour)}  {finding.what}: {finding.text}")
    sys.exit(1 if wrong else 0)


@main.command()
@config_option
@click.argument("account")
def authorise(config: Path, account: str) -> None:
    """Sign in for a mailbox that is opened by a person's tokens. Needed once, and when the sign-in was ended.

    ACCOUNT is the mailbox's name in the configuration, or smtp for the sender.
    """
    from access.authorise import authorise as sign_in
    from access.errors import NoToken
    from config.settings import load

    def show(address: str, code: str) -> None:
        click.echo(f"Open {address} in a browser, on any machine. Enter the code {code} and sign in. Waiting ...")

    try:
        sign_in(load(config), account, show)
    except NoToken as error:
        raise click.ClickException(str(error)) from error
    click.echo("Signed in. `meldpost doctor` says whether the mailbox opens.")


@main.command()
@config_option
def migrate(config: Path) -> None:
    """Bring the database's tables up to this version. Safe to repeat; make a backup first."""
    from config.settings import load
    from meldpost.database_roles import give, has_roles
    from meldpost.startup import NotReady, migrated

    settings = load(config)
    try:
        migrated(settings)
        if has_roles(settings):
            give(settings)
    except NotReady as error:
        raise click.ClickException(str(error)) from error
    click.echo("The database is up to date.")


@main.command()
@click.option("--once", is_flag=True, help="End when all sample mail is taken in and all receipts are delivered.")
def demo(once: bool) -> None:
    """Show everything on this machine: a mail server, sample mail, the daemon and the desk. Leaves nothing behind."""
    from meldpost.demo import show

    sys.exit(0 if show(once=once) else 1)


main.add_command(audit)
main.add_command(backup)
main.add_command(consent)
main.add_command(evaluate)
main.add_command(init)
main.add_command(mailkey)
main.add_command(member)
main.add_command(recover)
main.add_command(recovery)
main.add_command(report)
main.add_command(rotate)
main.add_command(train)
main.add_command(restore)
main.add_command(retention)
