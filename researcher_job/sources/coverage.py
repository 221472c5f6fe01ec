"""Counting what was found, what was read, and what was not and why."""

from __future__ import annotations

from collections.abc import Iterable

from researcher_job.contract import Coverage, NotRead
from researcher_job.sources.document import Reason

MAX_EXAMPLES = 5
_PHRASES = {phrase: reason for reason in Reason for phrase in reason.value}


class Tally:
    """Counts files; ``coverage`` always adds up."""

    def __init__(self, expected: int = 0) -> None:
        """``expected`` files were found; those not counted yet are said not to be reached."""
        self._expected = expected
        self._read = 0
        self._counts: dict[Reason, int] = {}
        self._examples: dict[Reason, list[str]] = {}

    def count_read(self) -> None:
        self._read += 1

    def count_skipped(self, reason: Reason, name: str) -> None:
        self._add(reason, 1, [name])

    def include(self, coverage: Coverage) -> None:
        """Add what another tally counted."""
        self._read += coverage.read
        for kind in coverage.not_read:
            self._add(_PHRASES[kind.reason], kind.count, kind.examples)

    def _add(self, reason: Reason, count: int, names: Iterable[str]) -> None:
        self._counts[reason] = self._counts.get(reason, 0) + count
        examples = self._examples.setdefault(reason, [])
        examples += [name for name in names if name][: MAX_EXAMPLES - len(examples)]

    @property
    def coverage(self) -> Coverage:
        """The counts so far, the largest first."""
        counts = dict(self._counts)
        done = self._read + sum(counts.values())
        if done < self._expected:
            counts[Reason.NOT_REACHED] = self._expected - done
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0].name))
        return Coverage(
            found=max(done, self._expected),
            read=self._read,
            not_read=tuple(
                NotRead(
                    reason=reason.of(count),
                    count=count,
                    examples=tuple(self._examples.get(reason, ())),
                )
                for reason, count in ranked
            ),
        )
