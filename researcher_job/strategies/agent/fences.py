"""Text of sources for a model: fenced, so that it cannot be taken for instructions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from research_contract.context import context_lines
from research_contract.records import Evidence
from researcher_job.sources.base import Passage


def fenced(text: str) -> str:
    """Return ``text`` between two marks that cannot stand in it: they hold its hash."""
    mark = hashlib.sha256(text.encode()).hexdigest()[:10]
    return f"<<<DATA {mark}\n{text}\nDATA {mark}>>>"


def numbered_passages(passages: Sequence[Passage]) -> str:
    """Return the passages, numbered from 1, each with title, place and context in its fence."""
    return "\n\n".join(
        f"Passage {number}:\n{fenced(_passage(one))}" for number, one in enumerate(passages, 1)
    )


def keyed_quotes(quotes: Iterable[tuple[str, Evidence]]) -> str:
    """Return quotes with their keys, each with title, place and context in its fence."""
    return "\n\n".join(f"{key}:\n{fenced(_quote(item))}" for key, item in quotes)


def _passage(passage: Passage) -> str:
    above = [part.text for part in passage.context]
    return _shown(passage.title, passage.locator, above, passage.text)


def _quote(item: Evidence) -> str:
    return _shown(item.title, item.locator, context_lines(item), item.quote)


def _shown(title: str, locator: str, context: Sequence[str], text: str) -> str:
    lines = [f"title: {title}", f"place: {locator}", *(f"context: {one}" for one in context)]
    return "\n".join([*(line for line in lines if not line.endswith(": ")), "text:", text])
