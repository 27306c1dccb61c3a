"""Writing to the reporter: begin from a text, edit, preview with warnings, send now or later, take back.

To whom a letter goes is found when it is sent and shown on no page: who writes need not know who reported.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from mimetypes import guess_type

from flask import Blueprint, Flask, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from cases.giveaways import Giveaways, giveaways
from cases.letters import Purpose, follows, leads_to
from cases.roles import May
from cases.terms import DueKind
from config.settings import DeskSettings
from config.taxonomy import ABOUT_THE_REPORTER, Kind, MissingField
from desk import case, drafts, gate, identity, presence, ways
from desk.attachments import FILE_POLICY, disposition
from desk.forms import LetterForm, SendForm
from desk.language import moment, switched, zone
from desk.parts import parts
from desk.security import BODY_LIMIT
from desk.telling import Piece, pieces
from desk.words import LETTER_LANGUAGES
from notify.catalogue import catalogue_for
from notify.letters import LetterFacts, compose_letter, offered, places_left, subject_of
from notify.mime import File
from store import letter_texts, letters
from store.casework import CaseMessage, CaseView
from store.changes import Changed
from store.database import clock
from store.keyring import DeskPublicKeys, desk_keys, pins_of
from store.letters import CannotBeSent, Draft, DraftChanged, Enclosure, NoWay, Recipient, TooLate, Written
from store.outbox import OutboxState, OutgoingKind
from store.presence import Doing

blueprint = Blueprint("letters", __name__, url_prefix="/cases/<case_id>/letter")
blueprint.before_request(gate.require(May.WRITE))

Answer = AnyResponse | str | tuple[str, int]

MOST_FILES = 20
LONGEST_FILE_NAME = 150


def admit_files(app: Flask) -> None:
    """Let members, and nobody else, send more than a form where a letter takes files."""

    @app.before_request
    def allow() -> None:
        if request.endpoint == "letters.write" and g.get("ring") is not None:
            request.max_content_length = BODY_LIMIT + parts().settings.rules.letter_max_bytes


@blueprint.get("")
def show(case_id: str) -> Answer:
    """The draft, or a text to begin from."""
    view = case.look(case_id)
    if why := _no_way(case_id):
        return _page(view, why=why)
    with parts().database.read() as transaction:
        kept = letters.draft_of(transaction, gate.ring(), case_id)
        version = letters.draft_version(transaction, gate.ring(), case_id)
    draft = kept or _begun(view, _likely_purpose(view), _language(view), version)
    known = request.args.get("known", draft.known, type=int)  # as far as the page of the case showed, who comes from it
    draft = replace(draft, known=min(max(known, 0), len(view.messages)))
    return _page(view, draft, _filled_in(draft))


@blueprint.post("")
def write(case_id: str) -> Answer:
    """Keep what was written, then do what the button says."""
    view, form = case.look(case_id), LetterForm()
    if why := _no_way(case_id):
        return _page(view, why=why)
    then = request.form.get("then", "keep")
    if switched():
        if not (form.text.data or "").strip():
            if not _sizes(form.files.data or ()):
                return redirect(url_for("letters.show", case_id=case_id), 303)
            form.text.validators = ()  # the files are kept all the same
        then = "keep"
    if then == "drop":
        return _dropped(case_id)
    with parts().database.read() as transaction:
        kept = letters.draft_of(transaction, gate.ring(), case_id)
    if then in ("begin", "back"):
        form.text.validators = ()
    draft = _as_sent(form, kept)
    if not form.validate() or not _fits(form, draft.files):
        return _page(view, draft, form), 400
    if then == "begin":
        draft = replace(draft, text=_offered(view, draft.purpose, draft.language), before=_set_aside(view, draft))
    if then == "back":
        draft = replace(draft, text=draft.before, before=_set_aside(view, draft))
    try:
        _keep(case_id, draft, form.files.data or (), then.removeprefix("remove-"))
    except DraftChanged:
        form.draft.data = _version_now(case_id)
        return _page(view, replace(draft, version=form.draft.data), form, changed=kept), 409
    if then == "preview":
        return redirect(url_for("letters.preview", case_id=case_id), 303)
    flash(_said_of(then, draft), "good")
    return redirect(url_for("letters.show", case_id=case_id), 303)


def _said_of(then: str, draft: Draft) -> str:
    if then == "begin" and draft.before:
        return str(gettext("Another text stands in your letter now. “Back to my text” gives you what you wrote."))
    return str(gettext("The draft is kept."))


@blueprint.post("/keep")
def keep(case_id: str) -> drafts.Answer:
    """Keep what was typed so far, as the page does by itself: the text, not the files that were chosen."""
    form = LetterForm()
    with parts().database.read() as transaction:
        kept = letters.draft_of(transaction, gate.ring(), case_id)
    if not form.validate():
        return drafts.not_kept()
    try:
        return drafts.kept(_keep(case_id, _as_sent(form, kept)))
    except DraftChanged:
        return drafts.changed_elsewhere()


@blueprint.get("/preview")
def preview(case_id: str) -> Answer:
    """The letter as it goes out, and what should be thought of before it does."""
    return _preview(case_id, SendForm(formdata=None))


@blueprint.post("/send")
def send(case_id: str) -> Answer:
    """Send the draft that was seen; who wrote another meanwhile, or did not look at a warning, sees it once more."""
    form = SendForm()
    view = case.look(case_id)
    sending = _to_be_sent(view)
    if sending is None:
        return redirect(url_for("letters.show", case_id=case_id), 303)
    if sending.draft.version != form.draft.data or not form.validate() or not sending.may_go(form):
        return _preview(case_id, form, view, sending)
    here = parts()
    when = None if form.when.data is None else form.when.data.replace(tzinfo=zone()).astimezone(UTC)
    now = here.clock()
    if when is not None and not now < when < now + timedelta(days=SendForm.MOST_DAYS):
        form.when.errors = [gettext("Fill in a moment between now and three months from now.")]
        return _preview(case_id, form, view, sending)
    try:
        with here.database.begin() as transaction:
            at_the_earliest = clock(transaction) + timedelta(seconds=here.settings.rules.undo_seconds)
            outbox_id = letters.send(
                *(transaction, gate.ring(), gate.index(), _keys(transaction).mailer, case_id),
                sending.written(transaction, now),
                version=form.version.data,
                known=form.known.data,
                not_before=max(when or at_the_earliest, at_the_earliest),
                now=now,
                move_on=bool(form.move_on.data),
            )
    except Changed:
        flash(gettext("The case was changed while you wrote. Look at it before you send your letter."), "warn")
        return redirect(url_for("letters.preview", case_id=case_id), 303)
    except CannotBeSent:
        return redirect(url_for("letters.show", case_id=case_id), 303)
    if when is None:
        flash(gettext("The letter is on its way. As long as it is queued you can take it back."), "good")
    else:
        flash(
            gettext("The letter goes out on %(moment)s. Until then you can take it back.", moment=moment(when)), "good"
        )
    return redirect(url_for("case.show", case_id=case_id, _anchor=f"letter-{outbox_id}"), 303)


@blueprint.post("/<outbox_id>/back")
def take_back(case_id: str, outbox_id: str) -> AnyResponse:
    """Take a letter back that did not go yet."""
    here = parts()
    place = url_for("case.show", case_id=case_id, _anchor=f"letter-{outbox_id}")
    try:
        with here.database.begin() as transaction:
            again = letters.take_back(transaction, gate.ring(), gate.index(), case_id, outbox_id, here.clock())
    except TooLate:
        flash(gettext("That is too late: the letter is gone already, or is being sent right now."), "warn")
        return redirect(place, 303)
    if again:
        flash(gettext("The letter is taken back. It is your draft again."), "good")
        return redirect(url_for("letters.show", case_id=case_id), 303)
    flash(gettext("The letter is taken back. Its text stays here."), "good")
    return redirect(place, 303)


@blueprint.get("/files/<file_id>")
def enclosed(case_id: str, file_id: str) -> Response:
    """A file of the member's draft; one of a letter of the case for who opened who reported. As it was given."""
    outgoing = case.look(case_id).outgoing
    with parts().database.read() as transaction:
        kept = letters.draft_of(transaction, gate.ring(), case_id)
    names = {one.id: one.name for one in (kept.files if kept else ())}
    if file_id not in names:
        identity.require(case_id)
        names |= {one["id"]: one["name"] for mail in outgoing for one in mail.files}
    with parts().database.read() as transaction:
        content = letters.file_content(transaction, gate.ring(), case_id, file_id)
    response = Response(content, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = disposition(names.get(file_id, "file"))
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@dataclass(frozen=True)
class ToBeSent:
    """A draft with all that goes with it. `left`: what the text still asks its writer to fill in."""

    view: CaseView
    draft: Draft
    recipient: Recipient
    subject: str
    left: tuple[str, ...]
    found: Giveaways

    @property
    def pieces(self) -> list[Piece]:
        """The letter with what it tells of the report marked."""
        return list(pieces(self.draft.text, self.found.places))

    @property
    def enclosed(self) -> list[str]:
        """The files of the report that go along under their own names."""
        return [each.name for each in self.draft.files if each.name in self.found.files]

    @property
    def came_back(self) -> bool:
        """Did mail to the reporter not arrive before?"""
        mails = (mail for mail in self.view.outgoing if mail.kind is not OutgoingKind.NOTICE)
        return any(mail.bounced or mail.state is OutboxState.FAILED for mail in mails)

    @property
    def came(self) -> Sequence[CaseMessage]:
        """The messages that came in since the letter was begun."""
        return self.view.messages[self.draft.known :]

    @property
    def moves_on(self) -> bool:
        """Is the status that such letters lead to likely meant? Not where its text became another, nor where the
        reporter wrote since the desk last did."""
        offered = _offered(self.view, self.draft.purpose, self.draft.language, minutes="")
        return follows(self.draft.text, offered) and not self.came and not _reporter_wrote_last(self.view)

    @property
    def warns(self) -> bool:
        return bool(self.found or self.came) or self.recipient.encrypted

    def may_go(self, form: SendForm) -> bool:
        if self.warns and not form.seen.data:
            form.seen.errors = [gettext("Say that you looked at the warning.")]
        return not self.left and (not self.warns or bool(form.seen.data))

    def written(self, session: Session, now: datetime) -> Written:
        """The mail. Raises CannotBeSent."""
        recipient = _recipient(session, self.view.case_id)
        if isinstance(recipient, NoWay):
            raise CannotBeSent(recipient)
        ring, case_id = gate.ring(), self.view.case_id
        files = [
            File(each.name, each.content_type, letters.file_content(session, ring, case_id, each.id))
            for each in self.draft.files
        ]
        mime = compose_letter(
            _desk(),
            to=recipient.address,
            subject=self.subject,
            language=self.draft.language,
            text=self.draft.text,
            files=files,
            in_reply_to=recipient.in_reply_to,
            references=recipient.references,
            now=now,
        )
        return Written(recipient, self.subject, mime, self.draft)


def _to_be_sent(view: CaseView) -> ToBeSent | None:
    """None where there is no draft, or nobody to send it to."""
    with parts().database.read() as transaction:
        draft = letters.draft_of(transaction, gate.ring(), view.case_id)
        recipient = _recipient(transaction, view.case_id)
    if draft is None or isinstance(recipient, NoWay):
        return None
    subject = subject_of(_desk(), draft.language, view.reference)
    left = places_left(draft.text, _own_text(draft.purpose, draft.language) or "")
    return ToBeSent(
        view,
        draft,
        recipient,
        subject,
        left,
        _found(view, draft),
    )


def _found(view: CaseView, draft: Draft) -> Giveaways:
    persons = view.report.get("concerned") or ()
    files = [about for message in view.messages for about in message.content.get("attachments") or ()]
    texts = [message.content.get("text") or message.masked_text for message in view.messages]
    return giveaways(
        draft.text,
        [each.name for each in draft.files],
        template=_offered(view, draft.purpose, draft.language, minutes=""),
        concerned=[value for person in persons for value in (person.get("name"), person.get("function")) if value],
        texts=[*texts, *(about.get("text") or "" for about in files)],
        files=[about["name"] for about in files if about.get("name")],
    )


def _preview(case_id: str, form: SendForm, view: CaseView | None = None, sending: ToBeSent | None = None) -> Answer:
    view = view or case.look(case_id)
    sending = sending or _to_be_sent(view)
    if sending is None:
        return redirect(url_for("letters.show", case_id=case_id), 303)
    if request.method == "GET":
        form.move_on.data = sending.moves_on
    body = render_template(
        "letter_preview.html",
        section="queue",
        view=view,
        here_now=presence.arrive(view, Doing.WRITING),
        sending=sending,
        form=form,
        after=leads_to(sending.draft.purpose, view.status),
        undo_seconds=parts().settings.rules.undo_seconds,
        timezone=zone().key,
    )
    return body, 400 if request.method == "POST" else 200


def _page(
    view: CaseView,
    draft: Draft | None = None,
    form: LetterForm | None = None,
    *,
    why: NoWay | None = None,
    changed: Draft | None = None,
) -> str:
    if form is not None:
        form.offer(_purposes(view))
    return render_template(
        "letter.html",
        section="queue",
        view=view,
        here_now=presence.arrive(view, Doing.WRITING),
        draft=draft,
        came=view.messages[draft.known :] if draft else (),
        form=form,
        why=why,
        changed=changed,
        most_bytes=parts().settings.rules.letter_max_bytes,
        files_lost=form is not None and bool(_sizes(form.files.data or ())),
    )


def _filled_in(draft: Draft) -> LetterForm:
    form = LetterForm(formdata=None)
    form.purpose.data, form.language.data = draft.purpose.value, draft.language
    form.text.data, form.draft.data, form.known.data = draft.text, draft.version, draft.known
    return form


def _as_sent(form: LetterForm, kept: Draft | None) -> Draft:
    """What stands in the form, with what only the draft that is kept knows."""
    purpose = Purpose(form.purpose.data) if form.purpose.data in set(Purpose) else Purpose.OTHER
    text = (form.text.data or "").replace("\r\n", "\n")
    language = catalogue_for(form.language.data or "").language
    files, before = (kept.files, kept.before) if kept else ((), "")
    return Draft(purpose, language, text, files, form.draft.data or 0, form.known.data or 0, before)


def _set_aside(view: CaseView, draft: Draft) -> str:
    """What the writer goes back to when another text takes the place of theirs: a text that nobody changed is not
    theirs."""
    offered = {_offered(view, purpose, language).strip() for purpose in Purpose for language in LETTER_LANGUAGES}
    return draft.before if draft.text.strip() in {"", *offered} else draft.text


def _fits(form: LetterForm, kept: Sequence[Enclosure]) -> bool:
    new = _sizes(form.files.data or ())
    if sum(new) + sum(each.size for each in kept) > parts().settings.rules.letter_max_bytes:
        form.files.errors = [gettext("These files are too large together. Send them in several letters.")]
    elif len(new) + len(kept) > MOST_FILES:
        form.files.errors = [gettext("That are too many files. Send them in several letters.")]
    return not form.files.errors


def _sizes(files: Iterable[FileStorage]) -> list[int]:
    sizes = []
    for each in files:
        if each.filename:
            sizes.append(each.stream.seek(0, 2))
            each.stream.seek(0)
    return sizes


def _keep(case_id: str, draft: Draft, new: Iterable[FileStorage] = (), unwanted: str = "") -> int:
    """Keep a draft with further files, and without the one that its writer takes off; gives the version that it has
    now. Raises DraftChanged."""
    here, ring, index = parts(), gate.ring(), gate.index()
    now = here.clock()
    with here.database.begin() as transaction:
        added = [
            letters.add_file(transaction, ring, index, case_id, *_about(each), each.read(), now)
            for each in new
            if each.filename
        ]
        removed = [each for each in draft.files if each.id == unwanted]
        for each in removed:
            letters.drop_file(transaction, ring, case_id, each)
        files = (*(each for each in draft.files if each not in removed), *added)
        return letters.keep_draft(transaction, ring, index, case_id, replace(draft, files=files), now).version


def _about(file: FileStorage) -> tuple[str, str]:
    """Name and kind of a file that was sent. Browsers of before sent the whole path."""
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2][-LONGEST_FILE_NAME:]
    return name or "file", guess_type(name)[0] or "application/octet-stream"


def _dropped(case_id: str) -> AnyResponse:
    with parts().database.begin() as transaction:
        letters.drop_draft(transaction, gate.ring(), case_id)
    flash(gettext("The draft is thrown away."), "good")
    return redirect(url_for("case.show", case_id=case_id, _anchor="conversation"), 303)


def _version_now(case_id: str) -> int:
    with parts().database.read() as transaction:
        return letters.draft_version(transaction, gate.ring(), case_id)


def begin_referral(view: CaseView, to: str) -> bool:
    """Keep a letter that refers the reporter `to` somebody (a choice of `desk/referrals.py`) as the member's draft.

    False: they are writing another already, or no letter can go to the reporter.
    """
    ring = gate.ring()
    with parts().database.begin() as transaction:
        writing = letters.draft_version(transaction, ring, view.case_id)
        if writing or isinstance(_recipient(transaction, view.case_id), NoWay):
            return False
        draft = _begun(view, Purpose.REFERRAL, _language(view), 0, to=to)
        letters.keep_draft(transaction, ring, gate.index(), view.case_id, draft, parts().clock())
    return True


def _begun(
    view: CaseView,
    purpose: Purpose,
    language: str,
    version: int,
    files: tuple[Enclosure, ...] = (),
    to: str | None = None,
) -> Draft:
    return Draft(purpose, language, _offered(view, purpose, language, to), files, version, len(view.messages))


_SURE = {"complaints": Kind.KLACHT, "advice": Kind.ADVIES}


def _offered(
    view: CaseView, purpose: Purpose, language: str, to: str | None = None, *, minutes: str | None = None
) -> str:
    """`to`: whom the reporter is referred to, where somebody said so; else the kind of the report tells. `minutes`: in
    the place of those of the case."""
    report = view.report
    feedback = next((due.due_at for due in view.dues if due.kind is DueKind.FEEDBACK), None)
    known = report.get("kind") if "kind" not in case.doubted(view) else None
    known = known if to is None else _SURE.get(to)
    elsewhere = next((each for each in _desk().referrals if each.name == to), None)
    return offered(
        _desk(),
        LetterFacts(
            purpose,
            language,
            view.received_at,
            view.reference,
            Kind(known) if known in set(Kind) else None,
            *_missing(view),
            bool(report.get("anonymous")),
            feedback.astimezone(zone()).date() if feedback and feedback > parts().clock() else None,
            elsewhere.text_in.get(language, elsewhere.text) if elsewhere else "",
            _minutes(view, purpose) if minutes is None else minutes,
        ),
        _own_text(purpose, language),
    )


def _own_text(purpose: Purpose, language: str) -> str | None:
    """The desk's own text for such letters; None where they begin with the one that Meldpost comes with."""
    with parts().database.read() as transaction:
        return letter_texts.text_of(transaction, gate.ring(), purpose, language)


def _minutes(view: CaseView, purpose: Purpose) -> str:
    """The minutes of a conversation, for who said why they open who reported."""
    return ways.minutes_of(view) if purpose is Purpose.MINUTES and identity.is_open(view.case_id) else ""


def _purposes(view: CaseView) -> list[Purpose]:
    """What a letter may be for here: minutes are of a conversation."""
    return [each for each in Purpose if each is not Purpose.MINUTES or ways.held_at(view) is not None]


def _likely_purpose(view: CaseView) -> Purpose:
    """What a letter would be for now: a link may say so, else what is missing does."""
    asked = request.args.get("purpose", "")
    if asked in _purposes(view):
        return Purpose(asked)
    sure, _ = _missing(view)
    about_others = [each for each in sure if not (view.report.get("anonymous") and each in ABOUT_THE_REPORTER)]
    return Purpose.ASK if about_others and not _reporter_wrote_last(view) else Purpose.STATUS


def _missing(view: CaseView) -> tuple[tuple[MissingField, ...], tuple[MissingField, ...]]:
    """What is missing by a person's word, or as surely as a receipt would name it; and what may be."""
    missing = tuple(MissingField(slug) for slug in view.report.get("missing") or () if slug in set(MissingField))
    if "missing" in view.decisions:
        return missing, ()
    scores, threshold = view.suggested.get("missing_scores") or {}, parts().settings.rules.ask_threshold
    sure = tuple(each for each in missing if scores.get(each, 0) >= threshold)
    return sure, tuple(each for each in missing if each not in sure)


def _reporter_wrote_last(view: CaseView) -> bool:
    """Did a further message come in since the last letter? What the case began with is none."""
    letters_at = [
        each.created_at
        for each in view.outgoing
        if each.kind is OutgoingKind.LETTER and each.state is not OutboxState.CANCELLED
    ]
    further = [each.taken_in_at for each in view.messages[1:] if not each.content.get("automatic")]
    return bool(further) and (not letters_at or max(further) > max(letters_at))


def _language(view: CaseView) -> str:
    """The language that the reporter wrote last."""
    written = (message.report.get("language") for message in reversed(view.messages) if not message.sender_is_new)
    return catalogue_for(next((each for each in written if each), None) or _desk().language).language


def _desk() -> DeskSettings:
    return parts().settings.desks[gate.ring().desk]


def _keys(session: Session) -> DeskPublicKeys:
    """Raises DeskKeyDiffers: nothing is sealed to a key that somebody put there."""
    return desk_keys(session, gate.ring().desk, pins_of(_desk()))


def _recipient(session: Session, case_id: str) -> Recipient | NoWay:
    return letters.recipient_of(session, gate.ring(), case_id, parts().settings.own_addresses())


def _no_way(case_id: str) -> NoWay | None:
    with parts().database.read() as transaction:
        found = _recipient(transaction, case_id)
    return found if isinstance(found, NoWay) else None
