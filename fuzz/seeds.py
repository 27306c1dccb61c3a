"""`python -m fuzz.seeds` writes the seeds anew: small mails of ours that take each way through a reader (fuzz/corpus),
and one small file of each format that is read (fuzz/corpus-files)."""

from __future__ import annotations

from pathlib import Path

from tests.ingest import made_files as made

MAILS = Path(__file__).parent / "corpus"
FILES = Path(__file__).parent / "corpus-files"

_TEXT = "Ik meld dat één collega € 10 aannam."
_REPLY = (
    f"{_TEXT}\n\nMet vriendelijke groet,\nJan\n\nOp 2 feb 2026 om 10:00 schreef Desk <d@example.org>:\n> Uw melding"
)
_HTML = (
    f"<html><head><style>p{{}}</style></head><body><p>{_TEXT}</p><table><tr><td>a</td><td>b</td></tr></table><ul><li>c"
    '</ul><div class=gmail_quote><blockquote type="cite">Uw melding</blockquote></div></body></html>'
)
_HEAD = "From: =?utf-8?q?J=C3=B6rg?= <a@example.org>\nTo: b@example.org\nDate: Mon, 2 Feb 2026 10:00:00 +0100\n"
_PDF = 'Content-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQ=\n'
_EVENT = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART;TZID=Europe/Amsterdam:20260202T100000\n"

_MESSAGE = "-----BEGIN PGP MESSAGE-----\n\nhQEM\n=Fijx\n-----END PGP MESSAGE-----\n"
_SIGNED_TEXT = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- a\n"
    "-----BEGIN PGP SIGNATURE-----\n\nwr0E\n-----END PGP SIGNATURE-----\n"
)


def _multipart(kind: str, *parts: str) -> str:
    body = "".join(f"--{kind}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={kind}\n\n{body}--{kind}--\n"


SEEDS: dict[str, bytes] = {
    "reply": f"{_HEAD}Subject: =?iso-8859-1?B?4g==?=\n\n{_REPLY}\n".encode(),
    "html": f"{_HEAD}Content-Type: text/html; charset=utf-8\n\n{_HTML}".encode(),
    "alternative": (_HEAD + _multipart("alternative", f"\n{_TEXT}", f"Content-Type: text/html\n\n{_HTML}")).encode(),
    "mixed": (_HEAD + _multipart("mixed", f"\n{_TEXT}", _PDF)).encode(),
    "child": (_HEAD + _multipart("mixed", f"Content-Type: message/rfc822\n\n{_HEAD}{_multipart('x', _PDF)}")).encode(),
    "digest": (_HEAD + _multipart("digest", "\nSubject: a\n\nb", "\nSubject: c\n\nd")).encode(),
    "report": (
        _HEAD
        + _multipart(
            "report",
            "\nNot delivered.",
            "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
            "Final-Recipient: rfc822; a@b\nStatus: 5.1.1\n",
            "Content-Type: text/rfc822-headers\n\nMessage-ID: <a@b>\n",
        )
    ).encode(),
    "calendar": f"{_HEAD}Content-Type: text/calendar\n\n{_EVENT}".encode(),
    "uuencode": f"{_HEAD}\nzie\nbegin 644 a.txt\n#0V%T\n`\nend\n".encode(),
    "flowed": f"{_HEAD}Content-Type: text/plain; format=flowed; delsp=yes\n\na \nb\n> c \n> d\n-- \nJan".encode(),
    "charset": f"{_HEAD}Content-Type: text/plain; charset=iso-2022-jp\n\n".encode()
    + "色は匂へど".encode("iso-2022-jp"),
    "quoted": f"{_HEAD}Content-Transfer-Encoding: quoted-printable\n\nde mel=\nding =C3=A9\n".encode(),
    "enriched": f"{_HEAD}Content-Type: text/enriched\n\n<bold>a</bold> << b\n".encode(),
    "parameters": b"Content-Type: application/x; name*0*=utf-8''a%20; name*1=b\nContent-Disposition: inline\n\nx",
    "mislabelled": b"Content-Type: multipart/mixed; boundary=y\n\n--x\nContent-Type: text/plain\n\na\n--x--\n",
    "signed": (
        _HEAD
        + _multipart(
            "signed", f"Content-Type: text/plain\n\n{_TEXT}", "Content-Type: application/pgp-signature; name=s.asc\n\nx"
        )
    ).encode(),
    "sealed": (
        _HEAD
        + _multipart(
            "mixed",
            f"\n{_MESSAGE}\n{_SIGNED_TEXT}",
            "Content-Type: application/pkcs7-mime; name=smime.p7m\n\nx",
            f"Content-Type: application/octet-stream; name=a.pdf.pgp\n\n{_MESSAGE}",
        )
    ).encode(),
    "broken": b"From: a@b, <c@d>\nSubject: x\nboundary=x\nContent-Type: multipart/mixed\n\n--x\n\na\n",
}

_RTF = b"{\\rtf1\\ansi\\ansicpg1252 Ik meld iets.\\par {\\b \\u233?\\'e9}}"
_ODT = "<office:text><text:p>Ik meld<text:tab/>iets.</text:p></office:text>"
_LETTER = b"Van: x\n\nIk meld iets.\n"


def file_seeds() -> dict[str, tuple[str, bytes]]:
    """Content type and bytes of a file of each format, by its name."""
    scan = made.scan("Ik meld iets.", size=(320, 120))
    return {
        "a.docx": (made.WORD, made.docx("Ik meld iets.", "Rolf nam geld aan.")),
        "a.xlsx": ("application/octet-stream", made.xlsx([["naam", "bedrag"], ["Rolf", 10]])),
        "a.pptx": ("application/octet-stream", made.pptx("Ik meld iets.")),
        "a.odt": ("application/vnd.oasis.opendocument.text", made.odf(_ODT)),
        "a.rtf": ("application/rtf", _RTF),
        "a.pdf": ("application/pdf", made.pdf("Ik meld iets.")),
        "a.png": ("image/png", made.picture(scan.convert("1"))),
        "a.jpg": ("image/jpeg", made.picture(scan, "JPEG", quality=20)),
        "a.zip": ("application/zip", made.archive({"a.txt": "Ik meld iets.", "b.pdf": b"%PDF-1.4"})),
        "a.msg": ("application/vnd.ms-outlook", made.msg("Melding", "Ik meld iets.")),
        "winmail.dat": ("application/ms-tnef", made.tnef(b"Ik meld iets.", files=[("a.txt", _LETTER)])),
        "a.ics": ("text/calendar", f"{_EVENT}END:VEVENT\nEND:VCALENDAR\n".encode()),
        "a.html": ("text/html", _HTML.encode()),
        "a.eml": ("application/octet-stream", made.mail(("b.txt", "text/plain", _LETTER))),
    }


def main() -> None:
    for folder in (MAILS, FILES):
        folder.mkdir(exist_ok=True)
    for name, mail in SEEDS.items():
        (MAILS / f"{name}.eml").write_bytes(mail)
    for name, (content_type, data) in file_seeds().items():
        (FILES / name).write_bytes(data)
        (MAILS / f"with-{name.replace('.', '-')}.eml").write_bytes(made.mail((name, content_type, data)))


if __name__ == "__main__":
    main()
