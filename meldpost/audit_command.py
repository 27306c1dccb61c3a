"""The command `meldpost audit`: proves that the trail is as it was written, and makes the key of its checkpoints."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.settings import Settings, load
from meldpost.checkpoint_copies import lines_of
from meldpost.config_option import config_option
from meldpost.counted import counted, counted_were

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from store.frames_compared import Difference
    from store.verification import Fault, Restore, Span, Verdict

_desk = click.option("--desk", help="Short name of the desk. Needed where there are several.")

_NAMED = 5
"""Cases that one line names."""
_FAULTS_NAMED = 100
"""Records that are named one by one."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    return config_option(_desk(command))


@click.group()
def audit() -> None:
    """The audit trail: who did what, when; and the proof that nobody changed it."""


@audit.command()
@_options
@click.option(
    "--checkpoints",
    type=click.File("rb"),
    help="A copy of the checkpoints that was kept outside: the checkpoint_file, or the mails that brought them, one "
    "after the other. - reads them from standard input.",
)
def verify(config: Path, desk: str | None, checkpoints: Any) -> None:
    """Find what was changed, removed, inserted or reordered on the trail, cases that are gone without having been
    destroyed, and sealed records that are not those that were written. Needs no key that opens content.

    Exit status 1 where anything is wrong.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from meldpost.startup import NotReady, desks_database_is_current, opened, unusable
    from store.keyring import pins_of, trail_key_of
    from store.verification import verify as verified

    settings, slug = _chosen(config, desk)
    public = trail_key_of(settings.desks[slug])
    outside = lines_of(checkpoints.read()) if checkpoints else None
    try:
        desks_database_is_current(settings)
        database = opened(settings.database.for_desk)  # the daemon reads back neither trail nor records
        try:
            with database.read() as session:
                found = verified(session, slug, public, outside, pins_of(settings.desks[slug]).signing)
                stored = _look_at_what_is_stored(session, slug)
        finally:
            database.close()
    except NotReady as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        raise click.ClickException(unusable(error)) from None
    for line in _told(slug, found, with_key=public is not None):
        click.echo(line)
    for line in stored.lines:
        click.echo(line)
    proves = outside is None or found.copied is not None
    click.echo(_told_of_the_copy(found, given=outside is not None, with_key=public is not None))
    sys.exit(0 if found.is_sound and not stored.wrong and proves else 1)


@audit.command()
@_options
def key(config: Path, desk: str | None) -> None:
    """Print the line that pins the key of the trail's checkpoints, for the configuration. Makes the key where there is
    none; an existing one stays."""
    from meldpost.trail import make_key

    settings, slug = _chosen(config, desk)
    pinned = make_key(settings.secrets(), slug)
    if settings.desks[slug].trail_key == pinned:
        click.echo(f"The configuration has the trail key of {slug} already.", err=True)
    else:
        click.echo(f"Put this line under [desks.{slug}] in {config}, then start the daemon anew:", err=True)
    click.echo(f'trail_key = "{pinned}"')


def _told_of_the_copy(found: "Verdict", *, given: bool, with_key: bool) -> str:
    wrong, note = click.style("WRONG", fg="red"), click.style("note ", fg="yellow")
    if found.copied is not None:
        reach = f"checkpoint {found.copied.number} of {_time(found.copied.at)}"
        return f"{note}  The copy from outside reaches up to {reach}; what came later rests on the database alone."
    if given and with_key:
        return f"{wrong}  The copy holds no checkpoint of this desk: it proves nothing. Is it the right file?"
    if given:
        return f"{wrong}  Without the setting trail_key the copy cannot be checked: it proves nothing."
    if with_key:
        text = (
            "No copy from outside was compared: who removed the newest rows with their checkpoints is not found. Give "
        )
        return f"{note}  {text}--checkpoints."
    text = (
        "Nothing outside covers this trail: rows cut off at its end are not missed. Set trail_key, and checkpoint_file "
    )
    return f"{note}  {text}or checkpoint_mail."


@dataclass(frozen=True)
class _Stored:
    """What is said of the sealed records and keys, and how many are wrong."""

    lines: tuple[str, ...]
    wrong: int


def _look_at_what_is_stored(session: "Session", desk: str) -> _Stored:
    from store.frames_compared import Compared, differences
    from store.seeds_examined import odd_seeds

    compared, wrong, named = Compared(), 0, []
    said = (_said_of_record(each) for each in differences(session, desk, compared))
    odd = (f"The key {each.key_pair_id} sealed to {each.recipient_id} is damaged." for each in odd_seeds(session, desk))
    for text in chain(said, odd):
        wrong += 1
        if wrong <= _FAULTS_NAMED:
            named.append(f"{click.style('WRONG', fg='red')}  {text}")
    if wrong > _FAULTS_NAMED:
        named.append(f"{click.style('WRONG', fg='red')}  and {wrong - _FAULTS_NAMED} more.")
    as_written = f"WRONG: {wrong}." if wrong else "Each is the one whose digest stands on the trail."
    return _Stored((f"Sealed records of {desk}: {compared.records}. {as_written}", *named), wrong)


def _said_of_record(found: "Difference") -> str:
    from store.frames_compared import Differs

    name = f"The record {found.kind} of {found.subject_id}, version {found.version}"
    where = f" in case {found.case_id}" if found.case_id else ""
    match found.how:
        case Differs.CHANGED:
            return f"{name},{where or ' of the desk'} is not the one that was written: its digest is another."
        case Differs.MISSING:
            return f"{name},{where or ' of the desk'} is missing."
        case _:
            return f"{name},{where or ' of the desk'} is not on the trail: Meldpost did not write it."


def _chosen(config: Path, desk: str | None) -> tuple[Settings, str]:
    settings = load(config)
    if desk is None and len(settings.desks) == 1:
        desk = next(iter(settings.desks))
    if desk is None or desk not in settings.desks:
        raise click.UsageError(f"Name a desk with --desk: {', '.join(settings.desks)}.")
    return settings, desk


def _told(slug: str, found: "Verdict", *, with_key: bool) -> Iterator[str]:
    newest = "" if found.newest is None else f", the newest of {_time(found.newest)}"
    yield (
        f"Trail of {slug}: {counted(found.rows, 'row')} in {counted(found.chains, 'chain')}; "
        f"{counted(found.checkpoints, 'checkpoint')}{newest}. "
        + ("Nothing is wrong." if found.is_sound else f"WRONG: {len(found.faults)}. The first comes first.")
    )
    for fault in found.faults:
        yield f"{click.style('WRONG', fg='red')}  {said(fault)}"
    for note in _notes(found, with_key=with_key):
        yield f"{click.style('note ', fg='yellow')}  {note}"


def _notes(found: "Verdict", *, with_key: bool) -> Iterator[str]:
    if not with_key:
        yield "The setting trail_key is not there: no checkpoint counts. Run: meldpost audit key"
    yield from map(_told_of_a_restore, found.restores if found.faults else ())
    if found.unhashed is not None:
        yield f"{_span(found.unhashed)}: written before there were chains; nothing vouches for them."
    if found.uncovered is not None:
        yield f"{_span(found.uncovered)}: covered by no checkpoint; a removal at their end would not be seen."
    if found.gone == 1:
        yield "1 sealed detail was destroyed with its case; its digest is there."
    elif found.gone:
        yield f"{found.gone} sealed details were destroyed with their case; their digests are there."
    if found.undeclared:
        named = ", ".join(found.undeclared[:_NAMED]) + (", ..." if len(found.undeclared) > _NAMED else "")
        yield (
            f"{counted_were(len(found.undeclared), 'case')} gone, and no declaration that a member signed is here: "
            f"{named}. The next member who logs in signs for what Meldpost destroyed; a restore destroys again what "
            "may be signed for in a later database. If neither is so, somebody removed the case."
        )


def _told_of_a_restore(restore: "Restore") -> str:
    told = (
        f"The trail tells of a restore: on {_time(restore.at)} a backup of {_time(restore.then)} was put back "
        f"(row {restore.row_id}). "
    )
    if not restore.explained:
        return told + "It explains nothing of what is wrong with the copy's checkpoints."
    first, last = restore.explained[0], restore.explained[-1]
    which = f"checkpoint {first}" if first == last else f"checkpoints {first} to {last}"
    return (
        f"{told}It would explain {which} of the copy, made in between, and the rows that went with them. It proves no "
        "restore, for who writes to the database can write such rows: ask who did it, and why. Keep this copy."
    )


def said(fault: "Fault") -> str:
    """A fault in words."""
    from store.verification import Wrong

    rows, were = counted(fault.rows, "row"), "was" if fault.rows == 1 else "were"
    place = f"chain {fault.chain_id}, number {fault.number}" if fault.chain_id else ""
    where = "" if fault.row_id is None else f"row {fault.row_id} of {_time(fault.at)}"
    match fault.wrong:
        case Wrong.CHANGED if fault.up_to not in (None, fault.row_id):
            return (
                f"{where} ({place}) or one after it in its chain, up to row {fault.up_to}, was changed, and the hashes "
                "were computed anew."
            )
        case Wrong.CHANGED | Wrong.REORDERED | Wrong.INSERTED if fault.row_id is not None:
            return f"{where} ({place or 'in no chain'}) was {fault.wrong}."
        case Wrong.INSERTED:
            return f"{rows} without a hash {were} inserted among those from before there were chains."
        case Wrong.REMOVED if not fault.chain_id and fault.number == 0:
            return f"{rows} from before there were chains {were} removed."
        case Wrong.REMOVED if not fault.chain_id:
            return "The first row of the trail was removed."
        case Wrong.REMOVED if fault.number == 0:
            return f"The row that chain {fault.chain_id} follows was removed; that chain began at {_time(fault.at)}."
        case Wrong.REMOVED:
            after = f", after {where}" if where else ""
            return f"{rows} of chain {fault.chain_id} {were} removed, from number {fault.number} on{after}."
        case Wrong.CASE_REMOVED:
            return (
                f"Case {fault.case_id} is gone, and the trail has no row of its destruction; its last row "
                f"is {fault.row_id}."
            )
        case Wrong.CHECKPOINT_FORGED if fault.number == 0:
            return "A line of the copy of checkpoints was changed, or is no checkpoint of this desk."
        case Wrong.CHECKPOINT_FORGED:
            return f"Checkpoint {fault.number} in the database was changed, or signed with another key."
        case Wrong.CHECKPOINT_REMOVED:
            return f"Checkpoint {fault.number} was removed."
        case _:
            return (
                f"There are two checkpoints {fault.number}, both genuine: the trail was set back, and went on "
                "differently."
            )


def _span(span: "Span") -> str:
    ids = f"row {span.first_id}" if span.rows == 1 else f"{span.rows} rows, {span.first_id} to {span.last_id}"
    return f"{ids}, of {_time(span.first_at)} to {_time(span.last_at)}"


def _time(at: datetime | None) -> str:
    if at is not None and at.year == 1:
        return "a time that is none"
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
