"""What goes to a reporter on paper: the receipt, and the minutes of a conversation. As blocks, for the desk to print.

A letter on paper is opened by who it is for, so it may say more than a mail; all the same the receipt holds no word of
the report.
"""

from collections.abc import Sequence
from datetime import date, datetime

from config.settings import DeskSettings
from config.taxonomy import ABOUT_THE_REPORTER, MissingField
from notify.catalogue import Catalogue, catalogue_for
from notify.document import Block, Document, Heading, Items, Paragraph


def paper_receipt(
    desk: DeskSettings,
    language: str,
    *,
    reference: str,
    received_on: date,
    feedback_by: date,
    missing: Sequence[MissingField] = (),
    anonymous: bool = False,
) -> Document:
    """The receipt of a report, as a letter."""
    catalogue = catalogue_for(language)
    say = _Sentences(
        desk,
        catalogue,
        reference=reference,
        received=catalogue.date(received_on),
        feedback_by=catalogue.date(feedback_by),
    )
    asked = [field for field in missing if not (anonymous and field in ABOUT_THE_REPORTER)]
    blocks: list[Block] = [
        *say.paragraphs("greeting", "paper_opening", "paper_reference", "danger"),
        Heading(say("next_heading")),
        *say.paragraphs("next_full", "feedback_by"),
    ]
    if asked:
        blocks += [Heading(say("missing_heading")), *say.paragraphs("missing")]
        blocks += [Items(tuple(catalogue.fields[field.value] for field in asked)), *say.paragraphs("incomplete")]
    blocks += [
        *say.paragraphs("paper_how_to_add", *(["anonymous"] if anonymous else [])),
        Heading(say("no_consequences_heading")),
        *say.paragraphs("no_consequences"),
        Heading(say("help_heading")),
        *say.paragraphs("support", "about_coordinator", "signature"),
    ]
    return Document(catalogue.language, catalogue.subjects["receipt"], tuple(blocks))


def paper_minutes(desk: DeskSettings, language: str, *, reference: str, held_at: datetime, minutes: str) -> Document:
    """The minutes of a conversation, to be checked, corrected and signed (directive (EU) 2019/1937 art. 18(4))."""
    catalogue = catalogue_for(language)
    held = catalogue.date(held_at.date())
    say = _Sentences(desk, catalogue, reference=reference, received=held)
    blocks = [
        *say.paragraphs("greeting", "letter_minutes", "paper_reference"),
        *(Paragraph(part.strip()) for part in minutes.split("\n\n") if part.strip()),
        *say.paragraphs("paper_minutes_sign", "paper_signature_line", "signature"),
    ]
    return Document(catalogue.language, catalogue.subjects["letter"], tuple(blocks))


class _Sentences:
    """The sentences of one language, filled in for one desk."""

    def __init__(self, desk: DeskSettings, catalogue: Catalogue, **values: str) -> None:
        self._catalogue = catalogue
        self._values = {
            "desk": desk.name_in.get(catalogue.language, desk.name),
            "organisation": desk.organisation_in.get(catalogue.language, desk.organisation),
            "about_coordinator": desk.texts.about_coordinator,
            "support_point": desk.texts.support_point,
            "emergency": desk.texts.emergency,
            "address": ", ".join(filter(None, (desk.postal_address, desk.address))),
        } | values

    def __call__(self, name: str) -> str:
        return self._catalogue.sentences[name].format_map(self._values)

    def paragraphs(self, *names: str) -> list[Paragraph]:
        return [Paragraph(self(name)) for name in names]
