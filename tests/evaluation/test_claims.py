"""The measure of claims says what it says: on a set made here, every number is known."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.evaluation.claims import fitted, judged, measure, report, table, threshold

PAGE = ["Pump 7 moves 21 litres of water a minute.", "It was built by Wagner in 1987.", ""]
CLAIMS = {
    "Pump 7 moves 21 litres of water a minute.": "supported",
    "It was built by Wagner in 1987.": "supported",
    "Pump 7 moves 21 litres of water for Siemens in Munich.": "partially_supported",
    "Wagner built a pump for the harbour of Hamburg.": "partially_supported",
    "The mayor sold a harbour to Siemens.": "not_supported",
    "Nobody swims across lakes at night.": "not_supported",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small set in the shared form."""
    ends = [0]
    for sentence in PAGE:
        ends.append(ends[-1] + len(sentence))
    spans = list(pairwise(ends))
    page = {"id": "page", "title": "", "text": "".join(PAGE), "sentences": spans}
    rows = [
        {"query": claim, "label": label, "candidates": ["page"]} for claim, label in CLAIMS.items()
    ]
    there = tmp_path / "wice"
    there.mkdir()
    (there / "corpus.jsonl").write_text(json.dumps(page) + "\n")
    (there / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows * 2))
    return there


def test_a_set_that_is_told_apart_measures_one(folder: Path) -> None:
    found = judged(folder)
    measured = measure(found)
    assert {name: values["all"] for name, values in measured.items()} == {
        "supported against not supported": 1.0,
        "supported against the rest": 1.0,
        "'not found' or not, balanced accuracy": 1.0,
        "supported but called contradicted": 0.0,
    }
    assert len(table(measured).splitlines()) == 5


def test_exchanged_labels_measure_nothing(folder: Path) -> None:
    queries = folder / "queries.jsonl"
    text = (
        queries.read_text().replace('"supported"', '"other"').replace("not_supported", "supported")
    )
    queries.write_text(text.replace('"other"', '"not_supported"'))
    measured = measure(judged(folder))
    assert measured["supported against not supported"]["all"] == 0


def test_the_fit_tells_apart_what_it_was_fitted_on(folder: Path) -> None:
    found = judged(folder)
    _, coefficients = fitted(found)
    assert len(coefficients) == 7
    assert min(coefficients) >= 0
    assert max(coefficients) > 0
    some = threshold(found, lambda one: one.judgement.score)
    scores = [one.judgement.score for one in found if one.label == "supported"]
    assert 0 < some < min(scores)


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    assert report(tmp_path) == f"The set wice is not in {tmp_path}; claims were not measured."
    command = [sys.executable, "-m", "tests.evaluation.claims", "--data", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"There is no set {tmp_path / 'wice'}" in ran.stderr
