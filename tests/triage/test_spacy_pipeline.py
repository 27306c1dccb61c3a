"""The understanding as a spaCy pipeline: the same answers, and no text of anybody in what is written."""

import re
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from tests.triage import mails
from triage import MailText, load
from triage.model import MODEL, Model
from triage.spacy_pipeline import EVIDENCE, as_doc, write

REPORT = MailText(
    "Melding",
    "Joke Verhulst",
    "joke@voorbeeld.nl",
    "Geachte heer,\n\nOnze consul in Accra, de heer Wouter Zwaluwstaart, vraagt bij ieder visum 200 euro voor zich. "
    "Ik heb het drie keer gezien. Mijn collega Ama stond erbij.\n\nJoke Verhulst\n06 12 34 56 78",
    "",
)


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy.load(MODEL)


def test_the_packaged_model_is_a_pipeline_that_gives_the_report_of_a_mail(nlp: Language) -> None:
    doc = nlp(as_doc(nlp, REPORT))
    assert doc._.report == load().understand(REPORT)
    assert doc.cats["melding"] == doc._.report.kind_scores["melding"]
    assert {category.slug for category in doc._.report.categories} <= set(doc.cats)


def test_persons_and_evidence_are_marked_in_the_document(nlp: Language) -> None:
    doc = nlp(as_doc(nlp, REPORT))
    [concerned] = doc._.report.concerned
    marked = {(ent.text, ent.label_) for ent in doc.ents}
    assert (concerned.name, "PERSON_CONCERNED") in marked
    assert (concerned.function, "FUNCTION_CONCERNED") in marked
    evidence = [each.text for each in doc._.report.evidence]
    assert evidence
    assert all(text in span.text for text, span in zip(evidence, doc.spans[EVIDENCE], strict=True))


def test_plain_text_is_understood_as_the_reporters_own_words(nlp: Language) -> None:
    assert nlp(REPORT.own_text)._.report == load().understand(MailText("", "", "", REPORT.own_text, ""))


def test_many_mails_get_the_answers_that_each_gets_alone(nlp: Language) -> None:
    texts = [mail.own_text for mail in (mails.DUTCH, mails.ENGLISH, REPORT, mails.DUTCH)]
    assert [doc._.report for doc in nlp.pipe(texts, batch_size=3)] == [nlp(text)._.report for text in texts]


def test_nothing_that_was_read_stands_in_what_is_written(tmp_path: Path) -> None:
    used = spacy.load(MODEL)
    used(as_doc(used, REPORT))
    used.to_disk(tmp_path / "again", exclude=["vocab"])
    write(Model.load(MODEL), tmp_path / "written")
    for folder in (tmp_path / "again", tmp_path / "written", MODEL):
        held = b"\n".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
        assert not [word for word in re.findall(r"[A-Za-z]{8,}", REPORT.own_text) if word.encode() in held]
        assert not (folder / "vocab").exists()


def test_a_pipeline_that_was_written_again_answers_the_same(tmp_path: Path, nlp: Language) -> None:
    write(Model.load(MODEL), tmp_path)
    assert spacy.load(tmp_path)(REPORT.own_text)._.report == nlp(REPORT.own_text)._.report
