"""What is taken from Lighthouse's report of a page, and from a report of another page than was meant."""

from typing import Any

import pytest

from bench.lighthouse import judgement, section

URL = "http://127.0.0.1:8080/"


def _told(shown: str = URL, **scores: float) -> dict[str, Any]:
    audits = {name: {"score": score} for name, score in scores.items()}
    audits["largest-contentful-paint"] = {"score": 1.0, "numericValue": 1500.0}
    audits["total-byte-weight"] = {"score": 1.0, "numericValue": 98_000}
    return {
        "requestedUrl": URL,
        "finalDisplayedUrl": shown,
        "audits": audits,
        "categories": {
            "accessibility": {"score": 0.94, "auditRefs": [{"id": name, "weight": 7} for name in scores]},
            "best-practices": {"score": 1, "auditRefs": []},
            "performance": {"score": 0.965, "auditRefs": [{"id": "largest-contentful-paint", "weight": 25}]},
        },
    }


def test_a_page_has_its_scores_and_what_took_points() -> None:
    page = judgement("queue", "telephone", _told(contrast=0.0, labels=1.0))
    assert list(page.scores.values()) == [94, 100, 96]
    assert page.faults == ("contrast",)
    assert "| queue | telephone | 94 | 100 | 96 | 1.5 s | 98 kB | contrast |" in section([page])


def test_a_page_that_sent_lighthouse_on_to_another_is_not_judged() -> None:
    with pytest.raises(SystemExit, match="did not see the page queue"):
        judgement("queue", "telephone", _told(shown=f"{URL}login"))
