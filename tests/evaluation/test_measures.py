"""The evaluation measures what it says: on a set made here, every number is known."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from researcher_job.strategies.extractive.confidence import BY_WORDS
from tests.evaluation.measures import (
    AIMS,
    Halves,
    Method,
    Result,
    Searched,
    balanced,
    clapnq,
    declined,
    hotpotqa,
    result,
    table,
)
from tests.evaluation.sets import Asked, EvaluationSet, Item

ITEMS = {
    "one": Item(
        "one", "Grebes", "Grebes dive. The grebe eats small fish daily.", [(0, 12), (13, 45)]
    ),
    "two": Item("two", "Rooks", "Rooks build nests in tall trees each year.", [(0, 42)]),
}


SHIPPED = Halves(BY_WORDS, BY_WORDS, meaning=False)


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
    assert {one.all for one in (await clapnq(found, SHIPPED)).values()} == {1.0}


@pytest.mark.anyio
async def test_what_only_the_other_set_speaks_of_is_declined(tmp_path: Path) -> None:
    one = EvaluationSet({"one": ITEMS["one"]}, [asked("What do grebes eat, which fish?", "one", 1)])
    two = EvaluationSet({"two": ITEMS["two"]}, [asked("Where do rooks build nests?", "two", 0)])
    opened = [
        await Searched.open(data, tmp_path / str(number)) for number, data in enumerate((one, two))
    ]
    measured = await declined(opened[0], opened[1], SHIPPED)
    assert measured["questions of the other set"].all == 1
    assert measured["proper questions"].all == 0


def test_halves_are_told_apart_and_what_does_not_count_is_left_out() -> None:
    assert result([1, 0, None, 0, 0.5, 1]) == Result(all=0.5, even=0.75, odd=1 / 3)
    assert balanced([(True, True), (True, True), (False, True), (True, False)]) == 1 / 3


@pytest.mark.anyio
async def test_a_wrong_gold_measures_nothing(tmp_path: Path) -> None:
    questions = [asked("Where do rooks build nests?", "one", 0)]
    found = await Searched.open(EvaluationSet(ITEMS, questions), tmp_path / "set")
    measured = await hotpotqa(found, SHIPPED)
    assert measured["document hit@1"].all == measured["sentence recall@10"].all == 0


def test_the_table_names_every_measure_with_what_it_is_compared_with() -> None:
    said = table({"clapnq": dict.fromkeys(AIMS["clapnq"], Result(0.9, 0.95, 0.85))})
    assert len(said.splitlines()) == 5
    assert " ".join(said.splitlines()[2].split()) == (
        "clapnq sentence recall@10 0.900 0.950 0.850 0.814 ≥ 0.85"
    )


def test_each_half_is_judged_by_what_the_other_fitted() -> None:
    other = replace(BY_WORDS, found=0.1)
    halves = Halves(even=BY_WORDS, odd=other, meaning=True)
    assert [halves.of(place) for place in range(3)] == [
        Method(one, meaning=True) for one in (other, BY_WORDS, other)
    ]


def test_missing_sets_are_named_with_where_they_were_looked_for(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.evaluation", "--data", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"hotpotqa, clapnq are not in {tmp_path}" in ran.stderr
