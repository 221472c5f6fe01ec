"""The evaluation measures what it says: on a set made here, every number is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation.measures import OpenSet, clapnq, hotpotqa, states
from tests.evaluation.results import Aim, Result, area, precision, result, table, with_table
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


GREBES = asked("What do grebes eat, which fish?", "one", 1)
ROOKS = asked("Where do rooks build nests?", "two", 0)


@pytest.mark.anyio
async def test_a_set_that_is_found_in_full_measures_one(tmp_path: Path) -> None:
    unanswerable = [asked("Which president signed treaties?", "two", 0, answerable=False)] * 6
    opened = await OpenSet.open(
        EvaluationSet(ITEMS, [GREBES, ROOKS] * 3 + unanswerable), tmp_path / "set"
    )
    assert {one.all for one in (await clapnq(opened)).values()} == {1.0}


@pytest.mark.anyio
async def test_a_wrong_gold_measures_nothing(tmp_path: Path) -> None:
    questions = [asked("Where do rooks build nests?", "one", 0)]
    opened = await OpenSet.open(EvaluationSet(ITEMS, questions), tmp_path / "set")
    measured = await hotpotqa(opened)
    assert measured["document hit@1"].all == measured["sentence recall@10"].all == 0


@pytest.mark.anyio
async def test_what_only_the_other_set_speaks_of_is_not_found(tmp_path: Path) -> None:
    one = await OpenSet.open(EvaluationSet({"one": ITEMS["one"]}, [GREBES]), tmp_path / "1")
    two = await OpenSet.open(EvaluationSet({"two": ITEMS["two"]}, [ROOKS]), tmp_path / "2")
    measured = {name: value.all for name, value in (await states(one, two)).items()}
    assert measured == {
        "answerable but 'not_found'": 0,
        "questions of the other set, not 'not_found'": 0,
        "confidence: area under the curve": 1,
    }


def test_halves_are_told_apart_and_what_does_not_count_is_left_out() -> None:
    assert result([1, 0, None, 0, 0.5, 1]) == Result(all=0.5, even=0.75, odd=1 / 3)


def test_confidence_is_measured_by_order() -> None:
    assert area([3, 1], [2, 1]) == pytest.approx(0.625)
    judged = [(0.9, True), (0.8, True), (0.7, False), (0.1, False)]
    assert [precision(judged, share) for share in (0.1, 0.5, 0.75)] == [1, 1, 2 / 3]


def test_the_table_shows_baseline_and_aims_beside_each_mode() -> None:
    results = {"words": Result(0.9, 0.95, 0.85), "both": Result(1, 1, 1)}
    said = table(
        {"desk": {"first quote": results}}, {"desk": {"first quote": Aim(0.2, 0.45, 0.58)}}
    )
    (line,) = said.splitlines()[1:]
    assert " ".join(line.split()) == (
        "desk first quote .200 ≥ .450 / .580 .900 (.950, .850) 1.000 (1.000, 1.000)"
    )


def test_the_table_replaces_the_one_of_the_page() -> None:
    page = "Before.\n\n```text\nset  old\n```\n\nAfter.\n"
    assert with_table(page, "set  new") == page.replace("old", "new")
    with pytest.raises(ValueError, match="no table"):
        with_table("Before.\n", "set  new")


def test_missing_sets_are_named_with_where_they_were_looked_for(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.evaluation", "--data", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"desk, hotpotqa, clapnq are not in {tmp_path}" in ran.stderr
