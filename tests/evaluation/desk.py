"""Questions over the files of a desk: run as jobs, and measured by the programs of the set.

A set is a folder with ``corpus/`` and ``questions.jsonl``. ``run.py`` starts jobs and
``measure.py`` compares their quotes with the wanted ones; both lie beside the shared set.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.evaluation.results import Aim, Result, area, precision, result
from tests.evaluation.searching import Answer, Models, Searched
from tests.repository import SHARED

DESK = SHARED / "eval" / "desk"

MEASURED = {
    "first quote": "q@1",
    "first three quotes": "q@3",
    "eight quotes": "q@all",
    "eight quotes with context": "+ctx@all",
    "completeness of lists and rows": "part+ctx",
    "quotes without what was asked, a question": "noise",
}
"""By our name of a measure, the column of ``measure.py``."""

AIMS = {
    "first quote": Aim(0.273, 0.45, 0.58),
    "first three quotes": Aim(0.406),
    "eight quotes": Aim(0.479, 0.74, 0.87),
    "eight quotes with context": Aim(0.582, 0.78, 0.90),
    "completeness of lists and rows": Aim(0.308, 0.56, 0.72),
    "quotes without what was asked, a question": Aim(4.28),
    "eight quotes, every folder a source of its own": Aim(),
    "answerable but 'not_found'": Aim(None, 0.05, 0.05, at_most=True),
    "off-topic, not 'not_found'": Aim(None, 0.15, 0.15, at_most=True),
}


def answered(folder: Path, models: Models, out: Path, *, cache: Path) -> None:
    """Answer the questions of the set in ``folder`` with jobs; write the results to ``out``."""
    command = _command(folder / "corpus", models, out.with_suffix(".job"))
    run: list[str | Path] = [sys.executable, DESK / "run.py", folder, command, out]
    subprocess.run([*run, "--cache", cache], check=True, capture_output=True)


def _command(corpus: Path, models: Models, path: Path) -> Path:
    """Write a command that runs job folders with ``models``, and return its path."""
    configuration = path.with_suffix(".toml")
    configuration.write_text(
        f"[sources.desk]\nuri = {json.dumps(corpus.resolve().as_uri())}\n"
        f"[researcher]\nembeddings = {json.dumps(models)}\n"
    )
    job = Path(sysconfig.get_path("scripts"), "researcher-job")
    path.write_text(f'#!/bin/sh\nexec "{job}" --config "{configuration}" "$@"\n')
    path.chmod(0o700)
    return path


def measured(folder: Path, results: Path) -> dict[str, Result]:
    """Return what ``measure.py`` says of ``results``: of all questions and of both halves."""
    questions = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    said = []
    for number, part in enumerate((questions, questions[::2], questions[1::2])):
        asked = results.with_suffix(f".{number}.jsonl")
        asked.write_text("\n".join(part), encoding="utf-8")
        run: list[str | Path] = [sys.executable, DESK / "measure.py", results, "--json"]
        told = subprocess.run(
            [*run, "--questions", asked], check=True, capture_output=True, text=True
        ).stdout
        said.append(json.loads(told)["answerable"])
    return {name: Result(*(one[key] for one in said)) for name, key in MEASURED.items()}


async def states(folder: Path, models: Models, *, cache: Path) -> dict[str, Result]:
    """Measure the states and the confidence, and the search of every folder as a source."""
    corpus = folder / "corpus"
    whole = await Searched.open([corpus], models, cache=cache)
    apart = await Searched.open(sorted(filter(Path.is_dir, corpus.iterdir())), models, cache=cache)
    asked = [json.loads(one) for one in (folder / "questions.jsonl").read_text().splitlines()]
    answers = [await whole.answer(one["question"]) for one in asked]
    divided = [
        _hits(one, (await apart.answer(one["question"])).quotes[:8]) if one["answerable"] else None
        for one in asked
    ]
    pairs = list(zip(asked, answers, strict=True))
    off_topic = [not one["answerable"] and not one["note"].startswith("near miss") for one in asked]
    return {
        "eight quotes, every folder a source of its own": result(divided),
        "answerable but 'not_found'": result(
            [answer.not_found if one["answerable"] else None for one, answer in pairs]
        ),
        "off-topic, not 'not_found'": result(
            [
                None if not off else not answer.not_found
                for off, answer in zip(off_topic, answers, strict=True)
            ]
        ),
        **_confidence(pairs),
    }


def _confidence(pairs: Sequence[tuple[dict[str, Any], Answer]]) -> dict[str, Result]:
    judged = [
        (answer.confidence, one["answerable"] and _hits(one, answer.quotes[:1]))
        for one, answer in pairs
    ]
    halves = (judged, judged[::2], judged[1::2])
    areas = (
        area([sure for sure, right in half if right], [sure for sure, right in half if not right])
        for half in halves
    )
    return {
        "confidence: area under the curve": Result(*areas),
        **{
            f"first quote right, surest {share:.0%}": Result(
                *(precision(half, share) for half in halves)
            )
            for share in (0.1, 0.3, 0.5)
        },
    }


def _hits(asked: dict[str, Any], quotes: Sequence[Any]) -> bool:
    """Tell whether one of ``quotes`` holds what is wanted, as the set's program decides it."""
    shown = [
        {"quote": quote.text[: _measure().LONGEST], "file": quote.passage.uri} for quote in quotes
    ]
    return any(_measure().hit(gold, one, ctx=False) for gold in asked["gold"] for one in shown)


@cache
def _measure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("desk_measure", DESK / "measure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
