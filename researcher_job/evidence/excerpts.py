"""Excerpts: the text around a quote in its snapshot, so that readers see it in context."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from research_contract.records import Evidence
from researcher_job.evidence.evidence_book import paragraph_of

RADIUS = 2_000
"""Most characters shown on each side of a quote."""

TEXT_BUDGET = 400_000
"""Most characters of all excerpts of one report together, without their quotes."""

SnapshotText = Callable[[str], str]
"""Returns the text of the snapshot with this hash; "" if it cannot be read."""


@dataclass(frozen=True)
class Excerpt:
    """The text before and after a quote: ``near`` within its paragraph, ``far`` beyond it.

    ``begins`` and ``ends``: whether the excerpt reaches the beginning and end of the snapshot.
    """

    far_before: str
    near_before: str
    near_after: str
    far_after: str
    begins: bool
    ends: bool


def excerpts(items: Sequence[Evidence], snapshot_text: SnapshotText) -> Mapping[int, Excerpt]:
    """Return the excerpts of ``items`` by number, without those whose snapshot is missing."""
    radius = min(RADIUS, TEXT_BUDGET // (2 * max(len(items), 1)))
    found = {}
    for item in sorted(items, key=lambda item: item.snapshot):
        text = snapshot_text(item.snapshot)
        if text[item.start : item.end] == item.quote:
            found[item.n] = excerpt(text, item.start, item.end, radius=radius)
    return found


def excerpt(text: str, start: int, end: int, *, radius: int = RADIUS) -> Excerpt:
    """Return the text around ``text[start:end]``, at most ``radius`` characters on each side."""
    first, last = max(0, start - radius), min(len(text), end + radius)
    paragraph = paragraph_of(text, start, end)
    offset = paragraph.find(text[start:end])
    near_first = max(first, start - offset) if offset >= 0 else start
    near_last = min(last, start - offset + len(paragraph)) if offset >= 0 else end
    near_last = max(near_last, end)
    return Excerpt(
        far_before=text[first:near_first],
        near_before=text[near_first:start],
        near_after=text[end:near_last],
        far_after=text[near_last:last],
        begins=first == 0,
        ends=last == len(text),
    )
