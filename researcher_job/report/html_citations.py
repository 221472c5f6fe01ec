"""A citation on the page: the quote marked in an excerpt of its snapshot."""

from __future__ import annotations

from html import escape
from urllib.parse import unquote, urlsplit

from research_contract.records import Evidence
from research_contract.text.safe import one_line, visible
from researcher_job.evidence.excerpts import Excerpt
from researcher_job.report.report import where

EXCERPT_BYTES = 1_000_000
"""Most bytes that all excerpts of one page take beyond the paragraphs of their quotes."""

_LINKED = frozenset({"http", "https", "file"})


def text(said: str) -> str:
    """Return ``said`` on one line, escaped for text and attributes."""
    return escape(one_line(said))


def cite(item: Evidence) -> str:
    """Return the link ``[n]`` that brings up the quote in its snapshot."""
    return f'<a class="cite" href="#c{item.n}" title="{text(where(item))}">[{item.n}]</a>'


def place(item: Evidence) -> str:
    """Return title, locator and source of a quote, and the job that it was taken over from."""
    said = [f"<cite>{text(where(item))}</cite>", text(item.source)]
    if item.carried_from:
        said.append(f"taken over from job {text(item.carried_from)}")
    return ", ".join(one for one in said if one)


def link(uri: str, *, shown: str = "") -> str:
    """Return a link to a source, or its plain text where it is not safe to follow."""
    try:
        scheme = urlsplit(uri).scheme
    except ValueError:
        scheme = ""
    if scheme not in _LINKED or visible(uri) != uri:
        return text(uri)
    return f'<a href="{escape(uri)}" rel="noopener noreferrer">{text(shown or uri)}</a>'


def citation(item: Evidence, excerpt: Excerpt | None, *, of: int) -> str:
    """Return the quote in its place, one ``of`` so many; alone where there is no excerpt."""
    marked = f'<mark id="c{item.n}">{_inert(item.quote)}</mark>'
    return (
        f'<article class="citation"><p class="place"><b class="number">{item.n}</b> {place(item)}'
        f" {_open(item.uri)}</p>"
        f'<div class="snapshot" dir="auto" tabindex="0">'
        f"{_around(item, marked, excerpt, room=EXCERPT_BYTES // (2 * of))}</div>"
        f'<p class="ways"><a href="#f{item.n}">In the report</a> <a href="#closed">Close</a></p>'
        "</article>"
    )


def _open(uri: str) -> str:
    """Return a link to the document; its whole address stands among the sources."""
    name = unquote(uri.rstrip("/").rpartition("/")[2]) or uri
    return f'<span class="open">{link(uri, shown=f"Open {name}")}</span>'


def _around(item: Evidence, marked: str, excerpt: Excerpt | None, *, room: int) -> str:
    if excerpt is None:
        before, found, after = item.paragraph.partition(item.quote)
        return f"{_inert(before)}{marked}{_inert(after)}" if found else marked
    begin = "" if excerpt.begins else "… "
    end = "" if excerpt.ends else " …"
    return (
        f"{_far(begin + excerpt.far_before, room)}{_inert(excerpt.near_before)}{marked}"
        f"{_inert(excerpt.near_after)}{_far(excerpt.far_after + end, room)}"
    )


def _far(said: str, room: int) -> str:
    """Return text beyond the paragraph, unless escaping makes too much of it."""
    shown = _inert(said)
    return f'<span class="far">{shown}</span>' if 0 < len(shown.encode()) <= room else ""


def _inert(said: str) -> str:
    return escape(visible(said), quote=False)
