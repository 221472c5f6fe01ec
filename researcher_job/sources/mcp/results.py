"""What a tool answers, as pages: entries of JSON, entries of text, or one page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from researcher_job.sources.services.base import MAX_PAGE, MAX_PAGES, Page

if TYPE_CHECKING:
    from mcp.types import CallToolResult

MAX_RESULT = MAX_PAGES * MAX_PAGE
"""Characters of one answer that are looked at."""

_ADDRESS_KEYS = ("url", "link", "href", "uri", "address", "sourceURL", "id")
_TITLE_KEYS = ("title", "name", "heading")
_TEXT_KEYS = (
    *("raw_content", "markdown", "text", "content", "page_content", "body", "snippet"),
    *("description", "summary", "abstract", "highlights", "excerpt"),
)
_DEEPEST = 6
_WEB = re.compile(r"https?://[^\s<>\"'`]{1,2000}")
_NUMBERED = re.compile(r"\d{1,3}\. +(?=\S)")
_ADDRESS_LABELS = ("url", "link")
_TEXT_LABELS = ("summary", "description", "content", "text", "snippet", "highlights")


def result_pages(result: CallToolResult, *, address: str, title: str, whole: bool) -> list[Page]:
    """Return the pages of ``result``, at most 20.

    What names no address of its own gets ``address``, and ``title`` without a title. ``whole``
    tells that the tool opened a page, so that the answer is one page.
    """
    said = _texts(result)
    joined = "\n\n".join(said)[:MAX_RESULT]
    parsed = result.structured_content
    if parsed is None or _is_wrapped(parsed):
        parsed = _json(joined)
    if parsed is not None:
        entries = list(_entries(parsed, whole=whole))
        if whole and entries:
            return [_joined(entries, address, title)]
        if entries or (isinstance(parsed, list | dict) and not _leaves(parsed)):
            return entries[:MAX_PAGES]
        text = json.dumps(parsed, ensure_ascii=False)[:MAX_RESULT]
        if isinstance(parsed, dict | list) and text:
            return [
                Page(address=address, title=title, text=text, media="application/json", whole=whole)
            ]
    linked = [*_links(result)]
    if not whole and (listed := list(_listed(joined))):
        return [*listed, *linked][:MAX_PAGES]
    page = Page(address=address, title=title, text=joined, whole=whole)
    return [*([page] if joined.strip() else []), *linked][:MAX_PAGES]


def error_text(result: CallToolResult) -> str:
    """Return how long the error of a tool is; its words are the server's and are not repeated."""
    return f"The tool failed ({len(' '.join(_texts(result))):,} characters of error)."


def _texts(result: CallToolResult) -> list[str]:
    found = []
    for block in result.content:
        if block.type == "text":
            found.append(block.text)
        elif block.type == "resource" and (text := getattr(block.resource, "text", "")):
            found.append(str(text))
    return found


def _links(result: CallToolResult) -> Iterator[Page]:
    for block in result.content:
        if block.type == "resource_link":
            text = block.description or ""
            yield Page(
                address=str(block.uri), title=block.title or block.name, text=text, whole=False
            )


def _is_wrapped(parsed: object) -> bool:
    """Whether a library wrapped a text, as it does where a tool returns no object."""
    return (
        isinstance(parsed, dict) and set(parsed) == {"result"} and isinstance(parsed["result"], str)
    )


def _json(text: str) -> object:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _entries(value: object, *, whole: bool, depth: int = 0) -> Iterator[Page]:
    """Yield the entries of JSON that have a text, with an address unless it is one page."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        address = _first(value, _ADDRESS_KEYS)
        title, text = _first(value, _TITLE_KEYS), _first(value, _TEXT_KEYS)
        if _WEB.fullmatch(address) or (address and text):
            yield Page(address=address, title=title, text=text, whole=whole)
            return
        if text and whole:
            yield Page(address="", title=title, text=text, whole=whole)
            return
    inner = value.values() if isinstance(value, Mapping) else value
    for one in inner if isinstance(inner, Iterable) and not isinstance(inner, str) else ():
        if isinstance(one, Mapping | list):
            yield from _entries(one, whole=whole, depth=depth + 1)


def _first(entry: Mapping[str, object], keys: Sequence[str]) -> str:
    for key in keys:
        value = entry.get(key)
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            value = "\n\n".join(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _leaves(value: object) -> bool:
    """Whether JSON holds any value at all."""
    if isinstance(value, Mapping):
        return any(map(_leaves, value.values()))
    if isinstance(value, list):
        return any(map(_leaves, value))
    return value not in (None, "")


def _joined(entries: Sequence[Page], address: str, title: str) -> Page:
    return Page(
        address=address,
        title=entries[0].title or title,
        text="\n\n".join(one.text for one in entries)[:MAX_RESULT],
    )


def _listed(text: str) -> Iterator[Page]:
    """Yield the entries of a text in which lines name title and address of each.

    Known forms are lines ``Title: …`` and ``URL: …``, in this order, and ``1. …`` with ``URL: …``
    below. What has no address is no entry.
    """
    title, address, said = "", "", list[str]()
    for line in [*text.split("\n"), "Title: the end"]:
        found, label, value = _line(line)
        if found:
            if title and address:
                yield Page(address=address, title=title, text="\n".join(said).strip(), whole=False)
            title, address, said = found, "", []
        elif label in _ADDRESS_LABELS and not address and _WEB.fullmatch(value):
            address = value
        elif label not in _ADDRESS_LABELS:
            said.append(value if label in _TEXT_LABELS else line)


def _line(line: str) -> tuple[str, str, str]:
    """Return the title that a line names, or its label in lower case and what follows it."""
    plain = line.strip().replace("**", "")
    number = _NUMBERED.match(plain)
    rest = plain[number.end() :] if number else plain
    label, colon, value = rest.partition(":")
    if colon and label.casefold() == "title":
        return value.strip(), "", ""
    if number:
        return rest, "", ""
    return "", label.casefold() if colon else "", value.strip()
