"""What the evaluation prints: a measure over all questions and over each half, and its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

Values = Sequence[float | None]
"""A value for each question in order; ``None`` where a question does not count."""


@dataclass(frozen=True)
class Aim:
    """What a measure is compared with; ``None`` where there is nothing to compare with.

    ``words`` is the aim by words alone, ``both`` that with both models.
    """

    baseline: float | None = None
    words: float | None = None
    both: float | None = None
    at_most: bool = False


@dataclass(frozen=True)
class Result:
    """A measure: over all questions, and apart over those at even and at odd positions."""

    all: float
    even: float
    odd: float


def result(values: Values) -> Result:
    """Return the means of ``values``: all, even and odd positions."""
    return Result(*(_mean(part) for part in (values, values[::2], values[1::2])))


def _mean(values: Values) -> float:
    counted = [value for value in values if value is not None]
    return mean(counted) if counted else float("nan")


def area(above: Sequence[float], below: Sequence[float]) -> float:
    """Return how often one of ``above`` is greater than one of ``below``; a tie counts half."""
    if not above or not below:
        return float("nan")
    return mean((high > low) + 0.5 * (high == low) for high in above for low in below)


def precision(judged: Sequence[tuple[float, bool]], share: float) -> float:
    """Return how many of the surest ``share`` are right; pairs are (confidence, right)."""
    surest = sorted(judged, key=lambda one: -one[0])[: max(1, round(share * len(judged)))]
    return mean(right for _, right in surest) if surest else float("nan")


def table(
    measured: Mapping[str, Mapping[str, Mapping[str, Result]]],
    aims: Mapping[str, Mapping[str, Aim]],
) -> str:
    """Return the results, by set, measure and mode, beside baseline and aims as plain text.

    Each result is followed by those of both halves.
    """
    modes = list(
        dict.fromkeys(mode for of in measured.values() for one in of.values() for mode in one)
    )
    head = f"{'set':<10}{'measure':<50}{'baseline':>9}{'aim':>15}"
    lines = [head + "".join(f"{mode + ' (even, odd)':>24}" for mode in modes)]
    for name, measures in measured.items():
        for measure, results in measures.items():
            aim = aims[name].get(measure, Aim())
            shown = "".join(f"{_shown(results.get(mode)):>24}" for mode in modes)
            lines.append(f"{name:<10}{measure:<50}{_number(aim.baseline):>9}{_aim(aim):>15}{shown}")
    return "\n".join(lines)


def with_table(page: str, found: str) -> str:
    """Return the text of ``page`` with ``found`` in place of its table, which begins with `set`."""
    before, fence, rest = page.partition("```text\nset ")
    if not fence:
        raise ValueError("the page has no table of the evaluation")
    return f"{before}```text\n{found}\n{rest[rest.index('```') :]}"


def _shown(one: Result | None) -> str:
    if one is None:
        return "-"
    return f"{_number(one.all)} ({_number(one.even)}, {_number(one.odd)})"


def _aim(aim: Aim) -> str:
    if aim.words is None:
        return "-"
    both = "" if aim.both is None else f" / {_number(aim.both)}"
    return f"{'≤' if aim.at_most else '≥'} {_number(aim.words)}{both}"


def _number(value: float | None) -> str:
    """Return three digits without the leading zero, as usual for shares."""
    if value is None or value != value:
        return "-"
    return f"{value:.3f}".removeprefix("0")
