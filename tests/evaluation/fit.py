"""``python -m tests.evaluation.fit [--data DIR]``: fits what finding and deciding go by.

Prints both calibrations, without word vectors and with them, as they stand in
``researcher_job/calibration.py``: fitted on all questions. ``make eval`` measures with ones fitted
on half of them.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import anyio

from researcher_job.strategies.extractive.confidence import (
    BY_MEANING,
    BY_WORDS,
    Calibration,
    Model,
    Signals,
)
from researcher_job.strategies.extractive.features import Traits
from tests.evaluation.descent import Choice, chosen, logistic
from tests.evaluation.measures import Method, Searched
from tests.evaluation.sets import DEFAULT_DATA, load

SETS = {"hotpotqa": 0.5, "clapnq": 1.0}
"""What a passage of each set counts when sentences are compared: questions of HotpotQA have two."""

ELSEWHERE = 2.0
"""What a passage counts, besides, whose first sentence does not answer."""

PENALTY = {"traits": 5.0, "relevant": 5.0, "answering": 20.0}
"""On squared weights, all columns brought to the same spread: few examples, small numbers."""

RELEVANT = ("pair", "about", "rare", "led"), ("pair", "about", "led", "near", "titled")
ANSWERING = ("own", "asked", "weight"), ("own", "asked", "weight", "near")
"""The signals that each model looks at, without word vectors and with them. These and the penalties
are chosen by what the halves, each judged by the other, come to."""

DECLINED = 0.08
"""Share of the proper questions that the threshold declines among those it is set on; more of the
unseen ones will be."""

EVEN, ODD, EVERY = slice(0, None, 2), slice(1, None, 2), slice(None)

Example = tuple[Signals, bool]


async def _choices(opened: Searched, weight: float, taken: slice, method: Method) -> list[Choice]:
    """Return the sentences of each passage that answers a question, and which of them do."""
    found = []
    for question in opened.data.questions[taken]:
        for document in sorted(question.gold_docs):
            given = await opened.given(question.query, document, method)
            ranked = sorted(given.judged.ranked, key=lambda one: one.quote.start)
            gold = [opened.is_gold(question, one) for one in ranked]
            count = weight * (1.0 if gold and gold[0] else ELSEWHERE)
            found.append(Choice([astuple(one.traits) for one in ranked], gold, count))
    return found


async def _relevant(
    asked: Searched, other: Searched, taken: slice, method: Method
) -> list[Example]:
    found = []
    for question in asked.data.questions[taken]:
        found.append(((await other.quotes(question.query, method)).judged.signals, False))
        if question.answerable:
            found.append(((await asked.quotes(question.query, method)).judged.signals, True))
    return found


async def _answering(asked: Searched, taken: slice, method: Method) -> list[Example]:
    return [
        ((await asked.given(one.query, one.candidates[0], method)).judged.signals, one.answerable)
        for one in asked.data.questions[taken]
    ]


def fitted(examples: Sequence[Example], names: Sequence[str], penalty: float) -> Model:
    """Return the logistic model of ``examples`` by the signals of these ``names``."""
    rows = [[getattr(signals, name) for name in names] for signals, _ in examples]
    truths = [truth for _, truth in examples]
    weights, intercept = logistic(rows, truths, penalty=penalty)
    rounded = {name: round(one, 2) for name, one in zip(names, weights, strict=True)}
    return Model(Signals(**rounded), round(intercept, 2))


def threshold(model: Model, examples: Sequence[Example]) -> float:
    """Return the probability below which so many of the proper questions lie."""
    proper = sorted(model.probability(signals) for signals, truth in examples if truth)
    return math.floor(100 * proper[int(DECLINED * len(proper))]) / 100


async def fitted_on(opened: Sequence[Searched], taken: slice, *, meaning: bool) -> Calibration:
    """Return what the questions ``taken`` of both sets fit: the weights, then what ranks by them.

    ``opened`` are HotpotQA and CLAPnq.
    """
    start = BY_MEANING if meaning else BY_WORDS
    weights = await _weights(opened, taken, Method(start, meaning))
    method = Method(replace(start, weights=weights), meaning)
    one, other = opened
    relevant = await _relevant(one, other, taken, method)
    relevant += await _relevant(other, one, taken, method)
    model = fitted(relevant, RELEVANT[meaning], PENALTY["relevant"])
    answers = await _answering(other, taken, method)
    answering = fitted(answers, ANSWERING[meaning], PENALTY["answering"])
    found = threshold(model, relevant)
    return replace(method.calibrated, relevant=model, answering=answering, found=found)


async def _weights(opened: Sequence[Searched], taken: slice, method: Method) -> Traits:
    pairs = zip(opened, SETS.values(), strict=True)
    choices = [one for of, count in pairs for one in await _choices(of, count, taken, method)]
    weights = chosen(choices, penalty=PENALTY["traits"])
    return Traits(*(round(one, 2) for one in weights))


async def _fit(data: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened = [await Searched.open(load(data / name), Path(folder) / name) for name in SETS]
        print("BY_WORDS =", await fitted_on(opened, EVERY, meaning=False))
        print("BY_MEANING =", await fitted_on(opened, EVERY, meaning=True))


def main() -> None:
    """Fit on the sets and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.fit")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the sets")
    anyio.run(_fit, parser.parse_args().data.absolute())


if __name__ == "__main__":
    main()
