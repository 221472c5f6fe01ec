"""A PDF is read in reading order, and what of it cannot be read is named."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader, PdfWriter

from researcher_job.sources.document import Unreadable
from tests.researcher_job.files import headings, numbered, pdf, places, read

Placed = tuple[float, float, str]


def drawn(*pages: list[Placed], size: float = 10, extra: bytes = b"") -> bytes:
    """Write a PDF with each text at its place, in points from the lower left corner.

    A text that begins with ``#`` is large, one that begins with ``*`` is bold.
    """
    kids = b" ".join(b"%d 0 R" % (5 + 2 * index) for index in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, len(pages)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>",
    ]
    for index, placed in enumerate(pages):
        content = extra
        for x, y, said in placed:
            font = b"/F2" if said[0] == "*" else b"/F1"
            points = 1.6 * size if said[0] == "#" else size
            text = said.lstrip("#*").encode("latin-1")
            content += b"BT %b %f Tf %f %f Td (%b) Tj ET\n" % (font, points, x, y, text)
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources"
            b"<</Font<</F1 3 0 R/F2 4 0 R>>>>>>" % (6 + 2 * index),
            b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        ]
    return numbered(objects)


def rows(*lines: tuple[str, ...], top: float = 700, columns: tuple[float, ...]) -> list[Placed]:
    return [
        (x, top - 14 * number, said)
        for number, line in enumerate(lines)
        for x, said in zip(columns, line, strict=True)
    ]


def test_columns_are_read_one_after_the_other() -> None:
    lines = rows(
        ("The harbour council met on", "Sails are dried in the loft."),
        ("the second of May and fixed", "The loft opens at six in the"),
        ("the winter rate at nineteen", "morning and closes at nine"),
        ("crowns for every single night.", "whatever the weather may be."),
        columns=(60, 320),
    )
    assert [" ".join(said.split()) for _, said in places(read("a.pdf", drawn(lines)))] == [
        "The harbour council met on the second of May and fixed the winter rate at nineteen"
        " crowns for every single night.",
        "Sails are dried in the loft. The loft opens at six in the morning and closes at nine"
        " whatever the weather may be.",
    ]


def test_a_table_is_read_by_its_rows() -> None:
    table = rows(
        ("Code", "Cause", "Wait"),
        ("E01", "supply too low", "5 s"),
        ("E02", "inside too hot", "90 s"),
        columns=(60, 150, 320),
    )
    assert [said for _, said in places(read("a.pdf", drawn(table)))] == [
        "Code: E01; Cause: supply too low; Wait: 5 s",
        "Code: E02; Cause: inside too hot; Wait: 90 s",
    ]


def test_larger_and_bold_lines_are_headings_and_gaps_divide_paragraphs() -> None:
    document = read(
        "a.pdf",
        drawn(
            [
                (60, 740, "#Rules of the yard"),
                (60, 700, "*Cranes"),
                (60, 686, "The crane lifts eleven tonnes when it is served by two"),
                (60, 673, "people who have been trained for it in the last year."),
                (60, 640, "The driver keeps the key and signs the book of the crane."),
            ]
        ),
    )
    assert [said.split()[0] + said.split()[-1] for _, said in places(document)] == [
        "Theyear.",
        "Thecrane.",
    ]
    assert headings(document, document.blocks[-1]) == ["Rules of the yard", "Cranes"]


def test_what_stands_on_top_of_every_page_is_read_once() -> None:
    pages = [
        [
            (60.0, 770.0, f"Rule book, page {n}"),
            (60.0, 700.0, f"The rule of day {n * n} is kept."),
        ]
        for n in range(1, 5)
    ]
    text = read("a.pdf", drawn(*pages)).text
    assert text.count("Rule book") == 1
    assert text.count("The rule of day") == 4


def test_pages_of_pictures_are_named() -> None:
    document = read("a.pdf", pdf("The first page has words.", "", "So has the third.", ""))
    assert document.gaps == ("2 of 4 pages are pictures (pages 2, 4)",)
    with pytest.raises(Unreadable, match="scanned PDF"):
        read("a.pdf", pdf("", ""))
    assert read("a.pdf", pdf("Few.")).text == "Few."


def test_a_page_that_is_broken_does_not_lose_the_others() -> None:
    data = pdf("The crane lifts eleven tonnes.", "Lost.", "The fee is 340 crowns.")
    second = data.index(b"stream\n", data.index(b"7 0 obj")) + 7
    document = read("a.pdf", data[:second] + b"\xff" * 30 + data[second + 30 :])
    assert [said for _, said in places(document)] == [
        "The crane lifts eleven tonnes.",
        "The fee is 340 crowns.",
    ]
    assert document.gaps == ("page 2 is broken",)


def test_attached_files_are_documents_of_their_own() -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("See the list of fees, attached."))))
    writer.add_attachment("fees.csv", b"Boat,Fee\nCutter,43\n")
    writer.add_attachment("plan.dwg", b"x")
    buffer = io.BytesIO()
    writer.write(buffer)
    document = read("a.pdf", buffer.getvalue())
    ((name, fees),) = document.inside
    assert name == "fees.csv"
    assert places(fees) == [("row 2", "Boat: Cutter; Fee: 43")]
    assert document.gaps == ("plan.dwg is a file of a kind that is not read",)
