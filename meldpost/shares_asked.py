"""Asks for recovery shares on the terminal until there are enough, and says what is wrong with each that is no share.

What is typed goes nowhere but into memory: no log, no error and no file repeats a word of it.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from meldpost.recovery_pages import words_of
from store.keypairs import SEED_SIZE
from store.shares import WORDS, BadShare, CannotJoin, Share, join, read_share, still_needed

_HOW = f"""\
Type or paste the {WORDS} words of one recovery page after the other, on one line or on several. The first four letters
of a word are enough. What you type shows on this screen: see to it that nobody else looks. In place of the first page,
the key of a recovery key file of before will do."""


@dataclass(frozen=True)
class RecoverySeed:
    """The seed, and the numbers of the shares that gave it; none where it was a key file of before."""

    seed: bytes = field(repr=False)
    shares: tuple[int, ...]


def ask_recovery_seed(files: Sequence[Path]) -> RecoverySeed:
    """From these files, each with one share or with a key of before; asked for where there are none.

    Raises ClickException for files that are no shares of one key.
    """
    return _from_files(files) if files else _from_terminal()


def _from_files(files: Sequence[Path]) -> RecoverySeed:
    shares: list[Share] = []
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        if (seed := _key_of_before(text)) is not None:
            return RecoverySeed(seed, ())
        try:
            shares.append(read_share(words_of(text)))
        except BadShare as error:
            raise click.ClickException(f"{file}: {error}") from None
    try:
        return _joined(shares)
    except CannotJoin as error:
        raise click.ClickException(str(error)) from None


def _from_terminal() -> RecoverySeed:
    click.echo(_HOW)
    shares: list[Share] = []
    while True:
        text = _lines(f"Share {len({share.number for share in shares}) + 1}")
        if not shares and (seed := _key_of_before(text)) is not None:
            return RecoverySeed(seed, ())
        try:
            share = read_share(text)
        except BadShare as error:
            click.echo(f"Not taken: {error}")
            continue
        if share.number in {each.number for each in shares}:
            click.echo(f"Share {share.number} was given already. Take another page.")
            continue
        try:
            joined = _joined([*shares, share]) if not still_needed([*shares, share]) else None
        except CannotJoin as error:
            click.echo(f"Not taken: {error}")
            shares = shares if len(shares) > 1 else []  # of two, either may be the wrong one
            continue
        shares.append(share)
        if joined is not None:
            return joined
        if (more := still_needed(shares)) == 1:
            click.echo(f"Share {share.number} is in order. One more is needed.")
        else:
            click.echo(f"Share {share.number} is in order. {more} more are needed.")


def _joined(shares: Sequence[Share]) -> RecoverySeed:
    return RecoverySeed(join(shares), tuple(sorted({share.number for share in shares})))


def _lines(prompt: str) -> str:
    """What is typed, until it holds a share's words or a line is empty."""
    lines: list[str] = []
    while True:
        line = str(click.prompt(prompt if not lines else "  further", default="", show_default=False))
        if not line.strip():
            return "\n".join(lines)
        lines.append(line)
        if len(lines) == 1 and _key_of_before(line) is not None:
            return line
        if len(re.findall("[A-Za-z]+", " ".join(lines))) >= WORDS:
            return "\n".join(lines)


def _key_of_before(text: str) -> bytes | None:
    """The seed in base64, alone or as it stands in the file that `init` wrote before there were shares."""
    for line in text.splitlines():
        word = line.split()[-1] if line.split() else ""
        try:
            seed = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(seed) == SEED_SIZE:
            return seed
    return None
