"""Pages as documents: their text by the readers, their blocks as passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from researcher_job.sources.base import ContextText, Passage
from researcher_job.sources.document import Document, clean
from researcher_job.sources.index.index import DIVIDER, Candidate
from researcher_job.sources.index.tokenizer import stems
from researcher_job.sources.readers import reader_of
from researcher_job.sources.services.base import MAX_PAGE, Page

_READERS = {
    "text/markdown": "markdown",
    "text/plain": "text",
    "text/html": "web.html",
    "application/json": "data",
}
CUT = f"cut after {MAX_PAGE:,} characters"


@dataclass(frozen=True)
class ReadPage:
    """A page that was read: its document, the name of its source, and its passages, unscored.

    ``words`` are, for each passage, the stems of all that the passage is found by.
    """

    source: str
    address: str
    whole: bool
    document: Document
    passages: tuple[Passage, ...]
    words: tuple[frozenset[str], ...]


def read_page(page: Page, source: str) -> ReadPage:
    """Return ``page`` as a document. Blocking: it may take a second for a long page.

    Raises:
        Unreadable: it has no text.
    """
    read = reader_of(_READERS[page.media])
    text = page.text[:MAX_PAGE]
    document = read(text.encode(errors="replace"), "page")
    title = " ".join(clean(page.title).split()) or (
        page.address if document.title == "page" else document.title
    )
    gaps = (*document.gaps, *((CUT,) if len(page.text) > MAX_PAGE else ()))
    document = Document(title, document.text, document.blocks, gaps)
    passages = tuple(_passages(document, page.address, source))
    fields = [_fields(passage) for passage in passages]
    stemmed = iter(stems([text for four in fields for text in four]))
    words = tuple(frozenset().union(*(next(stemmed) for _ in four)) for four in fields)
    return ReadPage(source, page.address, page.whole, document, passages, words)


def _passages(document: Document, address: str, source: str) -> Iterator[Passage]:
    text = document.text
    for block in document.blocks:
        yield Passage(
            source=source,
            uri=address,
            title=document.title,
            locator=block.locator,
            snapshot=document.snapshot,
            start=block.start,
            end=block.end,
            text=text[block.start : block.end],
            score=0.0,
            kind=block.kind,
            context=tuple(
                ContextText(text[one.start : one.end], one.kind, one.start, one.end, one.cell)
                for one in block.context
            ),
        )


def candidate(passage: Passage) -> Candidate:
    """Return ``passage`` as what the index ranks, with the fields it is ranked by."""
    title, heading, around, body = _fields(passage)
    return Candidate(
        id=0,
        address=passage.uri,
        document=passage.title,
        kind=passage.kind,
        locator=passage.locator,
        snapshot=passage.snapshot,
        start=passage.start,
        end=passage.end,
        context="[]",
        title=title,
        heading=heading,
        around=around,
        body=body,
    )


def _fields(passage: Passage) -> tuple[str, str, str, str]:
    headings = [one.text for one in passage.context if one.kind == "heading"]
    around = [one.text for one in passage.context if one.kind != "heading"]
    return passage.title, DIVIDER.join(headings), DIVIDER.join(around), passage.text


def average_words(passages: Sequence[Passage]) -> float:
    """Return how many words a passage has on average."""
    counted = [len(words) for words in stems([passage.text for passage in passages])]
    return sum(counted) / max(len(counted), 1)
