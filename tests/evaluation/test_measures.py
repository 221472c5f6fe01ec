"""The evaluation measures what it says: on a set made here, every number is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation.measures import BASELINE, Searched, clapnq, hotpotqa, table
from tests.evaluation.sets import Asked, EvaluationSet, Item

ITEMS = {
    "one": Item(
        "one", "Grebes", "Grebes dive. The grebe eats small fish daily.", [(0, 12), (13, 45)]
    ),
    "two": Item("two", "Rooks", "Rooks build nests in tall trees each year.", [(0, 42)]),
}


def asked(query: str, document: str, sentence: int, *, answerable: bool = True) -> Asked:
    gold = [frozenset({(document, sentence)})] if answerable else []
    docs = frozenset({document} if answerable else ())
    return Asked(query, answerable, [document], docs, gold)


@pytest.mark.anyio
async def test_a_set_that_is_found_in_full_measures_one(tmp_path: Path) -> None:
    questions = [
        asked("What do grebes eat, which fish?", "one", 1),
        asked("Where do rooks build nests?", "two", 0),
    ] * 3
    no_answer = [asked("Which president signed treaties?", "two", 0, answerable=False)] * 6
    found = await Searched.open(EvaluationSet(ITEMS, questions + no_answer), tmp_path / "set")
    assert set((await clapnq(found)).values()) == {1.0}


@pytest.mark.anyio
async def test_a_wrong_gold_measures_nothing(tmp_path: Path) -> None:
    questions = [asked("Where do rooks build nests?", "one", 0)]
    found = await Searched.open(EvaluationSet(ITEMS, questions), tmp_path / "set")
    measured = await hotpotqa(found)
    assert measured["document hit@1"] == measured["sentence recall@10"] == 0


def test_the_table_names_every_measure_with_its_difference() -> None:
    said = table({"clapnq": dict.fromkeys(BASELINE["clapnq"], 0.9)})
    assert len(said.splitlines()) == 5
    assert "document hit@1                       0.900     0.860      +0.040" in said


def test_missing_sets_are_named_with_where_they_were_looked_for(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.evaluation", "--data", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"hotpotqa, clapnq are not in {tmp_path}" in ran.stderr
