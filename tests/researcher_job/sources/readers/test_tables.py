"""Rows of tables stand below the heads of their columns, and only below what are heads."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from openpyxl.styles import Font
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from tests.researcher_job.files import places, read

at = datetime.fromisoformat
PAIRS = [["Tenant", "Orla"], ["Deposit", "Six hundred crowns"], ["Notice", "Ten weeks"]]
FORM = [
    ["Name", "Orla", "Host", "Ivo"],
    ["Vehicle", "Blue van", "Gate", "North"],
    ["Arrival", "Nine", "Departure", "Noon"],
    ["Badge", "Green", "Escort", "Nia"],
    ["Lunch", "Yes", "Allergy", "Nuts"],
]
FEES = [["Boat", "Season", "Fee"], ["Cutter", "summer", "43"], ["Dinghy", "winter", "11"]]
LABELLED = ["Boat: Cutter; Season: summer; Fee: 43", "Boat: Dinghy; Season: winter; Fee: 11"]


def page(rows: list[list[str]]) -> bytes:
    cells = "".join(f"<tr>{''.join(f'<td>{said}</td>' for said in row)}</tr>" for row in rows)
    return f"<table>{cells}</table>".encode()


def word(rows: list[list[str]]) -> bytes:
    document = docx.Document()
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    for number, row in enumerate(rows):
        for column, said in enumerate(row):
            table.cell(number, column).text = said
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def workbook(rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([int(said) if said.isdigit() else said for said in row])
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


WRITTEN = {"a.html": page, "a.docx": word, "a.xlsx": workbook}


@pytest.mark.parametrize("name", WRITTEN)
def test_pairs_and_forms_have_no_heads(name: str) -> None:
    for rows in (PAIRS, FORM):
        found = [said for _, said in places(read(name, WRITTEN[name](rows)))]
        assert found == ["; ".join(row) for row in rows]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_row_of_names_above_figures_is_a_head(name: str) -> None:
    assert [said for _, said in places(read(name, WRITTEN[name](FEES)))] == LABELLED


@pytest.mark.parametrize("name", WRITTEN)
def test_a_title_above_a_table_is_its_caption(name: str) -> None:
    document = read(name, WRITTEN[name]([["Fees of the harbour", "", ""], *FEES]))
    assert [said for _, said in places(document)] == ["Fees of the harbour", *LABELLED]
    captions = [one for one in document.blocks[-1].context if one.kind == "caption"]
    assert [document.text[one.start : one.end] for one in captions] == ["Fees of the harbour"]


def test_cells_merged_over_rows_hold_for_each_of_them() -> None:
    said = ["Season: Winter; Boat: Dinghy; Fee: 11", "Season: Winter; Boat: Cutter; Fee: 29"]
    rows = [["Season", "Boat", "Fee"], ["Winter", "Dinghy", "11"], ["", "Cutter", "29"]]
    html = page(rows).replace(b"<td>Winter", b"<td rowspan=2>Winter").replace(b"<td></td>", b"")
    assert [text for _, text in places(read("a.html", html))] == said
    document = docx.Document(io.BytesIO(word(rows)))
    document.tables[0].cell(1, 0).merge(document.tables[0].cell(2, 0))
    buffer = io.BytesIO()
    document.save(buffer)
    assert [text for _, text in places(read("a.docx", buffer.getvalue()))] == said
    book = openpyxl.load_workbook(io.BytesIO(workbook(rows)))
    book.active.merge_cells("A2:A3")
    assert [text for _, text in places(read("a.xlsx", saved(book)))] == said


def test_a_first_row_in_bold_type_is_a_head() -> None:
    book = openpyxl.Workbook()
    for row in (["Dock", "Keeper"], ["North", "Nia"], ["South", "Ivo"]):
        book.active.append(row)
    for cell in book.active[1]:
        cell.font = Font(bold=True)
    assert [said for _, said in places(read("a.xlsx", saved(book)))] == [
        "Dock: North; Keeper: Nia",
        "Dock: South; Keeper: Ivo",
    ]


def test_a_first_row_that_may_be_a_head_leads_in_the_others() -> None:
    rows = [["Lamp", "Pattern", "Meaning"], *([f"l{n}", f"p{n}", f"m{n}"] for n in "abc")]
    document = read("a.html", page(rows))
    last = document.blocks[-1]
    (lead,) = last.context
    assert (lead.kind, document.text[lead.start : lead.end]) == (
        "lead_in",
        "Lamp | Pattern | Meaning",
    )


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (0.05, "0%", "5%"),
        (0.125, "0.0%", "12.5%"),
        (1234.5, '#,##0.00 "EUR"', "1,234.50 EUR"),
        (80, '"EUR" 0', "EUR 80"),
        (7, "General", "7"),
        (0.1 + 0.2, "General", "0.3"),
        (at("2025-03-01"), "d mmmm yyyy", "1 March 2025"),
        (at("2025-03-01"), "mm-dd-yy", "2025-03-01"),
        (at("2025-03-01"), "yyyy-mm-dd", "2025-03-01"),
        (at("2025-03-01 09:30"), "dd.mm.yyyy hh:mm", "01.03.2025 09:30"),
    ],
)
def test_values_of_cells_are_said_as_they_are_shown(
    value: float | datetime, number_format: str, shown: str
) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = value
    book.active["A1"].number_format = number_format
    assert [said for _, said in places(read("a.xlsx", saved(book)))] == [shown]


def test_charts_are_read_as_the_tables_that_they_draw() -> None:
    deck = pptx.Presentation()
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["spring", "summer"]
    data.add_series("Guests", (412, 977))
    data.add_series("Boats", (12, 31))
    place = (Inches(1), Inches(1), Inches(4), Inches(3))
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
    buffer = io.BytesIO()
    deck.save(buffer)
    assert places(read("a.pptx", buffer.getvalue())) == [
        ("slide 1, chart", "spring; Guests: 412; Boats: 12"),
        ("slide 1, chart", "summer; Guests: 977; Boats: 31"),
    ]
