"""Tables of web pages: rows with every cell in its column, also merged ones."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree, html

from researcher_job.sources.readers.rows import MAX_COLUMNS, Row

_BLOCKS = ("table", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "iframe", "form", "section")
"""What a cell of a data table does not hold; a table that does is there for the layout."""

_UNSEEN = ("script", "style", "template", "noscript")
_MAX_SPAN = 1_000


def is_data(table: html.HtmlElement) -> bool:
    """Return whether a table holds data: no other blocks inside, and a row with several cells."""
    if next(table.iterdescendants(*_BLOCKS), None) is not None:
        return False
    return any(len(_cells(row)) > 1 for row in table.iter("tr"))


def head_rows(table: html.HtmlElement) -> int | None:
    """Return how many rows name the columns, ``None`` where no cell is typed as a header."""
    rows = [row for row in table.iter("tr") if _cells(row)]
    if next(table.iter("th"), None) is None:
        return None
    count = 0
    for row in rows:
        parent = row.getparent()
        in_head = parent is not None and parent.tag == "thead"
        if not in_head and not all(cell.tag == "th" for cell in _cells(row)):
            break
        count += 1
    return count if count < len(rows) else 0


def rows_of(table: html.HtmlElement) -> Iterator[Row]:
    """Yield the text of the cells of each row; ``None`` stands for a cell merged with one above."""
    open_above: dict[int, int] = {}
    for row in table.iter("tr"):
        cells: list[str | None] = []
        for cell in _cells(row):
            while open_above.get(len(cells), 0) > 0:
                open_above[len(cells)] -= 1
                cells.append(None)
            columns, rows = _span(cell, "colspan"), _span(cell, "rowspan")
            for index in range(min(columns, MAX_COLUMNS - len(cells))):
                if rows > 1:
                    open_above[len(cells)] = rows - 1
                cells.append(_words(cell) if not index else "")
        while open_above.get(len(cells), 0) > 0:
            open_above[len(cells)] -= 1
            cells.append(None)
        if cells:
            yield cells


def caption_of(table: html.HtmlElement) -> str:
    caption = table.find("caption")
    return "" if caption is None else _words(caption)


def _cells(row: html.HtmlElement) -> list[html.HtmlElement]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _words(cell: html.HtmlElement) -> str:
    return " ".join(" ".join(_seen(cell)).split())


def _seen(cell: html.HtmlElement) -> Iterator[str]:
    """Yield the texts in a cell but those of scripts and styles."""
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        if event == "end" and element is not cell:
            yield element.tail or ""
        elif event == "start" and element.tag not in _UNSEEN:
            yield element.text or ""


def _span(cell: html.HtmlElement, name: str) -> int:
    said = cell.get(name, "1").strip()
    return max(1, min(int(said), _MAX_SPAN)) if said.isascii() and said.isdigit() else 1
