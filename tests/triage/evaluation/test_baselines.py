"""The plain ways answer in the keys of the contract, and learn no more than they say."""

from tests.triage.evaluation.golds import labelled
from triage.evaluation.baselines import Keywords, Ngrams

BRIBE = "De heer Jan Kok vroeg om smeergeld. Bel 06 12 34 56 78, Kerkpad 5, 8011 VX Zwolle."


def test_keyword_rules_find_what_is_named() -> None:
    said = Keywords().answer(labelled(body=BRIBE))
    assert (said["kind"], said["primary"], said["severity"]) == ("melding", "strafbaar_feit", "hoog")
    assert said["concerned"] == [{"name": "Jan Kok", "function": None}]
    assert said["contact"] == {"phone": "06 12 34 56 78", "address": "Kerkpad 5, 8011 VX Zwolle"}
    assert said["missing"] == []


def test_keyword_rules_miss_what_is_not() -> None:
    said = Keywords().answer(labelled(body="Hij weet wel waarom ik niet meer kom."))
    assert (said["kind"], said["primary"], said["categories"]) == ("melding", None, [])
    assert said["missing"] == ["concerned_name", "phone", "address"]


def test_ngrams_learn_labels_and_answer_nothing_about_fields() -> None:
    taught = [
        labelled(
            id=f"x-{i}",
            body="smeergeld voor een visum",
            categories=["strafbaar_feit"],
            primary="strafbaar_feit",
            severity="hoog",
            missing=["phone"],
        )
        for i in range(5)
    ]
    taught += [labelled(id=f"y-{i}", body="wachten op antwoord", kind="klacht") for i in range(5)]
    taught += [
        labelled(id=f"z-{i}", body="treiteren op kantoor", categories=["pesten"], primary="pesten", severity="midden")
        for i in range(5)
    ]
    ngrams = Ngrams(taught)
    bribe, wait = ngrams.answers(
        [labelled(body="weer smeergeld voor visum"), labelled(body="lang wachten op antwoord")]
    )
    assert (bribe["kind"], bribe["primary"], bribe["severity"]) == ("melding", "strafbaar_feit", "hoog")
    assert bribe["missing"] == ["phone"]
    assert wait["kind"] == "klacht"
    assert not {"concerned", "contact", "language"} & set(bribe)
    assert ngrams.answers([]) == []
