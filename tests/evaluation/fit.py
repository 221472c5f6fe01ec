"""``python -m tests.evaluation.fit``: fits the models of ``calibration`` on even positions.

Prints them as they stand in the code, and the probability below which questions are declined.
Plain gradient descent: a handful of coefficients over some hundred questions.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import anyio

from researcher_job.calibration import Model, Signals
from tests.evaluation.measures import Searched
from tests.evaluation.sets import load

STEPS = 1_000
RATE = 1.5
PENALTY = 3.0
"""Times the squared coefficients, over the number of examples: few examples, small numbers."""

DECLINED = 0.08
"""Share of the proper questions that the threshold declines among those it is set on."""

Example = tuple[Signals, bool]


def fitted(examples: Sequence[Example]) -> Model:
    """Return the logistic model of ``examples``, both classes of equal weight."""
    rows = [astuple(signals) for signals, _ in examples]
    truths = [truth for _, truth in examples]
    share = sum(truths) / len(truths)
    weights = [0.5 / share if truth else 0.5 / (1 - share) for truth in truths]
    coefficients, intercept = [0.0] * len(rows[0]), 0.0
    for _ in range(STEPS):
        model = Model(tuple(coefficients), intercept)
        errors = [
            weight * (model.probability(Signals(*row)) - truth)
            for row, truth, weight in zip(rows, truths, weights, strict=True)
        ]
        for place, column in enumerate(zip(*rows, strict=True)):
            slope = sum(error * value for error, value in zip(errors, column, strict=True))
            slope += 2 * PENALTY * coefficients[place] / 100
            coefficients[place] -= RATE * slope / len(rows)
        intercept -= RATE * sum(errors) / len(rows)
    return Model(tuple(round(one, 2) for one in coefficients), round(intercept, 2))


async def _collect(data: Path) -> tuple[list[Example], list[Example]]:
    relevant: list[Example] = []
    answering: list[Example] = []
    with tempfile.TemporaryDirectory() as folder:
        sets = [
            await Searched.open(load(data / name), Path(folder) / name)
            for name in ("hotpotqa", "clapnq")
        ]
        for asked, other in (sets, sets[::-1]):
            for question in asked.data.questions[::2]:
                foreign = await other.quotes(question.query)
                relevant.append((foreign.judged.signals, False))
                if question.answerable:
                    own = await asked.quotes(question.query)
                    relevant.append((own.judged.signals, True))
        for question in sets[1].data.questions[::2]:
            given = await sets[1].given(question.query, question.candidates[0])
            answering.append((given.judged.signals, question.answerable))
    return relevant, answering


def threshold(model: Model, examples: Sequence[Example]) -> float:
    """Return the probability below which so many of the proper questions lie."""
    proper = sorted(model.probability(signals) for signals, truth in examples if truth)
    return math.floor(100 * proper[int(DECLINED * len(proper))]) / 100


def main() -> int:
    """Fit on the sets in the folder that is the one argument, and print."""
    relevant, answering = anyio.run(_collect, Path(sys.argv[1]))
    for name, examples in (("RELEVANT", relevant), ("ANSWERING", answering)):
        model = fitted(examples)
        print(f"{name} = Model({model.coefficients}, {model.intercept})")
        if name == "RELEVANT":
            print(f"FOUND = {threshold(model, examples)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
