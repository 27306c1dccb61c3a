"""The forms of the desk: what a person may send, and what is said when it makes no sense."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage, MultiDict
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    MultipleFileField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from cases.lifecycle import Status
from cases.minutes import MinutesAnswer
from cases.terms import BY_SAYING, DoneReason
from config.addresses import BadAddress, domain_to_ascii
from config.taxonomy import SUBS, Category, Severity
from desk.days import DayField, MomentField
from desk.words import (
    CATEGORIES,
    DONE_REASONS,
    KINDS,
    LETTER_LANGUAGES,
    MINUTES_ANSWERS,
    MISSING,
    OUTCOMES,
    PURPOSES,
    ROLES,
    SEVERITIES,
    STATUSES,
    WAYS,
)
from desk.words import SUBS as SUB_NAMES
from store import passkeys
from store.merging import MOST_CONCERNED
from store.second_factor import SECRET_BYTES

NOTE_LENGTH = 50_000
LINE_LENGTH = 300
ANSWER_LENGTH = 20_000
"""Of a passkey: some hundreds of bytes, and what its maker adds."""
SPARE_PERSONS = 2
LAST_VERSION = 2**31 - 1
"""What a column of the database holds."""
YES_NO = {"yes": _l("Yes"), "no": _l("No")}


def _strip(value: str | None) -> str:
    return (value or "").strip()


def _line(label: LazyString) -> StringField:
    too_long = Length(max=LINE_LENGTH, message=_l("That is too long."))
    return StringField(label, validators=[too_long], filters=[_strip])


def _choices(names: Mapping[str, LazyString]) -> list[SelectChoice]:
    return [SelectChoice(str(slug), label) for slug, label in names.items()]


class CaseForm(FlaskForm):  # type: ignore[misc]
    """Anything that changes a case carries the version of the case that its writer saw."""

    version = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(1, LAST_VERSION)])

    def show(self, report: Mapping[str, Any]) -> None:
        """Fill the form with what a report says. For forms that decide on a part of one."""
        raise NotImplementedError

    def decided(self) -> Any:
        """What was decided, in the shape of the report."""
        raise NotImplementedError


class LoginForm(FlaskForm):  # type: ignore[misc]
    desk = SelectField(_l("Desk"))
    login = StringField(
        _l("Name"),
        validators=[InputRequired(_l("Fill in your name.")), Length(max=LINE_LENGTH, message=_l("That is too long."))],
        filters=[_strip],
    )
    passphrase = PasswordField(
        _l("Passphrase"),
        validators=[
            InputRequired(_l("Fill in your passphrase.")),
            Length(max=LINE_LENGTH, message=_l("That is too long.")),
        ],
    )
    then = HiddenField()


def _passphrase(label: LazyString, missing: LazyString) -> PasswordField:
    too_long = Length(max=LINE_LENGTH, message=_l("That is too long."))
    return PasswordField(label, validators=[InputRequired(missing), too_long])


class RoleForm(FlaskForm):  # type: ignore[misc]
    role = SelectField(_l("Role"), choices=_choices(ROLES), validate_choice=False)

    def validate_role(self, field: SelectField) -> None:
        _must_be_among(field, ROLES)


class NewMemberForm(RoleForm):
    """A new member. Their passphrase stands in plain sight: it is offered, and has to be handed on."""

    login = StringField(
        _l("Name to log in with"),
        validators=[InputRequired(_l("Fill in a name.")), Length(max=64, message=_l("That is too long."))],
        filters=[_strip],
    )
    address = StringField(
        _l("E-mail address for notices"),
        validators=[InputRequired(_l("Fill in an address.")), Length(max=320, message=_l("That is too long."))],
        filters=[_strip],
    )
    passphrase = StringField(
        _l("Passphrase"),
        validators=[
            InputRequired(_l("Fill in a passphrase.")),
            Length(max=LINE_LENGTH, message=_l("That is too long.")),
        ],
        filters=[_strip],
    )


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The second factor of who logs in: a code of their app, or one of those for emergencies."""

    code = StringField(
        _l("Code"),
        validators=[InputRequired(_l("Fill in a code.")), Length(max=40, message=_l("That is too long."))],
        filters=[_strip],
    )
    then = HiddenField()


class TotpForm(FlaskForm):  # type: ignore[misc]
    """An app that makes codes is set up: the secret goes to the page and comes back with its first code."""

    secret = HiddenField()
    code = StringField(
        _l("Code that the app shows"),
        validators=[InputRequired(_l("Fill in a code.")), Length(max=40, message=_l("That is too long."))],
        filters=[_strip],
    )

    def given_secret(self) -> bytes | None:
        try:
            given = bytes.fromhex(self.secret.data or "")
        except ValueError:
            return None
        return given if len(given) == SECRET_BYTES else None


class PasskeyForm(FlaskForm):  # type: ignore[misc]
    """What the browser gives of a passkey, for `static/passkey.js` to fill in."""

    credential = HiddenField(
        validators=[
            InputRequired(_l("Your browser gave no passkey.")),
            Length(max=ANSWER_LENGTH, message=_l("That is too long.")),
        ]
    )
    then = HiddenField()


class NewPasskeyForm(PasskeyForm):
    """A passkey that a member adds, with a name to know it by."""

    name = StringField(
        _l("Name"),
        validators=[
            InputRequired(_l("Fill in a name.")),
            Length(max=passkeys.NAME_LENGTH, message=_l("That is too long.")),
        ],
        filters=[_strip],
    )


class UnlockForm(PasskeyForm):
    """What the browser gives of a passkey that opens by itself. `prf` is what it computed: as good as a passphrase."""

    desk = HiddenField()
    prf = HiddenField(validators=[InputRequired(_l("Your browser gave no passkey.")), Length(max=LINE_LENGTH)])


class LetUnlockForm(UnlockForm):
    passphrase = _passphrase(_l("Passphrase"), _l("Fill in your passphrase."))


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    """It is still the member who sits there."""

    passphrase = _passphrase(_l("Passphrase"), _l("Fill in your passphrase."))
    then = HiddenField()


class PassphraseForm(FlaskForm):  # type: ignore[misc]
    """Another passphrase of one's own."""

    before = _passphrase(_l("Passphrase of now"), _l("Fill in your passphrase."))
    after = _passphrase(_l("New passphrase"), _l("Fill in a passphrase."))
    repeated = _passphrase(_l("The new one once more"), _l("Fill in the new passphrase once more."))

    def validate_repeated(self, field: PasswordField) -> None:
        if field.data != self.after.data:
            raise ValidationError(_l("Those were two different ones."))


class KindForm(CaseForm):
    value = RadioField(_l("Kind"), choices=_choices(KINDS), validate_choice=False)

    def validate_value(self, field: RadioField) -> None:
        _must_be_among(field, KINDS)

    def show(self, report: Mapping[str, Any]) -> None:
        self.value.data = report.get("kind")

    def decided(self) -> str:
        return str(self.value.data)


class PrimaryForm(CaseForm):
    value = RadioField(
        _l("Main category"), choices=_choices({**CATEGORIES, "": _l("None of these")}), validate_choice=False
    )

    def validate_value(self, field: RadioField) -> None:
        _must_be_among(field, [*CATEGORIES, ""])

    def show(self, report: Mapping[str, Any]) -> None:
        self.value.data = report.get("primary") or ""

    def decided(self) -> str | None:
        return self.value.data or None


class SeverityForm(CaseForm):
    value = RadioField(_l("Severity"), choices=_choices(SEVERITIES), validate_choice=False)

    def validate_value(self, field: RadioField) -> None:
        _must_be_among(field, SEVERITIES)

    def show(self, report: Mapping[str, Any]) -> None:
        self.value.data = report.get("severity")

    def decided(self) -> str:
        return str(self.value.data)


class Checkboxes(SelectMultipleField):  # type: ignore[misc]
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _categories_and_subs() -> list[SelectChoice]:
    choices: list[SelectChoice] = []
    for category in Category:
        choices.append(SelectChoice(category.value, CATEGORIES[category]))
        choices.extend(SelectChoice(f"{category}.{sub}", SUB_NAMES[sub]) for sub in SUBS.get(category, ()))
    return choices


class CategoriesForm(CaseForm):
    """Categories and their finer labels as one list of ticks: `discriminatie`, `discriminatie.leeftijd`."""

    value = Checkboxes(_l("Categories"), choices=_categories_and_subs())
    main: str | None = None
    """The main category, which is one of these: of several others a person says which it is then."""

    def validate_value(self, field: Checkboxes) -> None:
        slugs = [entry["slug"] for entry in self.decided()]
        if self.main is not None and len(slugs) > 1 and self.main not in slugs:
            raise ValidationError(_l("The main category is not among these. Choose another main category first."))

    def show(self, report: Mapping[str, Any]) -> None:
        ticked: list[str] = []
        for entry in report.get("categories") or ():
            ticked.append(entry["slug"])
            ticked.extend(f"{entry['slug']}.{sub}" for sub in entry.get("sub") or ())
        self.value.data = ticked

    def decided(self) -> list[dict[str, Any]]:
        """A finer label brings its category along."""
        ticked = set(self.value.data or ())
        found = []
        for category in Category:
            subs = [sub for sub in SUBS.get(category, ()) if f"{category}.{sub}" in ticked]
            if subs or category.value in ticked:
                found.append({"slug": category.value, "sub": subs})
        return found


class MissingForm(CaseForm):
    value = Checkboxes(_l("Missing"), choices=_choices(MISSING))

    def show(self, report: Mapping[str, Any]) -> None:
        self.value.data = list(report.get("missing") or ())

    def decided(self) -> list[str]:
        ticked = set(self.value.data or ())
        return [field for field in MISSING if field in ticked]


class PersonForm(Form):  # type: ignore[misc]
    name = _line(_l("Name"))
    function = _line(_l("Function"))


class ConcernedForm(CaseForm):
    value = FieldList(FormField(PersonForm), label=_l("Persons concerned"))

    def validate_value(self, field: FieldList) -> None:
        if len(self.decided()) > MOST_CONCERNED:
            raise ValidationError(_l("That is too many; name those whom it is about most."))

    def show(self, report: Mapping[str, Any]) -> None:
        while self.value.entries:
            self.value.pop_entry()
        for person in report.get("concerned") or ():
            self.value.append_entry({"name": person.get("name") or "", "function": person.get("function") or ""})
        for _ in range(SPARE_PERSONS):
            self.value.append_entry()

    def decided(self) -> list[dict[str, str | None]]:
        persons = [entry.data for entry in self.value.entries]
        return [
            {"name": person["name"] or None, "function": person["function"] or None}
            for person in persons
            if person["name"] or person["function"]
        ]


DECISIONS: Mapping[str, type[CaseForm]] = {
    "kind": KindForm,
    "primary": PrimaryForm,
    "categories": CategoriesForm,
    "severity": SeverityForm,
    "concerned": ConcernedForm,
    "missing": MissingForm,
}
"""What of the report a person may accept or correct, in the order of the page."""


class MinutesForm(CaseForm):
    """What the reporter answered to the minutes of what they said. `today` and `held`: between which days."""

    today: date
    held: date
    answer = RadioField(_l("The reporter's answer"), choices=_choices(MINUTES_ANSWERS), validate_choice=False)
    answered = DayField(_l("Day of the answer"), [InputRequired(_l("Fill in a day."))])
    corrections = TextAreaField(
        _l("What has to stand otherwise"),
        validators=[Length(max=NOTE_LENGTH, message=_l("That is too long."))],
        filters=[_strip],
    )

    def validate_answer(self, field: RadioField) -> None:
        _must_be_among(field, MINUTES_ANSWERS)

    def validate_answered(self, field: DayField) -> None:
        if field.data and not self.held <= field.data <= self.today:
            raise ValidationError(_l("Fill in a day from that of the conversation on, and not one to come."))

    def validate_corrections(self, field: TextAreaField) -> None:
        if self.answer.data == MinutesAnswer.CORRECTED and not field.data:
            raise ValidationError(_l("Write down what has to stand otherwise."))
        if self.answer.data == MinutesAnswer.APPROVED and field.data:
            raise ValidationError(_l("Choose “Approved with corrections”, or leave this empty."))


class FirstLookForm(CaseForm):
    """The three questions (process.md, "After the report")."""

    clear = RadioField(_l("Is it clear what the report says?"), choices=_choices(YES_NO), validate_choice=False)
    breach = RadioField(_l("Can it be a breach of integrity?"), choices=_choices(YES_NO), validate_choice=False)
    severity = RadioField(_l("How serious is it?"), choices=_choices(SEVERITIES), validate_choice=False)

    def validate_clear(self, field: RadioField) -> None:
        _must_be_among(field, ("yes", "no"))

    def validate_breach(self, field: RadioField) -> None:
        _must_be_among(field, ("yes", "no"))

    def validate_severity(self, field: RadioField) -> None:
        _must_be_among(field, SEVERITIES)

    def chosen_severity(self) -> Severity:
        return Severity(self.severity.data)


class StatusForm(CaseForm):
    """`all_the_same`: close the case, though something is still owed."""

    all_the_same = BooleanField()
    status = RadioField(_l("New status"), validate_choice=False)
    outcome = SelectField(
        _l("Outcome"), choices=_choices({"": _l("Choose an outcome"), **OUTCOMES}), validate_choice=False
    )
    approver = _line(_l("Approved by"))

    def offer(self, allowed: Iterable[Status]) -> None:
        statuses = set(allowed)
        self.status.choices = _choices({status: STATUSES[status] for status in Status if status in statuses})

    def validate_status(self, field: RadioField) -> None:
        _must_be_among(field, [choice.value for choice in field.choices])

    def validate_outcome(self, field: SelectField) -> None:
        if self.status.data == Status.CLOSED and field.data not in OUTCOMES:
            raise ValidationError(_l("Say with what outcome the case is closed."))

    def validate_approver(self, field: StringField) -> None:
        if self.status.data == Status.CLOSED and not field.data:
            raise ValidationError(_l("Say who approved that the case is closed."))


class AcceptForm(CaseForm):
    """All suggestions at once: `seen` says which those were, as the page showed them."""

    seen = HiddenField()


class DoneForm(CaseForm):
    """How something that was due came to be done."""

    reason = RadioField(
        _l("How"), choices=_choices({slug: DONE_REASONS[slug] for slug in BY_SAYING}), validate_choice=False
    )

    def validate_reason(self, field: RadioField) -> None:
        _must_be_among(field, BY_SAYING)

    def chosen_reason(self) -> DoneReason:
        return DoneReason(self.reason.data)


class _WithReporter:
    """Who reported, and how to reach them."""

    name = _line(_l("Name"))
    email = _line(_l("E-mail"))
    phone = _line(_l("Phone"))
    address = TextAreaField(
        _l("Address"),
        validators=[Length(max=LINE_LENGTH, message=_l("That is too long."))],
        filters=[_strip],
    )

    def validate_email(self, field: StringField) -> None:
        try:
            domain_to_ascii(field.data or "x@example.org")
        except BadAddress:
            raise ValidationError(_l("Fill in one e-mail address, like name@example.org, or nothing.")) from None


class ContactForm(_WithReporter, CaseForm):
    """Who the reporter is. An empty line says: not known."""

    def decided(self) -> dict[str, str | None]:
        return {part: self[part].data or None for part in ("name", "email", "phone", "address")}


class NoteForm(FlaskForm):  # type: ignore[misc]
    """A note. `draft`: the version of the draft that its writer saw."""

    draft = IntegerField(widget=HiddenInput(), default=0, validators=[NumberRange(0, LAST_VERSION)])
    text = TextAreaField(
        _l("Note"),
        validators=[
            InputRequired(_l("Write something first.")),
            Length(max=NOTE_LENGTH, message=_l("This note is too long; split it in two.")),
        ],
        filters=[_strip],
    )


class LetterForm(FlaskForm):  # type: ignore[misc]
    """A letter to the reporter as far as it is written. `draft`: the version of the draft that its writer saw;
    `known`: how many messages of the case."""

    draft = IntegerField(widget=HiddenInput(), validators=[NumberRange(0, LAST_VERSION)])
    known = IntegerField(widget=HiddenInput(), validators=[Optional(), NumberRange(0, LAST_VERSION)])
    purpose = SelectField(_l("What the letter is for"), choices=_choices(PURPOSES), validate_choice=False)
    language = SelectField(_l("Language of the letter"), choices=_choices(LETTER_LANGUAGES), validate_choice=False)
    text = TextAreaField(
        _l("Letter"),
        validators=[
            InputRequired(_l("Write something first.")),
            Length(max=NOTE_LENGTH, message=_l("This letter is too long.")),
        ],
    )
    files = MultipleFileField(_l("Files to send along"))

    def offer(self, purposes: Iterable[str]) -> None:
        """Offer these purposes alone, and the one that a draft has already."""
        offered = {*purposes, self.purpose.data}
        self.purpose.choices = [(slug, label) for slug, label in PURPOSES.items() if slug in offered]

    def validate_purpose(self, field: SelectField) -> None:
        _must_be_among(field, PURPOSES)

    def validate_language(self, field: SelectField) -> None:
        _must_be_among(field, LETTER_LANGUAGES)


class LetterTextForm(FlaskForm):  # type: ignore[misc]
    """A text that letters begin from. `seen`: the version that its writer saw; 0 where the text was never changed."""

    seen = IntegerField(widget=HiddenInput(), validators=[NumberRange(0, LAST_VERSION)])
    text = TextAreaField(
        _l("Text"),
        validators=[
            InputRequired(_l("Write something first.")),
            Length(max=NOTE_LENGTH, message=_l("This letter is too long.")),
        ],
    )


class SendForm(CaseForm):
    """Sending the draft that was seen. `known`: how many messages the case had then; `seen`: its writer looked at the
    warnings; `move_on`: the case changes too."""

    MOST_DAYS = 92

    draft = IntegerField(widget=HiddenInput(), validators=[NumberRange(1, LAST_VERSION)])
    known = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0, LAST_VERSION)])
    when = MomentField(_l("Send later, on"), [Optional()])
    seen = BooleanField(_l("I looked at the warning, and want to send this all the same"))
    move_on = BooleanField()


class ReferenceForm(FlaskForm):  # type: ignore[misc]
    """Another case, by its reference."""

    reference = StringField(_l("Reference of the case that stays"), filters=[_strip])


class ReferForm(FlaskForm):  # type: ignore[misc]
    """To whom a reporter is referred."""

    to = StringField(validators=[Length(max=100)])


class EnterForm(_WithReporter, FlaskForm):  # type: ignore[misc]
    """A report that did not come by mail. `today`: the day on which it is entered, on the clock of the desk.
    `once`: the token of this form, by which it becomes one case."""

    MOST_FILES = 50
    MOST_BYTES = 50_000_000  # many pages as photographs of a telephone
    OLDEST = timedelta(days=3653)

    today: date
    once = HiddenField(validators=[InputRequired(), Length(max=LINE_LENGTH)])
    way = RadioField(_l("How it came"), choices=_choices(WAYS), validate_choice=False)
    received = DayField(_l("Day on which it came"), [InputRequired(_l("Fill in a day."))])
    text = TextAreaField(
        _l("What was said or written"),
        validators=[Length(max=NOTE_LENGTH, message=_l("That is too long."))],
        filters=[_strip],
    )
    files = MultipleFileField(_l("Scan, photographs or PDF"))

    def given(self) -> list[FileStorage]:
        """The files that were chosen; browsers send an empty one where none was."""
        return [each for each in self.files.data or () if isinstance(each, FileStorage) and each.filename]

    def contact(self) -> dict[str, str | None]:
        return {part: self[part].data or None for part in ("name", "email", "phone", "address")}

    def validate_way(self, field: RadioField) -> None:
        _must_be_among(field, WAYS)

    def validate_received(self, field: DayField) -> None:
        if field.data and not self.today - self.OLDEST <= field.data <= self.today:
            raise ValidationError(_l("Fill in a day that is past, at most ten years ago."))

    def validate_text(self, field: TextAreaField) -> None:
        if not field.data and (self.way.data != "letter" or not self.given()):
            raise ValidationError(_l("Write down what was said, or choose the file of the letter."))

    def validate_files(self, field: MultipleFileField) -> None:
        given = self.given()
        sizes = []
        for each in given:
            sizes.append(each.stream.seek(0, 2))
            each.stream.seek(0)
        if len(given) > self.MOST_FILES or sum(sizes) > self.MOST_BYTES:
            raise ValidationError(_l("That are too many files, or too large ones."))
        if 0 in sizes:
            raise ValidationError(_l("One of the files is empty. Scan that page again, or leave the file out."))


class MergeForm(CaseForm):
    """Merging a case into another, as both were seen. `strangers`: there are senders whom the other does not know;
    `seen`: that its writer knows that."""

    strangers: bool
    into = HiddenField()
    into_version = IntegerField(widget=HiddenInput(), validators=[NumberRange(0, LAST_VERSION)])
    seen = BooleanField(_l("I know that, and merge them"))

    def validate_seen(self, field: BooleanField) -> None:
        if self.strangers and not field.data:
            raise ValidationError(_l("Nothing was merged. Tick this first, or leave both cases."))


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Why something is done that others will ask about."""

    reason = StringField(
        _l("Reason"),
        validators=[
            DataRequired(_l("Write down why.")),
            Length(max=LINE_LENGTH, message=_l("That is too long.")),
        ],
        filters=[_strip],
    )


class AccessForm(ReasonForm, CaseForm):
    """A change of who opens a case: of which member, and why. `identity`: with who reported; `by_request`: the
    reporter asked for it."""

    member = HiddenField()
    identity = BooleanField()
    by_request = BooleanField()


class HolderForm(CaseForm):
    """To which member a case is given."""

    member = HiddenField(validators=[InputRequired()])


class SearchForm(FlaskForm):  # type: ignore[misc]
    """What to search for. All but the words may be left as it is."""

    words = StringField(
        _l("Words, a name or a reference"),
        validators=[Length(max=LINE_LENGTH, message=_l("That is too long."))],
        filters=[_strip],
    )
    status = SelectField(_l("Status"), choices=_choices({"": _l("any"), **STATUSES}), default="")
    kind = SelectField(_l("Kind"), choices=_choices({"": _l("any"), **KINDS}), default="")
    category = SelectField(_l("Category"), choices=_choices({"": _l("any"), **CATEGORIES, **SUB_NAMES}), default="")
    severity = SelectField(_l("Severity"), choices=_choices({"": _l("any"), **SEVERITIES}), default="")
    since = DayField(_l("Received from"), [Optional()])
    until = DayField(_l("Received until"), [Optional()])

    ASKED = ("words", "status", "kind", "category", "severity", "since", "until")

    def asked(self) -> dict[str, str]:
        """What was filled in, as text."""
        return {name: str(self[name].data) for name in self.ASKED if self[name].data}

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "SearchForm":
        """The form, filled in and valid as it was."""
        form = cls(formdata=MultiDict(asked), meta={"csrf": False})
        form.validate()
        return form


class TrailForm(FlaskForm):  # type: ignore[misc]
    """Which rows of the audit trail. `look_up` finds the id of a case."""

    ASKED = ("action", "member", "since", "until")

    look_up: Callable[[str], str | None]
    case_id: str | None = None
    action = SelectField(_l("What"), default="")
    member = SelectField(_l("Member"), default="")
    case = StringField(
        _l("Reference of a case, or its number on the trail"),
        validators=[Length(max=LINE_LENGTH, message=_l("That is too long."))],
        filters=[_strip],
    )
    since = DayField(_l("From"), [Optional()])
    until = DayField(_l("Up to and including"), [Optional()])

    def validate_case(self, field: StringField) -> None:
        self.case_id = self.look_up(field.data) if field.data else None
        if field.data and not self.case_id:
            raise ValidationError(_l("No case is found by this."))

    def asked(self) -> dict[str, Any]:
        """What was chosen, as it may stand in an address."""
        asked = {name: str(self[name].data) for name in self.ASKED if self[name].data}
        return {**asked, "case": self.case_id} if self.case_id else asked


def _must_be_among(field: RadioField | SelectField, values: Iterable[str]) -> None:
    if field.data not in set(values):
        raise ValidationError(_l("Choose one of these."))
