"""The same mail gets the same answer in every process, alone or among others."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

UNDERSTAND = """
import json, sys
from tests.triage import mails
from triage import load
triage = load()
for batch in json.loads(sys.argv[1]):
    found = [(number, triage.understand(mails.ALL[number]).to_wire()) for number in batch]
    for number, report in found:
        print(json.dumps([number, report]))
"""
IN_ORDER = [[0, 1, 2, 3]]


def understood(batches: list[list[int]], hash_seed: str) -> dict[int, Any]:
    """Each mail's report by a process of its own, scores to three decimals; `batches` are numbers of `mails.ALL`."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", UNDERSTAND, json.dumps(batches)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {number: _rounded(report) for number, report in map(json.loads, done.stdout.splitlines())}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def first() -> dict[int, Any]:
    return understood(IN_ORDER, "0")


@pytest.mark.parametrize(
    ("batches", "hash_seed"),
    [(IN_ORDER, "1"), ([[3], [2], [1], [0]], "4711"), ([[2, 0], [3, 1]], "random")],
    ids=["another process", "one at a time, backwards", "two at a time"],
)
def test_every_process_and_batch_gives_the_same_answer(
    first: dict[int, Any], batches: list[list[int]], hash_seed: str
) -> None:
    assert len(first) == 4
    assert understood(batches, hash_seed) == first
