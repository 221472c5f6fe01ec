"""Counting what was found, what was read, and what was not and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from research_contract.records import Coverage, NotRead
from research_contract.text.stems import stem
from researcher_job.sources.document import Reason

MAX_EXAMPLES = 5
MAX_NAME = 160
"""Characters of a name that are shown; its end says most."""

MAX_GAPS = 400
"""Characters of what is said of a file that was read in part."""

_WORD = re.compile(r"[^\W_]+")
_LEAST = 4
"""Letters of a word of a file name that counts."""

_PHRASES = {phrase: reason for reason in Reason for phrase in reason.value}


@dataclass(eq=False)
class Tally:
    """Counts files; ``coverage`` always adds up.

    ``expected`` files were found; those not counted yet are said not to be reached.
    """

    expected: int = 0
    _read: int = field(default=0, init=False)
    _in_part: int = field(default=0, init=False)
    _gaps: list[str] = field(default_factory=list, init=False)
    _counts: dict[Reason, int] = field(default_factory=dict, init=False)
    _examples: dict[Reason, list[str]] = field(default_factory=dict, init=False)

    def count_read(self, name: str = "", gaps: Sequence[str] = ()) -> None:
        """Count a file as read, but for ``gaps``."""
        self._read += 1
        if gaps:
            self._in_part += 1
            self._name_gaps([f"{_short(name)}: {', '.join(gaps)}"])

    def _name_gaps(self, said: Iterable[str]) -> None:
        room = MAX_EXAMPLES - len(self._gaps)
        self._gaps += [one[:MAX_GAPS] for one in said][:room]

    def count_skipped(self, reason: Reason, name: str) -> None:
        self._add(reason, 1, [name])

    def include(self, coverage: Coverage) -> None:
        """Add what another tally counted."""
        self._read += coverage.read
        if coverage.in_part:
            self._in_part += coverage.in_part.count
            self._name_gaps(coverage.in_part.examples)
        for kind in coverage.not_read:
            self._add(_PHRASES[kind.reason], kind.count, kind.examples)

    def _add(self, reason: Reason, count: int, names: Iterable[str]) -> None:
        self._counts[reason] = self._counts.get(reason, 0) + count
        examples = self._examples.setdefault(reason, [])
        room = MAX_EXAMPLES - len(examples)
        examples += [_short(name) for name in names if name][:room]

    def _read_in_part(self) -> NotRead | None:
        if not self._in_part:
            return None
        reason = "file read in part" if self._in_part == 1 else "files read in part"
        return NotRead(reason=reason, count=self._in_part, examples=tuple(self._gaps))

    @property
    def coverage(self) -> Coverage:
        """The counts so far, the largest first."""
        counts = dict(self._counts)
        done = self._read + sum(counts.values())
        if done < self.expected:
            counts[Reason.NOT_REACHED] = self.expected - done
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0].name))
        return Coverage(
            found=max(done, self.expected),
            read=self._read,
            in_part=self._read_in_part(),
            not_read=tuple(
                NotRead(
                    reason=reason.of(count),
                    count=count,
                    examples=tuple(self._examples.get(reason, ())),
                )
                for reason, count in ranked
            ),
        )


def with_likeliest(
    coverage: Coverage, unread: Iterable[tuple[Reason, str]], about: Sequence[str]
) -> Coverage:
    """Return ``coverage`` with those files named first whose names share words with ``about``.

    ``unread`` are the files that were not read, with their reasons; ``about`` what a person
    wants to know.
    """
    wanted = {found for text in about for found in _stems(text)}
    likely: dict[Reason, dict[str, int]] = {}
    for reason, name in unread:
        if shared := len(_stems(name) & wanted):
            likely.setdefault(reason, {})[_short(name)] = shared
    return coverage.model_copy(
        update={"not_read": tuple(_named(kind, likely) for kind in coverage.not_read)}
    )


def _stems(text: str) -> set[str]:
    return {stem(word.casefold()) for word in _WORD.findall(text) if len(word) >= _LEAST}


def _named(kind: NotRead, likely: dict[Reason, dict[str, int]]) -> NotRead:
    shared = likely.get(_PHRASES[kind.reason], {})
    best = sorted(shared, key=lambda name: -shared[name])  # stable: else in their order
    examples = tuple(dict.fromkeys((*best, *kind.examples)))[:MAX_EXAMPLES]
    return kind.model_copy(update={"examples": examples})


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"…{name[1 - MAX_NAME :]}"
