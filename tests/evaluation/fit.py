"""``python -m tests.evaluation.fit [--data DIR]``: fits what finding and deciding go by.

Only questions at even positions are looked at. Prints the weights of ``traits``, the models of
``calibration`` and the probability below which questions are declined, as they stand in the code.
The models look at what the weights have ranked: write new weights into the code first, then fit
again.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

import anyio

from researcher_job.calibration import Model, Signals
from researcher_job.traits import Traits
from tests.evaluation.__main__ import DEFAULT_DATA
from tests.evaluation.descent import Choice, chosen, logistic
from tests.evaluation.measures import Searched
from tests.evaluation.sets import load

SETS = {"hotpotqa": 0.5, "clapnq": 1.0}
"""What a passage of each set counts when sentences are compared: questions of HotpotQA have two."""

ELSEWHERE = 2.0
"""What a passage counts, besides, whose first sentence does not answer."""

PENALTY = {"traits": 2.0, "models": 5.0}
"""On squared weights, all columns brought to the same spread: few examples, small numbers."""

RELEVANT = ("pair", "about", "rare", "led")
ANSWERING = ("own", "asked", "weight")
"""The signals that each model looks at, chosen by tenfold cross-validation on even positions."""

DECLINED = 0.08
"""Share of the proper questions that the threshold declines among those it is set on; more of the
unseen ones will be."""

Example = tuple[Signals, bool]


async def _choices(opened: Searched, weight: float) -> list[Choice]:
    """Return the sentences of each passage that answers a question, and which of them do."""
    found = []
    for question in opened.data.questions[::2]:
        for document in sorted(question.gold_docs):
            given = await opened.given(question.query, document)
            ranked = sorted(given.judged.ranked, key=lambda one: one.quote.start)
            gold = [opened.is_gold(question, one) for one in ranked]
            count = weight * (1.0 if gold and gold[0] else ELSEWHERE)
            found.append(Choice([astuple(one.traits) for one in ranked], gold, count))
    return found


async def _relevant(asked: Searched, other: Searched) -> list[Example]:
    found = []
    for question in asked.data.questions[::2]:
        found.append(((await other.quotes(question.query)).judged.signals, False))
        if question.answerable:
            found.append(((await asked.quotes(question.query)).judged.signals, True))
    return found


async def _answering(asked: Searched) -> list[Example]:
    return [
        ((await asked.given(one.query, one.candidates[0])).judged.signals, one.answerable)
        for one in asked.data.questions[::2]
    ]


def fitted(examples: Sequence[Example], names: Sequence[str]) -> Model:
    """Return the logistic model of ``examples`` by the signals of these ``names``."""
    rows = [[getattr(signals, name) for name in names] for signals, _ in examples]
    truths = [truth for _, truth in examples]
    weights, intercept = logistic(rows, truths, penalty=PENALTY["models"])
    rounded = {name: round(one, 2) for name, one in zip(names, weights, strict=True)}
    return Model(Signals(**rounded), round(intercept, 2))


def threshold(model: Model, examples: Sequence[Example]) -> float:
    """Return the probability below which so many of the proper questions lie."""
    proper = sorted(model.probability(signals) for signals, truth in examples if truth)
    return math.floor(100 * proper[int(DECLINED * len(proper))]) / 100


async def _fit(data: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened = [await Searched.open(load(data / name), Path(folder) / name) for name in SETS]
        pairs = list(zip(opened, SETS.values(), strict=True))
        choices = [one for of_set, weight in pairs for one in await _choices(of_set, weight)]
        weights = chosen(choices, penalty=PENALTY["traits"])
        shown = zip(fields(Traits), weights, strict=True)
        print("WEIGHTS:", ", ".join(f"{one.name}={value:.2f}" for one, value in shown))
        relevant = [*await _relevant(*opened), *await _relevant(*opened[::-1])]
        model = fitted(relevant, RELEVANT)
        print(f"RELEVANT = {model}\nFOUND = {threshold(model, relevant)}")
        print(f"ANSWERING = {fitted(await _answering(opened[1]), ANSWERING)}")


def main() -> None:
    """Fit on the sets and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.fit")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the sets")
    anyio.run(_fit, parser.parse_args().data.absolute())


if __name__ == "__main__":
    main()
