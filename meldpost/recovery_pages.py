"""The recovery pages: one share each, to print and to give to the people who keep them.

A page is an HTML file that needs nothing else and loads nothing: no script, nothing from outside. Its words are a
secret, so it is readable to its owner alone, and `meldpost doctor` complains until it is off the machine.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

import segno

from cases.sharing import Scheme
from meldpost.settings_file import write_private
from store.shares import Share

COLUMNS = 3
_WORD = re.compile(r"<li>([a-z]+)</li>")


@dataclass(frozen=True)
class Batch:
    """What all pages of one recovery key have in common. `recovery` and `desk_key` are fingerprints."""

    desk: str
    name: str
    organisation: str
    made_on: datetime
    recovery: str
    desk_key: str
    scheme: Scheme


def paths(folder: Path, desk: str, scheme: Scheme) -> tuple[Path, ...]:
    """Where the pages are written, share 1 first."""
    return tuple(folder / f"recovery-{desk}-share-{number}.html" for number in range(1, scheme.of + 1))


def lying(folder: Path, desk: str) -> list[Path]:
    """The pages of a desk that are there, and the single key file of desks of before."""
    ours = re.compile(rf"recovery-{re.escape(desk)}-share-\d+\.html|recovery-key-{re.escape(desk)}\.txt")
    return sorted(path for path in folder.iterdir() if ours.fullmatch(path.name)) if folder.is_dir() else []


def write(folder: Path, batch: Batch, shares: Sequence[Share]) -> tuple[Path, ...]:
    """Write all pages, with mode 0600, never over one that is there; they are on the disk when this returns."""
    written = paths(folder, batch.desk, batch.scheme)
    for path, share in zip(written, shares, strict=True):
        write_private(path, page(batch, share))
    _sync(folder)
    return written


def page(batch: Batch, share: Share) -> str:
    """One page. Its QR code holds the same words, in capitals."""
    code = segno.make(" ".join(share.words).upper(), error="m", micro=False)
    return _PAGE.format(
        title=escape(f"{batch.desk}, {share.number} / {batch.scheme.of}"),
        name=escape(batch.name),
        organisation=escape(batch.organisation),
        desk=escape(batch.desk),
        number=share.number,
        of=batch.scheme.of,
        needed=batch.scheme.needed,
        made_on=f"{batch.made_on:%Y-%m-%d}",
        recovery=escape(batch.recovery),
        desk_key=escape(batch.desk_key),
        words=_columns(share.words),
        code=code.svg_inline(border=4, omitsize=True),
    )


def _columns(words: Sequence[str]) -> str:
    height = -(-len(words) // COLUMNS)
    starts = range(0, len(words), height)
    return "\n".join(f'<ol start="{start + 1}">{_items(words[start : start + height])}</ol>' for start in starts)


def _items(words: Iterable[str]) -> str:
    return "".join(f"<li>{escape(word)}</li>" for word in words)


def words_of(text: str) -> str:
    """The words of a page that was written here; any other text as it is."""
    return " ".join(_WORD.findall(text)) if text.lstrip()[:9].lower() == "<!doctype" else text


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_PAGE = """<!doctype html>
<html lang="nl">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 18mm }}
body {{ font: 11pt/1.35 sans-serif; max-width: 174mm; margin: 0 auto; color: #000; background: #fff }}
h1 {{ font-size: 17pt; margin: 0 0 2mm }}
table {{ border-collapse: collapse; margin: 3mm 0 }}
th {{ text-align: left; font-weight: normal; padding: 0 5mm 0 0; vertical-align: top }}
.mono {{ font-family: monospace; font-size: 10pt }}
.share {{ display: flex; gap: 6mm; align-items: flex-start; border: 1pt solid #000; padding: 3mm 5mm; margin: 4mm 0 }}
.share ol {{ font: 12.5pt/1.5 monospace; margin: 0; padding-left: 11mm; flex: 1 }}
.share svg {{ width: 52mm; height: 52mm; flex: none }}
.languages {{ display: flex; gap: 8mm }}
.languages > div {{ flex: 1 }}
h2 {{ font-size: 12pt; margin: 2mm 0 1mm }}
p, .languages ol {{ margin: 0 0 2mm }}
.languages ol {{ padding-left: 5mm }}
</style>
</head>
<body>
<h1>Hersteldeel {number} van {of} <span lang="en">/ Recovery share {number} of {of}</span></h1>
<p>{name}, {organisation}</p>
<table>
<tr><th>Meldpunt / <span lang="en">Desk</span></th><td class="mono">{desk}</td></tr>
<tr><th>Gemaakt op / <span lang="en">Made on</span></th><td class="mono">{made_on}</td></tr>
<tr><th>Herstelsleutel / <span lang="en">Recovery key</span></th><td class="mono">{recovery}</td></tr>
<tr><th>Meldpuntsleutel / <span lang="en">Desk key</span></th><td class="mono">{desk_key}</td></tr>
</table>
<div class="share">
{words}
{code}
</div>
<div class="languages">
<div>
<h2>Wat u hiermee doet</h2>
<ol>
<li>Druk deze pagina af op een printer die niets bewaart, en bewaar haar waar alleen u bij kunt: een kluis.</li>
<li>Verwijder daarna dit bestand van de computer (shred -u).</li>
<li>Elke {needed} van de {of} delen samen openen alle zaken van het meldpunt; minder openen niets. Bewaar ze dus niet
bij elkaar.</li>
<li>Zijn alle wachtwoordzinnen kwijt, dan voert de beheerder <b>meldpost recover</b> uit en leest ieder zijn eigen
woorden voor of typt ze zelf. Geef ze aan niemand.</li>
<li>Legt u uw taak neer of is deze pagina zoek? Zeg het meteen: <b>meldpost recovery renew</b> maakt nieuwe delen.</li>
</ol>
<p>Zonder {needed} delen en zonder wachtwoordzinnen is de inhoud voorgoed verloren.</p>
</div>
<div lang="en">
<h2>What to do with it</h2>
<ol>
<li>Print this page on a printer that keeps nothing, and keep it where only you can reach it: a safe.</li>
<li>Then remove this file from the computer (shred -u).</li>
<li>Any {needed} of the {of} shares together open all cases of the desk; fewer open nothing. So keep them apart.</li>
<li>When all passphrases are lost, the administrator runs <b>meldpost recover</b>, and each keeper reads out or types
their own words. Give them to nobody.</li>
<li>Do you leave your task, or is this page missing? Say so at once: <b>meldpost recovery renew</b> makes new
shares.</li>
</ol>
<p>Without {needed} shares and with all passphrases lost, the content is gone for good.</p>
</div>
</div>
</body>
</html>
"""
