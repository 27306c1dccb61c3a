"""How the slugs of the taxonomy, the life cycle and the trail are called on a page."""

from collections.abc import Mapping, Sequence
from functools import cache

from flask import Flask
from flask_babel import LazyString, get_locale, gettext, ngettext
from flask_babel import lazy_gettext as _l

from desk.language import here, in_the_readers_language

KINDS = {
    "melding": _l("Report"),
    "advies": _l("Wants advice"),
    "klacht": _l("Other complaint"),
    "aanvulling": _l("Addition"),
    "overig": _l("Other"),
}
CATEGORIES = {
    "belangenverstrengeling": _l("Conflict of interest"),
    "informatiemisbruik": _l("Misuse of information"),
    "strafbaar_feit": _l("Criminal offence"),
    "pesten": _l("Bullying"),
    "overschrijdend_gedrag": _l("Transgressive behaviour"),
    "intimidatie": _l("Intimidation"),
    "discriminatie": _l("Discrimination"),
    "machtsmisbruik": _l("Improper use of powers"),
}
SUBS = {
    "diefstal": _l("theft"),
    "verduistering": _l("embezzlement"),
    "fraude": _l("fraud"),
    "corruptie": _l("corruption"),
    "seksueel": _l("sexual"),
    "huidskleur": _l("skin colour"),
    "achtergrond": _l("background"),
    "geaardheid": _l("orientation"),
    "geslacht": _l("gender"),
    "leeftijd": _l("age"),
    "religie": _l("religion"),
    "handicap": _l("disability"),
}
SEVERITIES = {
    "laag": _l("Low"),
    "midden": _l("Medium"),
    "hoog": _l("High"),
    "acuut": _l("Acute"),
}
MISSING = {
    "concerned_name": _l("Name of the person concerned"),
    "concerned_function": _l("Function of the person concerned"),
    "description": _l("Description"),
    "address": _l("Postal address"),
    "phone": _l("Phone number"),
    "email": _l("E-mail address"),
}
STATUSES = {
    "received": _l("Received"),
    "assessing": _l("Being assessed"),
    "awaiting_reporter": _l("Waiting for the reporter"),
    "investigating": _l("Being investigated"),
    "handled_in_line": _l("Handled in the line"),
    "referred": _l("Referred"),
    "closed": _l("Closed"),
    "merged": _l("Merged"),
    "set_aside": _l("Set aside"),
    "destroyed": _l("Being destroyed"),
}
STATUSES_MEAN = {
    "received": _l("Nobody took it up yet."),
    "assessing": _l("The desk finds out what it is about and what has to be done."),
    "awaiting_reporter": _l("The desk asked the reporter something and waits for the answer."),
    "investigating": _l("Somebody finds out whether it is so."),
    "handled_in_line": _l("A manager of the organisation solves it."),
    "referred": _l("Somebody outside the desk handles it from now on."),
    "closed": _l("The desk is done with it. Say how it ended and who approved that."),
    "set_aside": _l("It is no report, such as advertising or a mistake. Nothing is due any more."),
}
OUTCOMES = {
    "substantiated": _l("Substantiated"),
    "partly_substantiated": _l("Partly substantiated"),
    "unsubstantiated": _l("Not substantiated"),
    "not_investigated": _l("Not investigated"),
    "handled_in_line": _l("Handled in the line"),
    "referred": _l("Referred"),
    "withdrawn": _l("Withdrawn by the reporter"),
}
DUES = {
    "receipt": _l("Receipt"),
    "urgent_look": _l("Look today"),
    "first_look": _l("First look"),
    "first_message": _l("First personal message"),
    "feedback": _l("Feedback to the reporter"),
    "reminder": _l("Reminder to the reporter"),
    "given_notice": _l("Notice to the member who was given the case"),
    "destroy_notice": _l("Notice of the destruction"),
    "destroy": _l("Destruction"),
}
DONE_REASONS = {
    "done": _l("Done"),
    "no_way": _l("The reporter cannot be reached"),
    "unwanted": _l("Not wished for, or it would endanger the reporter"),
    "no_report": _l("This is no report"),
    "sent": _l("By a letter that was sent"),
}
AUTOMATIC = {
    "auto_reply": _l("Automatic reply"),
    "bounce": _l("Delivery report"),
    "list": _l("Mailing list"),
}
WAYS = {
    "letter": _l("By letter"),
    "telephone": _l("By telephone"),
    "in_person": _l("In person"),
}
"""How a report came that did not come by mail."""
MINUTES_ANSWERS = {
    "approved": _l("Approved as they are"),
    "corrected": _l("Approved with corrections"),
}
OUTGOING = {
    "receipt": _l("Confirmation of receipt"),
    "reminder": _l("Reminder of what is missing"),
    "notice": _l("Notice to the coordinator"),
    "letter": _l("Letter to the reporter"),
}
PURPOSES = {
    "ask": _l("Ask for what is missing"),
    "minutes": _l("Minutes of a conversation, to be approved"),
    "status": _l("Say where it stands"),
    "feedback": _l("Feedback: what is done, and why"),
    "referral": _l("Refer to somebody else"),
    "closing": _l("Say that it is finished"),
    "other": _l("Something else"),
}
LETTER_LANGUAGES = {"nl": _l("Dutch"), "en": _l("English")}
"""What letters can begin in: a language for each catalogue of mail."""
LETTER_PLACES = {
    "received": _l("when the reporter's message came"),
    "reference": _l("the reference of the case"),
    "answer_by": _l("the day on which feedback is due"),
    "missing": _l("a list of what is missing, or a place to fill it in"),
    "minutes": _l("the minutes of a conversation, or a place to fill them in"),
    "where_to": _l("where the reporter can turn to, by the kind of their message"),
    "desk": _l("the name of the desk"),
    "organisation": _l("the name of the organisation"),
    "support_point": _l("the external support point"),
    "complaints": _l("where other complaints go"),
}
NO_WAY = {
    "closed": _l("Who reported is closed to you, and a letter would need their address. Ask a coordinator to write."),
    "unknown": _l(
        "No address of the reporter is known. If you learned it in another way, write it down under Reporter; then you "
        "can write from here."
    ),
    "false_sender": _l(
        "The domain of the sender's address says that this message does not come from there, so a letter may reach "
        "somebody who wrote nothing. When you know the reporter's address for sure, write it down under Reporter; then "
        "you can write from here."
    ),
    "machine": _l(
        "A machine sent this, a web form for instance, and an answer would not reach the reporter. When you know their "
        "address, write it down under Reporter; then you can write from here."
    ),
    "merged": _l("This case was merged into another. Write from that one."),
}
"""Why no letter can go to the reporter of a case."""
OUTGOING_STATES = {
    "held": _l("Waits for your approval"),
    "queued": _l("Queued"),
    "sending": _l("Being sent"),
    "sent": _l("Sent"),
    "uncertain": _l("Uncertain whether it was sent"),
    "failed": _l("Could not be delivered"),
    "cancelled": _l("Withdrawn"),
}
HELD_REASONS = {
    "dmarc_fail": _l("The sender's domain says that the message is not from there"),
    "spf_fail": _l("The sender's domain says that the message is not from there"),
    "imported": _l("The message was imported"),
    "first_connection": _l("The message lay there when Meldpost first looked"),
    "too_old": _l("The message is old"),
    "cap_address": _l("This address got many already"),
    "cap_case": _l("This case got many already"),
    "cap_domain": _l("Many were sent to this domain"),
    "cap_total": _l("Many were sent in a short time"),
}
MESSAGE_STATES = {
    "read": _l("Read"),
    "unreadable": _l("Could not be read"),
    "too_large": _l("Too large to read"),
}
RECORDS = {
    "card": _l("the line in the queue"),
    "decisions": _l("decisions on the report"),
    "first_look": _l("the first look"),
    "outcome": _l("the outcome"),
    "approval": _l("the answer to the minutes"),
    "corrections": _l("the corrections of the minutes"),
    "contact": _l("the reporter's contact details"),
}
"""What there is one of in each case, and only Meldpost and members write."""
RECORD_KINDS = {
    **RECORDS,
    "raw": _l("the message as it came"),
    "message": _l("the message as it was written"),
    "attachment": _l("an attachment"),
    "outgoing": _l("a mail to the reporter"),
    "draft": _l("the draft of a letter"),
    "enclosure": _l("a file that goes with a letter"),
    "report": _l("what the machine made of a message"),
    "masked": _l("the masked text of a message"),
    "note": _l("a note"),
    "note_draft": _l("the draft of a note"),
    "merger": _l("the merging with another case"),
    "access": _l("who opens the case"),
    "member": _l("name and role of a member"),
    "profile": _l("name and role of a member, for themselves"),
    "model": _l("a model of the desk's own"),
    "models": _l("the list of the desk's own models"),
    "declaration": _l("a declaration of destruction"),
    "order": _l("an order to destroy the case"),
    "figures": _l("what stays of the case for the yearly report"),
    "given_figures": _l("the figures of a year"),
    "letter_text": _l("a text of letters"),
}
"""Every kind of sealed record, as the audit trail calls it."""
MARKS = {
    "encrypted": _l("encrypted"),
    "virus": _l("virus found"),
    "false_sender": _l("sender may be false"),
}
"""What the queue says of a case beside what it is about."""
FLAGS = {
    "message_id_seen_before": _l("another message came with the same Message-ID"),
    "dmarc_fail": _l("sender may be false"),
    "spf_fail": _l("sender may be false"),
    "reply_to_elsewhere": _l("answers go elsewhere"),
    "several_senders": _l("names several senders"),
    "no_sender": _l("names no sender"),
}
LOCKED = {
    "no_key": _l("The desk has no key to open it with."),
    "wrong_key": _l("It was made for another key than the desk's."),
    "broken": _l("It is damaged."),
    "unsupported": _l("Meldpost does not know this kind of encryption."),
    "too_deep": _l("It is wrapped more often than Meldpost unwraps."),
    "bounds": _l("To open it takes more than Meldpost spends on one message."),
    "": _l("Why is not known."),
}
"""Why an encrypted message could not be opened."""
SIGNATURES = {
    "valid": _l("signature fits"),
    "invalid": _l("signature does not fit"),
    "unknown_key": _l("signature not checked"),
    "unchecked": _l("signature not checked"),
}
SIGNATURES_MEAN = {
    "valid": _l("The message is as it was when the owner of this key signed it. Whose key that is, nobody checked."),
    "part": _l(
        "A part of the message is as it was when the owner of this key signed it; the rest may be anybody's. Whose key "
        "that is, nobody checked."
    ),
    "invalid": _l("The message was changed after it was signed, or signed with another key."),
    "unknown_key": _l("The key to check it with did not come along."),
    "unchecked": _l("Meldpost cannot check this kind of signature."),
}
KEY_KINDS = {
    "autocrypt": _l("OpenPGP key (Autocrypt)"),
    "openpgp": _l("OpenPGP key"),
    "smime": _l("S/MIME certificate"),
}
AUTHENTICATION = {
    "pass": _l(
        "The domain of the sender's address confirms that this message comes from there. Which person wrote it, it "
        "does not say."
    ),
    "fail": _l("The domain of the sender's address says that this message does not come from there."),
    "unknown": _l("Nothing confirms or denies that this message comes from the sender's address."),
}
FINDINGS = {
    "encrypted": _l("Protected with a password: its text could not be read."),
    "macros": _l("Holds macros, small programs: do not open it on an ordinary computer."),
    "program": _l("Is or holds a program: do not open it."),
    "bounds": _l("Unpacks to far more than its size: not unpacked. Be careful with it."),
    "broken": _l("Damaged, or not what it says it is."),
    "cut": _l("Very long: only the first part was read."),
    "ocr": _l("The text was read off a picture and may have errors."),
    "no_text": _l("Pictures in it were looked at, but no text could be read in them."),
    "unsupported": _l("A kind of file that Meldpost does not read."),
    "no_time": _l("Not read: the other files took all the time there was."),
}
FILE_TYPES = {
    "application/pdf": _l("PDF"),
    "application/msword": _l("Word document"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _l("Word document"),
    "application/vnd.ms-word.document.macroenabled.12": _l("Word document"),
    "application/vnd.ms-excel": _l("Excel workbook"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _l("Excel workbook"),
    "application/vnd.ms-excel.sheet.macroenabled.12": _l("Excel workbook"),
    "application/vnd.ms-powerpoint": _l("PowerPoint presentation"),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": _l("PowerPoint presentation"),
    "application/vnd.oasis.opendocument.text": _l("OpenDocument text"),
    "application/rtf": _l("RTF document"),
    "text/rtf": _l("RTF document"),
    "application/ms-tnef": _l("Outlook package"),
    "application/vnd.ms-tnef": _l("Outlook package"),
    "application/vnd.ms-outlook": _l("Outlook message"),
    "message/rfc822": _l("E-mail message"),
    "message/global": _l("E-mail message"),
    "application/zip": _l("ZIP archive"),
    "application/x-zip-compressed": _l("ZIP archive"),
    "text/plain": _l("Text"),
    "text/html": _l("Web page"),
    "text/calendar": _l("Calendar entry"),
    "application/octet-stream": _l("file of unknown kind"),
    "application/pkcs7-mime": _l("encrypted content"),
    "application/x-pkcs7-mime": _l("encrypted content"),
    "application/pgp-encrypted": _l("encrypted content"),
    "application/pkcs7-signature": _l("signature (technical)"),
    "application/x-pkcs7-signature": _l("signature (technical)"),
    "application/pgp-signature": _l("signature (technical)"),
    "message/delivery-status": _l("delivery report (technical)"),
    "message/global-delivery-status": _l("delivery report (technical)"),
    "message/disposition-notification": _l("delivery report (technical)"),
    "text/rfc822-headers": _l("mail header (technical)"),
    "message/global-headers": _l("mail header (technical)"),
}
FILE_FAMILIES = {
    "image": _l("Picture"),
    "audio": _l("Sound"),
    "video": _l("Video"),
}
SCANS = {
    "clean": _l("The virus scanner found nothing."),
    "unscanned": _l("Not checked for viruses."),
}
FIELDS = {
    "kind": _l("Kind"),
    "primary": _l("Main category"),
    "categories": _l("Categories"),
    "severity": _l("Severity"),
    "concerned": _l("Persons concerned"),
    "missing": _l("Missing"),
    "first_look": _l("First look"),
    "status": _l("Status"),
    "note": _l("Note"),
    "contact": _l("Contact details"),
}

PARTS = {
    "evidence": _l("what a suggested category rests on"),
    "concerned": _l("person concerned"),
    "function": _l("function"),
    "reporter": _l("reporter"),
    "phone": _l("phone"),
    "address": _l("address"),
    "email": _l("e-mail"),
}
"""What is marked in a text."""

ROLES = {
    "coordinator": _l("coordinator"),
    "deputy": _l("deputy coordinator"),
    "investigator": _l("investigator"),
    "adviser": _l("support-point adviser"),
    "secretary_general": _l("secretary-general"),
    "auditor": _l("auditor"),
    "administrator": _l("administrator"),
}
ACTS = {
    "add_member": _l("Access for a member"),
    "recovery": _l("Access by the recovery pages"),
    "export": _l("Taking cases out of Meldpost"),
    "destroy": _l("Destroying a case before its time"),
}
ROLE_TELLS = {
    "coordinator": _l("You read and handle every case of the desk, and say who else may."),
    "deputy": _l("You read and handle every case of the desk, and say who else may, as its coordinator does."),
    "investigator": _l("You read and handle the cases that a coordinator gave to you, and no others."),
    "adviser": _l("You read and handle every case of your support point, and say who else may."),
    "secretary_general": _l("You read the cases that a coordinator put before you, and the figures of the desk."),
    "auditor": _l("You read the trail of who did what, and the figures of the desk. You open no case."),
    "administrator": _l("You keep the system running and see how it is doing. You open no case."),
}
ACTIONS = {
    "intake": _l("a message came in"),
    "entered": _l("entered a report that did not come by mail"),
    "receipt_decided": _l("decided on a receipt"),
    "record": _l("wrote a sealed record"),
    "resealed": _l("sealed a record to another key"),
    "detail_resealed": _l("sealed a detail of the trail to another key"),
    "keys_anew": _l("made the keys of a case anew"),
    "keys_destroyed": _l("destroyed old keys of a case"),
    "access_granted": _l("gave a member a case"),
    "access_withdrawn": _l("took a case from a member"),
    "shut_out": _l("kept a member out of a case"),
    "identity_opened": _l("opened who reported"),
    "look": _l("looked at a case"),
    "found": _l("saw passages of a case in a search"),
    "look_refused": _l("was refused a look"),
    "look_list": _l("looked at a list of cases"),
    "download": _l("downloaded a file"),
    "translated": _l("had a message translated"),
    "safe_copy": _l("downloaded a safe copy of a file"),
    "read_again": _l("had a message read again"),
    "decide": _l("decided on a part of the report"),
    "first_look": _l("answered the first look"),
    "decision_undone": _l("undid a decision on a part of the report"),
    "first_look_undone": _l("took back the answers of the first look"),
    "minutes_answered": _l("noted what the reporter answered to the minutes"),
    "minutes_unanswered": _l("took back what was noted of the minutes"),
    "status": _l("changed the status"),
    "due_done": _l("said that something due is done"),
    "due_reopened": _l("took back that something is done"),
    "taken": _l("took a case, or gave it to a member"),
    "given_back": _l("gave a case back, or took it from a member"),
    "merged": _l("merged a case into another"),
    "merged_here": _l("merged another case into one"),
    "merger_undone": _l("undid the merging of two cases"),
    "split_off": _l("made a message a case of its own"),
    "split_from": _l("made a case of a message of another"),
    "note": _l("added a note"),
    "release": _l("let a receipt go"),
    "mail_queued": _l("a mail was written"),
    "mail_sent": _l("a mail was sent"),
    "mail_failed": _l("a mail could not be delivered"),
    "mail_uncertain": _l("a mail may have been sent"),
    "mail_cancelled": _l("a mail was withdrawn"),
    "login": _l("logged in"),
    "login_failed": _l("failed to log in"),
    "logout": _l("logged out"),
    "session_ended": _l("ended a session of a member"),
    "desk_created": _l("the desk was made"),
    "trail_chained": _l("the trail has hashes from here on"),
    "member_added": _l("added a member"),
    "member_left": _l("a member left"),
    "member_returned": _l("a member came back"),
    "member_role": _l("gave a member another role"),
    "desk_key_taken": _l("took the desk's key from a member"),
    "passphrase": _l("chose a new passphrase"),
    "rotation_begun": _l("made the desk's key anew"),
    "desk_key_destroyed": _l("an old key of the desk was destroyed"),
    "second_factor_set": _l("set a second factor"),
    "second_factor_removed": _l("removed a second factor"),
    "second_factor_reset": _l("took away a member's second factors"),
    "second_factor_failed": _l("failed at the second factor"),
    "recovery_code_used": _l("used a code for emergencies"),
    "passkey_added": _l("added a passkey"),
    "passkey_removed": _l("removed a passkey"),
    "passkey_used": _l("used a passkey"),
    "passkey_unlocks": _l("let a passkey open their access by itself"),
    "passkey_refused": _l("was refused with a passkey"),
    "recovery_renewed": _l("made the recovery key anew"),
    "recovery_key_ended": _l("an old recovery key was destroyed"),
    "hold_set": _l("kept a case from destruction"),
    "hold_lifted": _l("let a case be destroyed again"),
    "destroy_ordered": _l("had a case destroyed before its time"),
    "destroy_begun": _l("the destruction of a case began"),
    "destroyed": _l("a case was destroyed"),
    "declared": _l("a declaration of destruction was made"),
    "figures_given": _l("gave figures to who reads figures alone"),
    "backed_up": _l("a backup was begun, with all sealed keys"),
    "backup_of_then": _l("is the moment of the backup that was put back in the next row"),
    "restored": _l("a backup was put back: what was written after its moment is not there"),
    "outbox_resumed": _l("let mail go out again"),
    "recovered": _l("gave access by the recovery key"),
    "consent_asked": _l("asked for consent"),
    "consent_given": _l("gave consent"),
    "consent_taken_back": _l("took consent back"),
    "consent_used": _l("used consent"),
    "taught": _l("had the model learn from a case"),
    "model_trained": _l("trained a model"),
    "model_refused": _l("a model did worse and was refused"),
    "model_chosen": _l("chose a model"),
    "model_withdrawn": _l("a model was withdrawn"),
}
"""What the rows of the trail tell, after the name of who did it."""

VERDICTS = {"fine": _l("Good"), "note": _l("Worth a look"), "wrong": _l("Act")}
WRONGS = {
    "changed": _l("Changed"),
    "removed": _l("Removed"),
    "inserted": _l("Inserted"),
    "reordered": _l("In another order"),
    "checkpoint_forged": _l("Forged"),
    "checkpoint_removed": _l("Removed"),
    "checkpoint_differs": _l("Two that differ"),
    "case_removed": _l("Removed, and not destroyed by Meldpost"),
}
TABLES: Mapping[str, Mapping[str, LazyString]] = {
    "action": ACTIONS,
    "verdict": VERDICTS,
    "wrong": WRONGS,
    "role": ROLES,
    "act": ACTS,
    "role_tells": ROLE_TELLS,
    "kind": KINDS,
    "category": CATEGORIES,
    "sub": SUBS,
    "severity": SEVERITIES,
    "missing": MISSING,
    "status": STATUSES,
    "outcome": OUTCOMES,
    "due": DUES,
    "done_reason": DONE_REASONS,
    "automatic": AUTOMATIC,
    "way": WAYS,
    "minutes_answer": MINUTES_ANSWERS,
    "outgoing": OUTGOING,
    "purpose": PURPOSES,
    "letter_language": LETTER_LANGUAGES,
    "letter_place": LETTER_PLACES,
    "no_way": NO_WAY,
    "outgoing_state": OUTGOING_STATES,
    "held_reason": HELD_REASONS,
    "message_state": MESSAGE_STATES,
    "record": RECORDS,
    "record_kind": RECORD_KINDS,
    "flag": FLAGS,
    "locked": LOCKED,
    "signature": SIGNATURES,
    "signature_means": SIGNATURES_MEAN,
    "key_kind": KEY_KINDS,
    "authentication": AUTHENTICATION,
    "finding": FINDINGS,
    "scan": SCANS,
    "mark": MARKS,
    "field": FIELDS,
    "part": PARTS,
}


def name(slug: str | None, table: str) -> str:
    """The word for a slug in the language of the page; the slug itself where there is none, so that nothing hides."""
    if slug is None:
        return str(gettext("unknown"))
    return _word(slug, table, here()) if slug in TABLES[table] else str(slug)


@cache
def _word(slug: str, table: str, _language: str) -> str:
    """Looked up once for each language: a page of the queue names hundreds."""
    return str(TABLES[table][slug])


def file_type(content_type: str) -> str:
    """What a file claims to be, as people call that; the content type itself where they have no word for it."""
    return _usual_type(content_type.lower()) or content_type


def files_that_came(content_types: Sequence[str]) -> str:
    """How many files, and of what kinds, as far as people have a word for those: a stranger's own word is not said."""
    counted = ngettext("%(num)s attachment", "%(num)s attachments", len(content_types))
    other = str(gettext("another kind"))
    kinds = dict.fromkeys(_usual_type(each.lower()) or other for each in content_types)
    return f"{counted} ({', '.join(kinds)})"


def _usual_type(claimed: str) -> str:
    return str(FILE_TYPES.get(claimed) or FILE_FAMILIES.get(claimed.partition("/")[0]) or "")


def spoken(code: str | None) -> str:
    """The name of a language in the language of the page; its code where there is none."""
    locale = get_locale()
    return str(locale.languages.get(code, code)) if locale and code else str(gettext("unknown"))


def term(text: str) -> str:
    """A term of the retention table, such as "10 years"."""
    number, _, unit = text.partition(" ")
    if not unit:
        return str(gettext("for good"))
    count = int(number)
    match unit.removesuffix("s"):
        case "day":
            return str(ngettext("%(num)s day", "%(num)s days", count))
        case "month":
            return str(ngettext("%(num)s month", "%(num)s months", count))
        case _:
            return str(ngettext("%(num)s year", "%(num)s years", count))


def teach(app: Flask) -> None:
    """Give the templates `{{ slug|name("kind") }}` and `{{ content_type|file_type }}`."""
    app.jinja_env.filters.update(
        name=in_the_readers_language(name),
        file_type=in_the_readers_language(file_type),
        files_that_came=in_the_readers_language(files_that_came),
        spoken=in_the_readers_language(spoken),
        term=in_the_readers_language(term),
    )
