"""What stands around a quote in its snapshot, for readers who want to see it in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from research_contract.records import Evidence
from researcher_job.evidence.evidence_book import paragraph_of

RADIUS = 2_000
"""Most characters shown on each side of a quote."""

TEXT_BUDGET = 400_000
"""Most characters that all excerpts of one report have together, their quotes left out."""

TextOf = Callable[[str], str]
"""Returns the kept text of a snapshot by its hash; empty where it cannot be read."""


@dataclass(frozen=True)
class Excerpt:
    """The text before and after a quote: ``near`` in its paragraph, ``far`` beyond it.

    ``begins`` and ``ends`` say whether the excerpt reaches the begin and the end of the snapshot.
    """

    far_before: str
    near_before: str
    near_after: str
    far_after: str
    begins: bool
    ends: bool


def excerpts(items: Sequence[Evidence], text_of: TextOf) -> Mapping[int, Excerpt]:
    """Return the excerpts of ``items`` by number; none for a quote whose snapshot is not there."""
    radius = min(RADIUS, TEXT_BUDGET // (2 * max(len(items), 1)))
    found = {}
    for item in sorted(items, key=lambda item: item.snapshot):
        text = text_of(item.snapshot)
        if text[item.start : item.end] == item.quote:
            found[item.n] = excerpt(text, item.start, item.end, radius=radius)
    return found


def excerpt(text: str, start: int, end: int, *, radius: int = RADIUS) -> Excerpt:
    """Return what surrounds ``text[start:end]``, at most ``radius`` characters on each side."""
    first, last = max(0, start - radius), min(len(text), end + radius)
    paragraph = paragraph_of(text, start, end)
    at = paragraph.find(text[start:end])
    near_first = max(first, start - at) if at >= 0 else start
    near_last = min(last, start - at + len(paragraph)) if at >= 0 else end
    near_last = max(near_last, end)
    return Excerpt(
        far_before=text[first:near_first],
        near_before=text[near_first:start],
        near_after=text[end:near_last],
        far_after=text[near_last:last],
        begins=first == 0,
        ends=last == len(text),
    )
