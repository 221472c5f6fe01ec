"""Claims judged by the code of ``check_citations``, and the fit of its coefficients.

Each claim of the set is compared with the sentences of the page it cites as its quotes. The even
half of the claims tunes coefficients and thresholds, the odd half reports.

    python -m tests.evaluation.claims [--data DIR]    fits, and prints what to put into the code
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Literal

from research_contract.claims import verdicts
from research_contract.claims.claims import Claim
from research_contract.claims.quotes import Quoted, Quotes
from research_contract.text.tokens import terms
from tests.repository import SHARED

SET = "wice"

Label = Literal["supported", "partially_supported", "not_supported"]

SUPPORT: Mapping[Label, float] = {
    "supported": 1.0,
    "partially_supported": 0.5,
    "not_supported": 0.0,
}
"""What the fit takes each label for."""

BASELINE = {
    "supported against not supported": 0.901,
    "supported against the rest": 0.750,
}
"""Area under the curve of the share of idf that the ten best sentences cover, on all claims."""

_PENALTY = 5.0
_ROUNDS = 400


@dataclass(frozen=True)
class Judged:
    """A claim of the set: its label, its features and what is said of it."""

    label: Label
    features: verdicts.Features
    judgement: verdicts.Judgement


def judged(folder: Path) -> list[Judged]:
    """Judge every claim of the set in ``folder``; raises ``FileNotFoundError`` without it."""
    pages: dict[str, list[str]] = {}
    for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
        page = json.loads(line)
        pages[page["id"]] = [page["text"][start:end] for start, end in page["sentences"]]
    asked = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in asked]
    return [_judged(row["query"], row["label"], pages[row["candidates"][0]]) for row in rows]


def _judged(text: str, label: Label, page: Sequence[str]) -> Judged:
    quotes = Quotes(Quoted(n, sentence) for n, sentence in enumerate(page, start=1))
    claim = Claim(text, (), terms(text))
    compared = verdicts.Comparison.of(claim, quotes, quotes.numbers)
    return Judged(label, verdicts.features(compared), verdicts.judge(claim, quotes, quotes.numbers))


def measure(found: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """Return each measure on the half that tuned, the half that reports, and all claims."""
    halves = {"tuned half": found[::2], "reported half": found[1::2], "all": found}
    return {
        name: {half: of(claims) for half, claims in halves.items()} for name, of in MEASURES.items()
    }


def _against_not(found: Sequence[Judged]) -> float:
    return _area([one for one in found if one.label != "partially_supported"])


def _area(found: Sequence[Judged]) -> float:
    """Return how often a supported claim scores above another one; a tie counts half."""
    above = [one.judgement.score for one in found if one.label == "supported"]
    below = [one.judgement.score for one in found if one.label != "supported"]
    return mean((high > low) + 0.5 * (high == low) for high in above for low in below)


def _found(found: Sequence[Judged]) -> float:
    """Return the balanced accuracy of "not found" for claims that are not supported at all."""
    return _balanced([(_some(one), one.label != "not_supported") for one in found])


def _some(one: Judged) -> bool:
    return one.judgement.verdict in ("supported", "partly")


def _contradicted(found: Sequence[Judged]) -> float:
    """Return the share of supported claims that are said to be contradicted; less is better."""
    supported = [one for one in found if one.label == "supported"]
    return mean(one.judgement.verdict == "contradicted" for one in supported)


def _balanced(said: Sequence[tuple[bool, bool]]) -> float:
    return mean(mean(mine == truth for mine, truth in said if truth == side) for side in (0, 1))


MEASURES: Mapping[str, Callable[[Sequence[Judged]], float]] = {
    "supported against not supported": _against_not,
    "supported against the rest": _area,
    "'not found' or not, balanced accuracy": _found,
    "supported but called contradicted": _contradicted,
}


def table(measured: Mapping[str, Mapping[str, float]]) -> str:
    """Return the numbers beside the baseline's as plain text."""
    halves = ("tuned half", "reported half", "all")
    lines = [f"{'wice':<39}" + "".join(f"{half:>15}" for half in halves) + f"{'baseline':>10}"]
    for name, values in measured.items():
        shown = "".join(f"{values[half]:>15.3f}" for half in halves)
        before = f"{BASELINE[name]:>10.3f}" if name in BASELINE else ""
        lines.append(f"{name:<39}{shown}{before}")
    return "\n".join(lines)


def report(data: Path) -> str:
    """Return the table of the set below ``data``, or that it is not there."""
    if not (data / SET / "queries.jsonl").is_file():
        return f"The set {SET} is not in {data}; claims were not measured."
    return table(measure(judged(data / SET)))


def fitted(found: Sequence[Judged]) -> tuple[float, tuple[float, ...]]:
    """Return intercept and coefficients, none below zero: finding more never lowers a score."""
    rows = [astuple(one.features) for one in found]
    means = [mean(column) for column in zip(*rows, strict=True)]
    spreads = [
        math.sqrt(mean((value - at) ** 2 for value in column)) or 1.0
        for column, at in zip(zip(*rows, strict=True), means, strict=True)
    ]
    scaled = [
        [1.0, *((v - at) / by for v, at, by in zip(row, means, spreads, strict=True))]
        for row in rows
    ]
    weights = _descended(scaled, [SUPPORT[one.label] for one in found])
    coefficients = tuple(weight / by for weight, by in zip(weights[1:], spreads, strict=True))
    moved = sum(one * at for one, at in zip(coefficients, means, strict=True))
    return weights[0] - moved, coefficients


def _descended(rows: Sequence[Sequence[float]], wanted: Sequence[float]) -> list[float]:
    """Fit by Newton's method, one coefficient at a time; all but the first are penalised."""
    weights = [0.0] * len(rows[0])
    for _ in range(_ROUNDS):
        for at in range(len(weights)):
            said = [_logistic(row, weights) for row in rows]
            penalty = _PENALTY if at else 0.0
            slope = sum((p - y) * r[at] for p, y, r in zip(said, wanted, rows, strict=True))
            bend = sum(p * (1 - p) * r[at] ** 2 for p, r in zip(said, rows, strict=True))
            weights[at] -= (slope + penalty * weights[at]) / (bend + penalty)
            weights[at] = max(weights[at], 0.0) if at else weights[at]
    return weights


def _logistic(row: Sequence[float], weights: Sequence[float]) -> float:
    said = sum(one * other for one, other in zip(row, weights, strict=True))
    return 1 / (1 + math.exp(-said))


def threshold(found: Sequence[Judged], score: Callable[[Judged], float]) -> float:
    """Return from which score a claim is best called found at all."""
    return _best([(score(one), one.label != "not_supported") for one in found])


def _best(scored: Sequence[tuple[float, bool]]) -> float:
    """Return the middle between the two scores where balanced accuracy is highest."""
    scores = sorted({score for score, _ in scored})
    middles = [(low + high) / 2 for low, high in pairwise(scores)]
    return max(middles, key=lambda at: _balanced([(score >= at, is_) for score, is_ in scored]))


def main() -> int:
    """Fit on the even half and print coefficients and thresholds; 2 where the set is missing."""
    default = SHARED / "eval"
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.claims")
    parser.add_argument("--data", type=Path, default=default, help="folder of the sets")
    folder = parser.parse_args().data.absolute() / SET
    if not (folder / "queries.jsonl").is_file():
        print(f"There is no set {folder}. Name the folder with --data DIR.", file=sys.stderr)
        return 2
    tuning = judged(folder)[::2]
    intercept, coefficients = fitted(tuning)

    def score(one: Judged) -> float:
        return _logistic((1.0, *astuple(one.features)), (intercept, *coefficients))

    print(f"INTERCEPT = {intercept:.2f}")
    print(f"COEFFICIENTS = ({', '.join(f'{one:.2f}' for one in coefficients)})")
    print(f"FOUND = {threshold(tuning, score):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
