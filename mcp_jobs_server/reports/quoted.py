"""One quote as text for a model: where it stands, its context, its words, a row by its heads."""

from __future__ import annotations

from research_contract.context import context_lines, labelled_row, location
from research_contract.records import Evidence
from research_contract.text.safe import blockquote, cited, markdown

_IN_PARAGRAPHS = frozenset({"paragraph", "answer", "definition", "note"})
"""Kinds of blocks whose paragraph says more; beside a row or an item stand others of the kind."""

_LEAST_MORE = 40
"""Characters that a paragraph must have more than its quote to be shown."""


def block(quote: Evidence) -> str:
    """Return number, place, context and quote, and the paragraph where that says more."""
    text = f"[{quote.n}] {place(quote)}\n{shown(quote)}"
    more = len(" ".join(quote.paragraph.split())) - len(quote.quote)
    if quote.kind not in _IN_PARAGRAPHS or more <= _LEAST_MORE:
        return text
    return f"{text}\nIn its paragraph:\n{blockquote(quote.paragraph)}"


def place(item: Evidence, *, uri: bool = False) -> str:
    """Return document, locator, source, and the job that found a quote that was carried over."""
    origin = f"; from job {markdown(item.carried_from)}" if item.carried_from else ""
    address = f", {markdown(item.uri)}" if uri else ""
    return f"{cited(location(item))} ({markdown(item.source)}{origin}{address})"


def shown(item: Evidence) -> str:
    """Return the quote, after its context and before its cells with their heads."""
    context, row = context_lines(item), labelled_row(item)
    parts = ["Context:", blockquote("\n".join(context)), "Quote:"] if context else []
    parts.append(blockquote(item.quote))
    if row:
        parts += ["By its column heads:", blockquote("; ".join(cell.text for cell in row))]
    return "\n".join(parts)


def context_verified(item: Evidence, text: str) -> bool:
    """Return whether each part of the context is at its place in the snapshot ``text``."""
    return all(text[span.start : span.end] == span.text for span in item.context)
