"""Citations in the HTML report: each quote, marked in an excerpt of its snapshot."""

from __future__ import annotations

from html import escape
from urllib.parse import unquote, urlsplit

from research_contract.context import context_lines, labelled_row, location
from research_contract.records import Evidence
from research_contract.text.safe import one_line, visible
from researcher_job.evidence.excerpts import Excerpt

EXCERPT_BYTES = 1_000_000
"""Most bytes of all excerpts of one page together, without the paragraphs of their quotes."""

_LINKED = frozenset({"http", "https", "file"})


def text(content: str) -> str:
    """Return ``content`` on one line, escaped for text and attributes."""
    return escape(one_line(content))


def block(content: str) -> str:
    """Return ``content`` with its line breaks, escaped for text."""
    return escape(visible(content), quote=False)


def cite(item: Evidence) -> str:
    """Return the link ``[n]`` that shows the quote in its snapshot."""
    return f'<a class="cite" href="#c{item.n}" title="{text(location(item))}">[{item.n}]</a>'


def place(item: Evidence) -> str:
    """Return title, locator and source of a quote, and the job that a carried quote is from."""
    parts = [f"<cite>{text(location(item))}</cite>", text(item.source)]
    if item.carried_from:
        parts.append(f"carried over from job {text(item.carried_from)}")
    return ", ".join(part for part in parts if part)


def quote_body(item: Evidence) -> str:
    """Return the context of a quote and the quote; a row of a table as its labelled cells."""
    cells = "".join(
        f"<dt>{text(cell.head)}</dt><dd>{text(cell.value)}</dd>" for cell in labelled_row(item)
    )
    if cells:
        return f'{_context(item)}<dl dir="auto">{cells}</dl>'
    return f'{_context(item)}<blockquote dir="auto">{block(item.quote)}</blockquote>'


def _context(item: Evidence) -> str:
    lines = " · ".join(text(line) for line in context_lines(item))
    return f'<p class="context" dir="auto">{lines}</p>' if lines else ""


def link(uri: str, *, label: str = "") -> str:
    """Return a link to a source, or its address as plain text if it is not safe to follow."""
    try:
        scheme = urlsplit(uri).scheme
    except ValueError:
        scheme = ""
    if scheme not in _LINKED or visible(uri) != uri:
        return text(uri)
    return f'<a href="{escape(uri)}" rel="noopener noreferrer">{text(label or uri)}</a>'


def citation(item: Evidence, excerpt: Excerpt | None, *, total: int) -> str:
    """Return one of ``total`` citations: the quote in its excerpt, or else in its paragraph.

    Its link to the document has the file name only; the list of sources has the whole address.
    """
    name = unquote(item.uri.rstrip("/").rpartition("/")[2]) or item.uri
    document = f'<span class="open">{link(item.uri, label=f"Open {name}")}</span>'
    context = _quote_in_context(item, excerpt, room=EXCERPT_BYTES // (2 * total))
    return (
        f'<article class="citation"><p class="place"><b class="number">{item.n}</b> {place(item)}'
        f" {document}</p>{_context(item)}"
        f'<div class="snapshot" dir="auto" tabindex="0">{context}</div>'
        f'<p class="ways"><a href="#f{item.n}">In the report</a> <a href="#closed">Close</a></p>'
        "</article>"
    )


def _quote_in_context(item: Evidence, excerpt: Excerpt | None, *, room: int) -> str:
    """Return the marked quote with the text around it.

    Text beyond the paragraph is omitted if it has more than ``room`` bytes after escaping.
    """
    marked = f'<mark id="c{item.n}">{block(item.quote)}</mark>'
    if excerpt is None:
        before, found, after = item.paragraph.partition(item.quote)
        return f"{block(before)}{marked}{block(after)}" if found else marked
    beyond = []
    for outer in (
        f"{'' if excerpt.begins else '… '}{excerpt.far_before}",
        f"{excerpt.far_after}{'' if excerpt.ends else ' …'}",
    ):
        shown = block(outer)
        fits = 0 < len(shown.encode()) <= room
        beyond.append(f'<span class="far">{shown}</span>' if fits else "")
    return f"{beyond[0]}{block(excerpt.near_before)}{marked}{block(excerpt.near_after)}{beyond[1]}"
