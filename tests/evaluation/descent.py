"""Small models fitted by gradient descent: a handful of numbers over some hundred questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, pstdev

Row = Sequence[float]


@dataclass(frozen=True)
class Choice:
    """Rows of which the ``right`` ones, any of them, should be above the others."""

    rows: Sequence[Row]
    right: Sequence[bool]
    weight: float = 1.0


def chosen(choices: Sequence[Choice], *, penalty: float, steps: int = 600) -> list[float]:
    """Return weights that put right rows first: the best by the softmax of each choice.

    ``penalty`` is on the squared weights of columns brought to the same spread.
    """
    spreads = _spreads([row for one in choices for row in one.rows])
    scaled = [
        Choice([_divided(row, spreads) for row in one.rows], one.right, one.weight)
        for one in choices
        if any(one.right)
    ]
    weights = [0.0] * len(spreads)
    rate = 4.0 / sum(one.weight for one in scaled)
    for _ in range(steps):
        slopes = [2 * penalty * weight for weight in weights]
        for one in scaled:
            _add(slopes, _slope(one, weights))
        weights = [a - rate * b for a, b in zip(weights, slopes, strict=True)]
    return _divided(weights, spreads)


def _slope(choice: Choice, weights: Row) -> list[float]:
    """Return the slope of minus the logarithm of the right rows' share."""
    scores = [_dot(row, weights) for row in choice.rows]
    shares = [math.exp(score - max(scores)) for score in scores]
    every = sum(shares)
    right = sum(share for share, is_ in zip(shares, choice.right, strict=True) if is_)
    found = [0.0] * len(weights)
    for row, share, is_ in zip(choice.rows, shares, choice.right, strict=True):
        pull = choice.weight * (share / every - (share / right if is_ else 0.0))
        _add(found, [pull * value for value in row])
    return found


def logistic(
    rows: Sequence[Row], truths: Sequence[bool], *, penalty: float, steps: int = 1_500
) -> tuple[list[float], float]:
    """Return the weights and the intercept that tell ``truths``, both classes counting the same."""
    spreads = _spreads(rows)
    means = [mean(column) for column in zip(*rows, strict=True)]
    scaled = [[*_divided(_less(row, means), spreads), 1.0] for row in rows]
    share = sum(truths) / len(truths)
    counts = [0.5 / share if truth else 0.5 / (1 - share) for truth in truths]
    weights = [0.0] * len(scaled[0])
    for _ in range(steps):
        slopes = [2 * penalty * weight for weight in weights[:-1]] + [0.0]
        for row, truth, count in zip(scaled, truths, counts, strict=True):
            error = count * (1 / (1 + math.exp(-_dot(row, weights))) - truth)
            _add(slopes, [error * value for value in row])
        weights = [a - b / len(rows) for a, b in zip(weights, slopes, strict=True)]
    found = _divided(weights[:-1], spreads)
    return found, weights[-1] - _dot(found, means)


def _spreads(rows: Sequence[Row]) -> list[float]:
    return [pstdev(column) or 1.0 for column in zip(*rows, strict=True)]


def _divided(row: Row, by: Row) -> list[float]:
    return [a / b for a, b in zip(row, by, strict=True)]


def _less(row: Row, by: Row) -> list[float]:
    return [a - b for a, b in zip(row, by, strict=True)]


def _dot(one: Row, other: Row) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _add(total: list[float], row: Row) -> None:
    for place, value in enumerate(row):
        total[place] += value
