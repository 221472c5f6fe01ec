"""Workbooks: each row a paragraph, values behind the names of their columns."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.packed import check
from researcher_job.sources.readers.rows import MAX_COLUMNS, add_table
from researcher_job.sources.readers.text import title_of

MAX_ROWS = 1_048_576
"""Of one sheet; what the format allows."""

_EMPTY_ROWS = 10_000
"""After so many rows without a value in a row, nothing more is looked for in a sheet."""


def read(data: bytes, name: str) -> Document:
    """Read a workbook: stored values, never formulas; hidden sheets, too, marked as such."""
    check(data, Reason.BROKEN_XLSX)
    writer = DocumentWriter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it reports every extension it does not know
            _read(writer, data)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parsers raise anything at all
        raise Unreadable(Reason.BROKEN_XLSX) from error
    return writer.document(title_of(name))


def _read(writer: DocumentWriter, data: bytes) -> None:
    workbook = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # they are declared by the file, and may be anything
        hidden = "" if sheet.sheet_state == "visible" else "hidden sheet, "
        writer.add("heading", sheet.title)
        add_table(writer, _rows(sheet), place=f"{hidden}row {{}}")


def _rows(sheet: Any) -> Iterator[list[str]]:  # noqa: ANN401 - the library has no types
    empty = 0
    for row in sheet.iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS, values_only=True):
        cells = [_said(value) for value in row]
        empty = 0 if any(cells) else empty + 1
        if empty > _EMPTY_ROWS:
            return
        yield cells


def _said(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return f"{value:.12g}"  # 0.1 + 0.2 as the program shows it
    return str(value)
