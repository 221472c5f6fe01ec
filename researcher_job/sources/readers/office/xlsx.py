"""Workbooks: each row below the names of its columns, values as their cells show them."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import islice
from typing import Any

from openpyxl import load_workbook

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.office.charts import add_chart
from researcher_job.sources.readers.office.packed import opened
from researcher_job.sources.readers.office.xlsx_formats import shown
from researcher_job.sources.readers.office.xlsx_parts import Parts, sheet_paths
from researcher_job.sources.readers.rows import MAX_COLUMNS, Row, add_table
from researcher_job.sources.readers.text import title_of

MAX_ROWS = 1_048_576
"""Of one sheet; what the format allows."""

_EMPTY_ROWS = 10_000
"""After so many rows without a value in a row, nothing more is looked for in a sheet."""

_TOP_ROWS = 24
"""Rows among which the one in bold type is looked for that names the columns."""


def read(data: bytes, name: str) -> Document:
    """Read a workbook: values as they are shown, comments, charts; hidden sheets marked as such.

    A formula whose result no program has stored is said as it stands: ``not computed (=B2+B3)``.
    """
    data = opened(data, Reason.BROKEN_XLSX)
    writer = DocumentWriter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it reports every extension it does not know
            workbook = _loaded(data, values=True)
            paths = dict(sheet_paths(data))
            formulas: Any = None
            with zipfile.ZipFile(BytesIO(data)) as archive:
                for sheet in workbook.worksheets:
                    parts = Parts(archive, paths[sheet.title])
                    if parts.lacks_results and formulas is None:
                        formulas = _loaded(data, values=False)
                    asked = formulas[sheet.title] if parts.lacks_results else None
                    hidden = "" if sheet.sheet_state == "visible" else "hidden sheet, "
                    writer.add("heading", sheet.title)
                    rows = _rows(sheet, asked, parts.covered())
                    add_table(writer, rows, place=f"{hidden}row {{}}", heads=_bold_head(sheet))
                    for cell, said in parts.comments():
                        writer.add("note", f"{cell}: {said}", place=f"{hidden}comment on {cell}")
                    for kind, content in parts.drawings():
                        if kind == "chart":
                            add_chart(writer, content, place=f"{hidden}chart")
                        else:
                            writer.add("note", content.decode(), place=f"{hidden}text box")
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parsers raise anything at all
        raise Unreadable(Reason.BROKEN_XLSX) from error
    return writer.document(title_of(name))


def _loaded(data: bytes, *, values: bool) -> Any:  # noqa: ANN401 - the library has no types
    return load_workbook(BytesIO(data), read_only=True, data_only=values, keep_links=False)


def _cells(sheet: Any, most: int = MAX_ROWS) -> Iterator[Sequence[Any]]:  # noqa: ANN401
    sheet.reset_dimensions()  # they are declared by the file, and may be anything
    yield from sheet.iter_rows(max_row=most, max_col=MAX_COLUMNS)


def _rows(sheet: Any, formulas: Any, covered: dict[int, set[int]]) -> Iterator[Row]:  # noqa: ANN401
    """Yield what the cells of each row show; ``None`` for one merged with the one above."""
    empty = 0
    asked = _cells(formulas) if formulas else None
    for number, row in enumerate(_cells(sheet), start=1):
        cells: list[str | None] = [
            "" if cell.value is None else shown(cell.value, cell.number_format) for cell in row
        ]
        if asked:
            for column, cell in enumerate(next(asked, ())):
                formula = str(cell.value)
                if not cells[column] and formula.startswith("="):
                    cells[column] = f"not computed ({formula})"
        for column in covered.get(number, ()):
            cells += [""] * (column + 1 - len(cells))
            cells[column] = None
        empty = 0 if any(cells) else empty + 1
        if empty > _EMPTY_ROWS:
            return
        yield cells


def _bold_head(sheet: Any) -> int | None:  # noqa: ANN401
    """Return 1 where the first row with several values is bold and the next is not."""
    bold: list[bool] = []
    for row in islice(_cells(sheet, _TOP_ROWS), _TOP_ROWS):
        filled = [cell for cell in row if cell.value is not None]
        if len(filled) > 1:
            bold.append(all(cell.font.b for cell in filled))
    return 1 if bold[:2] == [True, False] else None
