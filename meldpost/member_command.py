"""`meldpost member`: who belongs to a desk, with what role. Who acts is asked for their own passphrase."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cases.roles import Role, holds_the_desk_key
from meldpost.config_option import config_option
from meldpost.counted import counted
from meldpost.passphrase_asked import NewPassphrase, ask_new_passphrase

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from meldpost.at_desk import AtDesk
    from store.membership import Listed, Taken

_OPTIONS = (
    config_option,
    click.option("--desk", help="The desk's short name; needed where there are several."),
    click.option("--login", required=True, help="Your own log-in name; your passphrase is asked for."),
)
_role = click.Choice([role.value for role in Role])
_passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True, exists=True),
    help="File that holds the new passphrase. Offered, or asked for, when absent.",
)


def acting_member(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def member() -> None:
    """Add, list and change the members of a desk, or change your own passphrase."""


@member.command("list")
@acting_member
def list_members(**acting: Any) -> None:
    """Show the members of the desk, those who left too."""
    from store import membership

    with acting_here(acting) as here, here.database.read() as session:
        for each in membership.listed(session, here.ring):
            click.echo(_line(each))
        if membership.is_rotation_due(session, here.ring.desk):
            click.echo(_ROTATE)


@member.command()
@acting_member
@click.argument("name")
@click.option("--address", required=True, help="Where the member's notices go.")
@click.option("--role", type=_role, required=True)
@_passphrase_file
def add(name: str, address: str, role: str, passphrase_file: Path | None, **acting: Any) -> None:
    """Add a member of this log-in NAME, with a passphrase that is offered to you for them."""
    from config.addresses import domain_to_ascii
    from store import members
    from store.members import OwnKey

    with acting_here(acting) as here:
        domain_to_ascii(address)  # before a passphrase is offered for who cannot be added
        access = _with_consent(here, name, address, role)
        new = _new_passphrase(here, name, address, passphrase_file)
        own_key = OwnKey.make(new.text, here.secret)
        with here.database.begin() as session:
            access(session)
            members.admit(
                *(session, here.ring, own_key),
                login=name,
                address=address,
                secret=here.secret,
                role=Role(role),
                now=_now(),
            )
    click.echo(f"{name} is a member of the desk. {new.advice}")


@member.command("role")
@acting_member
@click.argument("name")
@click.argument("new_role", type=_role)
def change_role(name: str, new_role: str, **acting: Any) -> None:
    """Give the member NAME another role. Their sessions end."""
    from store import membership

    with acting_here(acting) as here:
        with here.database.read() as session:
            found = membership.find(session, here.ring, name)
        more = holds_the_desk_key(Role(new_role)) and not found.holds_desk_key
        access = _with_consent(here, found.login, found.address, new_role) if more else None
        with here.database.begin() as session:
            if access:
                access(session)
            taken = membership.change_role(session, here.ring, found.id, Role(new_role), _now())
        click.echo(f"{name} has the role {new_role} now, and has to log in again.")
        _make_anew(here, name, taken)


@member.command()
@acting_member
@click.argument("name")
def leave(name: str, **acting: Any) -> None:
    """The member NAME leaves: their sessions end, and all that was sealed to them is destroyed."""
    from store import membership

    with acting_here(acting) as here:
        with here.database.begin() as session:
            found = membership.find(session, here.ring, name)
            taken = membership.leave(session, here.ring, found.id, _now())
        click.echo(f"{name} is no member of the desk any more.")
        _make_anew(here, name, taken)


@member.command("return")
@acting_member
@click.argument("name")
@click.option("--role", type=_role, required=True)
@_passphrase_file
def come_back(name: str, role: str, passphrase_file: Path | None, **acting: Any) -> None:
    """The member NAME, who left, comes back: with new keys and a new passphrase."""
    from store import membership
    from store.members import OwnKey

    with acting_here(acting) as here:
        with here.database.read() as session:
            found = membership.find(session, here.ring, name)
        access = _with_consent(here, found.login, found.address, role)
        new = _new_passphrase(here, name, found.address, passphrase_file)
        own_key = OwnKey.make(new.text, here.secret)
        with here.database.begin() as session:
            access(session)
            membership.take_back(session, here.ring, found.id, own_key, Role(role), _now())
    click.echo(f"{name} is a member of the desk again. {new.advice}")


@member.command()
@acting_member
@_passphrase_file
def passphrase(passphrase_file: Path | None, **acting: Any) -> None:
    """Change your own passphrase. The old one is asked for first, and your sessions end."""
    from store import membership
    from store.schema import Member

    with acting_here(acting) as here:
        with here.database.read() as session:
            address = session.get_one(Member, here.ring.member_id).address
        new = _new_passphrase(here, here.ring.login, address, passphrase_file)
        membership.change_passphrase(here.database, here.ring, here.passphrase, new.text, here.secret, _now())
    click.echo(f"The passphrase of {here.ring.login} is changed. {new.advice}")


@member.command("reset-second-factor")
@acting_member
@click.argument("name")
def reset_second_factor(name: str, **acting: Any) -> None:
    """Take all second factors of the member NAME away, who lost theirs. Make sure first that it is they who ask."""
    from store import membership, second_factor

    with acting_here(acting) as here, here.database.begin() as session:
        found = membership.find(session, here.ring, name)
        second_factor.reset(session, here.ring, found.id, _now())
    click.echo(f"{name} has no second factor any more, and can set one up after logging in.")


_ROTATE = (
    "The desk's key must be made anew, for somebody who shall not open what comes in still knows it. Run: "
    "meldpost rotate"
)


def _make_anew(here: "AtDesk", name: str, taken: "Taken") -> None:
    """The keys of single cases at once; the desk's by a command of its own, which takes longer."""
    from meldpost.bars import show
    from store import grants
    from store.keyring import desk_keys, pins_of

    if taken.desk_key:
        click.echo(f"{name} had the desk's key and may have kept it. Make it anew now: meldpost rotate")
    if not taken.case_ids:
        return
    with here.database.read() as session:
        keys = desk_keys(session, here.ring.desk, pins_of(here.settings))
    renewing = grants.renew_all(here.database, here.ring, here.index, keys, taken.case_ids)
    last = show(renewing, "New keys of cases")
    done = last.done if last else 0
    click.echo(f"{counted(done, 'case')} that {name} had keys of got new ones.")
    if left := len(taken.case_ids) - done:
        click.echo(f"{left} more get new keys when somebody logs in at the desk who opens them.")


@contextmanager
def acting_here(acting: dict[str, Any]) -> Iterator["AtDesk"]:
    from config.addresses import BadAddress
    from meldpost.at_desk import asked_in
    from store.consent import CannotConsent, ConsentNeeded
    from store.keyring import NoSuchKey, NotAllowed
    from store.members import MemberExists, WrongLogin
    from store.membership import LastHolder, NoSuchMember, UnprovenMember
    from store.passphrase_rules import WeakPassphrase

    refused = (MemberExists, BadAddress, NotAllowed, NoSuchKey, NoSuchMember, LastHolder, UnprovenMember, WrongLogin)
    try:
        with asked_in(**acting) as here:
            yield here
    except (*refused, WeakPassphrase, ConsentNeeded, CannotConsent) as error:
        raise click.ClickException(f"Nothing was changed. {error}") from error


def _with_consent(here: "AtDesk", login: str, address: str, role: str) -> Callable[["Session"], None]:
    """What uses the consent of another member, where this desk asks for one; asks for it where it is not there yet."""
    from store import consent

    new = consent.NewAccess(login, address, Role(role))
    if consent.is_needed(here.settings, consent.Act.ADD_MEMBER):
        with here.database.begin() as session:
            given = consent.is_given(session, here.ring, consent.Act.ADD_MEMBER, new.subject(here.index), _now())
            if not given:
                consent.ask_for_access(session, here.ring, here.index, new, _now())
        if not given:
            raise click.ClickException(
                "Nothing was changed. This takes the consent of another member, who was asked for it now: they say "
                "meldpost consent list. When it is given, run the same again."
            )
    return lambda session: consent.use_for_access(session, here.settings, here.ring, here.index, new, _now())


def _new_passphrase(here: "AtDesk", login: str, address: str, file: Path | None) -> NewPassphrase:
    known = [login, address, here.ring.desk, here.settings.organisation, here.settings.address]
    return ask_new_passphrase(login, known, file)


def _line(each: "Listed") -> str:
    role = each.role or "unknown"
    left = f"  left on {each.left_at:%Y-%m-%d}" if each.left_at else ""
    return f"{each.login or each.id:24} {role:18} {each.address:32} since {each.since:%Y-%m-%d}{left}  {each.id}"


def _now() -> datetime:
    return datetime.now(UTC)
