"""What is right for a mail of another project, as far as the name that the project gave it says so.

The projects' own tests are not here, only their messages. A name like `attachment_no_disposition` or
`mime-html-only` is their word for what is in one, and the same mail in several encodings has one text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ingest.mail import ParsedMail


@dataclass(frozen=True)
class Expectation:
    """Holds for mails whose path fits `pattern` and not `unless`."""

    says: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str]
    holds: Callable[[ParsedMail], bool]


def _expected(says: str, pattern: str, holds: Callable[[ParsedMail], bool], unless: str = r"(?!)") -> Expectation:
    return Expectation(says, re.compile(pattern, re.IGNORECASE), re.compile(unless, re.IGNORECASE), holds)


def _files(mail: ParsedMail) -> int:
    return sum(1 for each in mail.attachments if each.inside is None)


def _has_child(mail: ParsedMail) -> bool:
    return any(each.child is not None for each in mail.attachments)


_NAME = r"[^/]*\Z"
BY_NAME = (
    _expected(
        "has a file", rf"attach{_NAME}", lambda mail: _files(mail) > 0, r"no[-_]?attach|without[-_]?attach|encrypted"
    ),
    _expected("has three files", rf"emailWith3Attachments{_NAME}", lambda mail: _files(mail) == 3),
    _expected(
        "has two files",
        rf"(?:two[-_]?attachments(?!.*encrypted)|attachment_2_){_NAME}",
        lambda mail: _files(mail) >= 2,
        "encrypted",
    ),
    _expected(
        "has a PDF",
        rf"[-_]pdf{_NAME}",
        lambda mail: any("pdf" in each.content_type or each.name.lower().endswith(".pdf") for each in mail.attachments),
    ),
    _expected(
        "has a mail in it",
        rf"(?:four_nested|embedded_email|encapsulated|message[-_]rfc822|multipart-digest|attached_email){_NAME}",
        _has_child,
    ),
    _expected(
        "has HTML", rf"html[-_]?(?:only|mail){_NAME}", lambda mail: mail.html is not None and mail.text.strip() != ""
    ),
    _expected("has text", rf"(?:plain[-_]?(?:only|text)|text[-_]only){_NAME}", lambda mail: mail.text.strip() != ""),
    _expected(
        "has no sender",
        rf"missing_from|without_from|no[-_]from{_NAME}",
        lambda mail: mail.from_ is None,
        r"any_from|encrypted",
    ),
    _expected("has no date", rf"missing_date{_NAME}", lambda mail: mail.date is None),
    _expected("has no words", rf"(?:no[-_]body|headers?[-_]only){_NAME}", lambda mail: mail.text.strip() == ""),
    _expected(
        "is an invitation",
        rf"(?:invitation|calendar){_NAME}",
        lambda mail: any("Summary: " in each.text or "Method: " in each.text for each in mail.attachments),
        r"icalendar/src|in_header",
    ),
    _expected(
        "is read in its charset",
        rf"(?:charset|gbk|gb2312|koi8|ks_c_5601|iso[-_]?(?:2022|8859)|utf-?16|shift_?jis|big5|windows-?125){_NAME}",
        lambda mail: "\ufffd" not in mail.subject + mail.text,
        r"unk-charset|invalid|incorrect|fail",
    ),
    _expected("names several addressees", rf"multi[-_](?:to|recipients?){_NAME}", lambda mail: len(mail.to) > 1, "dsn"),
)


_HISTORY = (
    r"embedded_email|forwarded_|email_headers_|multi_?line|original_message|email_gmail|multi_header|quote_only|"
    r"email_(?:danish|finnish|french|fr|german|italian|norwegian|portuguese|russian|swedish|polish|pl|sv|zoho|msn|ios)_?|"
    r"(?:reply|forward)(?:_unescaped_address)?\.html|html_replies/|standard_replies/.*eml|custome?r?_quote_header|"
    r"quote_header|nested_quotes|quote_without_header"
)
BY_NAME_OF_TEXT = (
    _expected("has history", _HISTORY, lambda mail: mail.quoted_text != ""),
    _expected(
        "has no history",
        r"false_positive|from_in_body|url_with_wrote|timestamp_variations|/text_only|/strip\.",
        lambda mail: mail.quoted_text == "",
    ),
    _expected(
        "has a signature",
        r"correct_sig|email_iphone|blackberry|sent_from_my_mobile|double_signature|unicode_signatures|usenet|/signatures",
        lambda mail: mail.signature_text != "",
    ),
    _expected(
        "has no signature",
        r"not_signature|not_a_signature_2|regards_in_sentence|multiple_dashes|sent_from_in_content|code_block|middle_of_line",
        lambda mail: mail.signature_text == "",
    ),
)


def fulfilled(path: str, mail: ParsedMail, *, is_text: bool = False) -> list[tuple[str, bool]]:
    """What the name of the mail says, or that of a mere text, and whether it is so."""
    by_name = BY_NAME_OF_TEXT if is_text or "standard_replies/" in path else BY_NAME
    fits = (each for each in by_name if each.pattern.search(path) and not each.unless.search(path))
    return [(each.says, each.holds(mail)) for each in fits]


_LETTERS = re.compile(r"mnako\+letters/tests/test_([a-z]+)_(?:multipart|plaintext)")
_LINE_ENDS = re.compile(r"(sisimai\+set-of-emails/maildir)/(?:bsd|dos|mac)/(.*)")
_FAKE = re.compile(r"(Unstructured.*)/fake-email(?:-b64|-utf-16(?:-[bl]e)?)?\.(?:eml|txt)")


def same_text(path: str) -> str | None:
    """The group of mails with one text that this one belongs to: other encodings of it, other line ends."""
    for pattern in (_LETTERS, _LINE_ENDS, _FAKE):
        match = pattern.fullmatch(path) if pattern is not _LETTERS else pattern.match(path)
        if match:
            return "/".join(match.groups())
    return None


def outliers(texts: Mapping[str, str]) -> Iterable[str]:
    """The paths of those whose words differ from those of most others of their group."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for path, text in texts.items():
        group = same_text(path)
        if group:
            groups[group][path] = " ".join(text.split())
    for members in groups.values():
        usual, _ = Counter(members.values()).most_common(1)[0]
        yield from (path for path, text in members.items() if text != usual)
