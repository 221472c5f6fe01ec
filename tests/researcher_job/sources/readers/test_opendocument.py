"""OpenDocument files are read as Word documents, workbooks and presentations are."""

from __future__ import annotations

import io
import zipfile

import pytest

from researcher_job.sources.document import Unreadable
from tests.researcher_job.files import headings, places, read

SPACES = ("office", "text", "table", "draw", "presentation", "style")
NAMES = " ".join(f'xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in SPACES)
SPANNED = 'table:number-rows-spanned="2"'
MANIFEST = "<manifest><file-entry/></manifest>"


def content(body: str) -> str:
    return f"<office:document {NAMES}><office:body>{body}</office:body></office:document>"


def packed(body: str, **others: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("META-INF/manifest.xml", others.get("manifest", MANIFEST))
        archive.writestr("content.xml", content(body))
        if "styles" in others:
            archive.writestr("styles.xml", f"<a {NAMES}>{others['styles']}</a>")
        if "chart" in others:
            archive.writestr("Object 1/content.xml", content(others["chart"]))
    return buffer.getvalue()


def cell(said: str, marks: str = "") -> str:
    return f"<table:table-cell {marks}><text:p>{said}</text:p></table:table-cell>"


def box(said: str, marks: str = "") -> str:
    inner = f"<draw:text-box><text:p>{said}</text:p></draw:text-box>"
    return f"<draw:frame {marks}>{inner}</draw:frame>"


def row(*cells: str) -> str:
    inner = "".join(
        f"<table:table-cell><text:p>{said}</text:p></table:table-cell>" for said in cells
    )
    return f"<table:table-row>{inner}</table:table-row>"


def test_a_text_is_read_with_its_lists_tables_and_notes() -> None:
    note = (
        "<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>Since May.</text:p></text:note-body></text:note>"
    )
    comment = "<office:annotation><text:p>Ask Ivo.</text:p></office:annotation>"
    body = (
        '<text:h text:outline-level="1">Docks</text:h>'
        f"<text:p>The dry dock<text:s/>holds <text:span>three</text:span>{note} vessels.{comment}"
        "</text:p>"
        "<text:list><text:list-item><text:p>oak</text:p></text:list-item>"
        "<text:list-item><text:p>pine</text:p></text:list-item></text:list>"
        f"<table:table>{row('Dock', 'Length')}{row('North', '90')}{row('South', '70')}"
        "</table:table>"
    )
    margin = "<style:header><text:p>Rule book</text:p></style:header>"
    document = read("a.odt", packed(f"<office:text>{body}</office:text>", styles=margin * 2))
    assert places(document) == [
        ("header", "Rule book"),
        ("Docks", "The dry dock holds three vessels."),
        ("Docks, footnote", "Since May."),
        ("Docks, comment", "Ask Ivo."),
        ("Docks", "- oak\n- pine"),
        ("Docks", "Dock: North; Length: 90"),
        ("Docks", "Dock: South; Length: 70"),
    ]
    assert headings(document, document.blocks[-1]) == ["Docks"]


def test_sheets_are_read_as_they_are_shown() -> None:
    merged = (
        f"<table:table-row>{cell('North', SPANNED)}{cell('5 %')}"
        f"</table:table-row><table:table-row><table:covered-table-cell/>{cell('7 %')}"
        "</table:table-row>"
    )
    wide = (
        '<table:table-row table:number-rows-repeated="1048570">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    sheet = f'<table:table table:name="Fees">{row("Dock", "Rate")}{merged}{wide}</table:table>'
    document = read("a.ods", packed(f"<office:spreadsheet>{sheet}</office:spreadsheet>"))
    assert places(document) == [
        ("Fees, row 2", "Dock: North; Rate: 5 %"),
        ("Fees, row 3", "Dock: North; Rate: 7 %"),
    ]


def test_slides_are_read_with_titles_notes_and_charts() -> None:
    title = box("Goals", 'presentation:class="title"')
    notes = f"<presentation:notes>{box('Smile.')}</presentation:notes>"
    slide = f"<draw:page>{box('The otter.')}{title}{notes}</draw:page>"
    rows = row("", "Guests") + row("summer", "977")
    chart = f"<office:chart><table:table>{rows}</table:table></office:chart>"
    show = f"<office:presentation>{slide}</office:presentation>"
    document = read("a.odp", packed(show, chart=chart))
    assert places(document) == [
        ("Goals, slide 1", "The otter."),
        ("Goals, slide 1, notes", "Smile."),
        ("Goals, chart 1", "summer; Guests: 977"),
    ]


def test_flat_and_template_twins_are_read_and_locked_ones_are_named() -> None:
    body = "<office:text><text:p>The dry dock holds three vessels.</text:p></office:text>"
    assert read("a.fodt", content(body).encode()).text == "The dry dock holds three vessels."
    assert read("a.ott", packed(body)).text == "The dry dock holds three vessels."
    with pytest.raises(Unreadable, match="password"):
        read("a.odt", packed(body, manifest="<m><encryption-data/></m>"))
    for broken in (b"PK", b"<a", packed(body)[:-30]):
        with pytest.raises(Unreadable, match="broken OpenDocument"):
            read("a.odt", broken)
