"""Tables of web pages whose columns or rows are named: each row a line, values behind names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import html

from researcher_job.sources.readers.rows import MAX_COLUMNS, MAX_HEADER, said_row

_TOO_MUCH = (
    *("table", "ul", "ol", "dl", "pre", "script", "style", "template", "noscript", "svg", "math"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "iframe", "object", "select", "button", "canvas"),
)
"""What a cell of a plain table does not hold."""


def labelled_rows(table: html.HtmlElement) -> list[str]:
    """Return the caption and the rows of ``table`` as lines.

    Nothing where no cell is a header, where cells hold more than words, or where they span
    columns or rows: a value behind the wrong name would be worse than one without.
    """
    if next(table.iterdescendants(*_TOO_MUCH), None) is not None:
        return []
    said: list[str] = []
    headers: list[str] | None = None
    for row in table.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        if not cells:
            continue
        words = [_words(cell) for cell in cells]
        if any(map(_spans, cells)) or len(cells) > MAX_COLUMNS:
            return []
        if headers is None:
            headers = words if _are_headers(cells, words) else []
            if headers:
                continue
        if line := _line(headers, cells, words):
            said.append(line)
        elif any(words):
            return []
    return [*_caption(table), *said]


def _line(headers: Sequence[str], cells: Sequence[html.HtmlElement], words: Sequence[str]) -> str:
    """Return a row behind its headers, or behind its own one; nothing where it has neither."""
    if headers and len(cells) <= len(headers):
        return said_row(headers, words)
    if not headers and len(cells) == 2 and [cell.tag for cell in cells] == ["th", "td"]:
        return said_row(words[:1], words[1:])
    return ""


def _are_headers(cells: Sequence[html.HtmlElement], words: Sequence[str]) -> bool:
    return (
        len(cells) > 1
        and all(cell.tag == "th" for cell in cells)
        and any(words)
        and all(len(word) <= MAX_HEADER for word in words)
    )


def _words(cell: html.HtmlElement) -> str:
    return " ".join(" ".join(cell.itertext()).split())


def _spans(cell: html.HtmlElement) -> bool:
    return any(cell.get(name, "1").strip() not in ("", "1") for name in ("colspan", "rowspan"))


def _caption(table: html.HtmlElement) -> Iterator[str]:
    caption = table.find("caption")
    if caption is not None and (words := _words(caption)):
        yield words
