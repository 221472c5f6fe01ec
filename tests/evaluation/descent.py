"""Small models fitted by gradient descent: a handful of numbers over some hundred questions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, pstdev

_STEPS = 400
_MOST = 500.0
Row = Sequence[float]


@dataclass(frozen=True)
class Choice:
    """Rows of which the ``right`` ones, any of them, should be above the others."""

    rows: Sequence[Row]
    right: Sequence[bool]
    weight: float = 1.0


def chosen(choices: Sequence[Choice], *, penalty: float) -> list[float]:
    """Return weights that put right rows first: the best by the softmax of each choice.

    ``penalty`` is on the squared weights of columns brought to the same spread.
    """
    spreads = _spreads([row for one in choices for row in one.rows])
    scaled = [
        Choice([_divided(row, spreads) for row in one.rows], one.right, one.weight)
        for one in choices
        if any(one.right)
    ]

    def surprise(weights: Row) -> tuple[float, list[float]]:
        total = penalty * _dot(weights, weights)
        slopes = [2 * penalty * weight for weight in weights]
        for one in scaled:
            total += _missed(one, weights, slopes)
        return total, slopes

    return _divided(_lowest(surprise, len(spreads)), spreads)


def _missed(choice: Choice, weights: Row, slopes: list[float]) -> float:
    """Return minus the logarithm of the right rows' share, its slopes added to ``slopes``."""
    scores = [_dot(row, weights) for row in choice.rows]
    shares = [math.exp(score - max(scores)) for score in scores]
    every = math.fsum(shares)
    right = math.fsum(share for share, is_ in zip(shares, choice.right, strict=True) if is_)
    if not right:
        return math.inf
    for row, share, is_ in zip(choice.rows, shares, choice.right, strict=True):
        pull = choice.weight * (share / every - (share / right if is_ else 0.0))
        _add(slopes, [pull * value for value in row])
    return choice.weight * math.log(every / right)


def logistic(
    rows: Sequence[Row], truths: Sequence[bool], *, penalty: float
) -> tuple[list[float], float]:
    """Return the weights and the intercept that tell ``truths``, both classes counting the same."""
    spreads = _spreads(rows)
    means = [mean(column) for column in zip(*rows, strict=True)]
    scaled = [[*_divided(_less(row, means), spreads), 1.0] for row in rows]
    share = sum(truths) / len(truths)
    counts = [0.5 / share if truth else 0.5 / (1 - share) for truth in truths]

    def surprise(weights: Row) -> tuple[float, list[float]]:
        total = penalty * _dot(weights[:-1], weights[:-1])
        slopes = [2 * penalty * weight for weight in weights[:-1]] + [0.0]
        for row, truth, count in zip(scaled, truths, counts, strict=True):
            said = _dot(row, weights) * (1 if truth else -1)
            wrong = 1 / (1 + math.exp(max(-_MOST, min(said, _MOST))))
            total += count * (math.log1p(math.exp(-abs(said))) + max(-said, 0.0))
            _add(slopes, [(-1 if truth else 1) * count * wrong * value for value in row])
        return total, slopes

    weights = _lowest(surprise, len(scaled[0]))
    found = _divided(weights[:-1], spreads)
    return found, weights[-1] - _dot(found, means)


def _lowest(of: Callable[[Row], tuple[float, list[float]]], size: int) -> list[float]:
    """Go down from zero: a step that leads up is taken back and halved, others grow."""
    weights, rate = [0.0] * size, 1.0
    value, slopes = of(weights)
    for _ in range(_STEPS):
        tried = [a - rate * b for a, b in zip(weights, slopes, strict=True)]
        found, slopes_there = of(tried)
        if found > value:
            rate /= 2
            continue
        weights, value, slopes = tried, found, slopes_there
        rate *= 1.2
    return weights


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
