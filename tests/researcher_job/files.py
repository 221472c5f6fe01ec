"""Real documents of every kind, sound and hostile, for the tests of reading."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import docx

from research_contract.records import Coverage, SourceRef
from researcher_job.sources.document import Block, Document, Reason
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.index.document_source import DocumentSource
from researcher_job.sources.readers import reader_for


def source(path: Path, name: str = "docs") -> SourceRef:
    return SourceRef(name=name, uri=path.as_uri())


async def opened(path: Path, cache: Path) -> DocumentSource:
    return await open_documents([source(path)], cache_dir=cache)


def reasons(coverage: Coverage) -> dict[str, tuple[str, ...]]:
    """Return what was not read and why, after checking that the counts add up."""
    assert coverage.found == coverage.read + sum(kind.count for kind in coverage.not_read)
    return {kind.reason: kind.examples for kind in coverage.not_read}


def read(name: str, data: bytes) -> Document:
    """Read a file by the reader for its name; what its blocks say must stand in its text."""
    reader = reader_for(name)
    assert not isinstance(reader, Reason)
    document = reader(data, name)
    end = 0
    for block in document.blocks:
        assert block.start >= end
        assert document.text[block.start : block.end].strip()
        assert all(0 <= one.start < one.end <= len(document.text) for one in block.context)
        end = block.end
    return document


def places(document: Document) -> list[tuple[str, str]]:
    """Return locator and words of each block but headings; rows behind their column heads."""
    said = [(block, labelled(document, block)) for block in document.blocks]
    return [(block.locator, text) for block, text in said if block.kind not in ("heading", "head")]


def labelled(document: Document, block: Block) -> str:
    """Return what a block says, of a row ``Head: value`` for each cell that has a head."""
    text = document.text
    if block.kind != "row":
        return text[block.start : block.end]
    parts: dict[int, list[str]] = {}
    for kind, start, end, cell in block.context:
        if kind == "column_head":
            parts.setdefault(cell, []).append(text[start:end])
    carried = {
        one.start: text[one.start : one.end] for one in block.context if one.kind == "carried_cell"
    }
    cells, at = dict(carried), block.start
    for said in text[block.start : block.end].split(" | "):
        cells[at] = said
        at += len(said) + 3
    return "; ".join(
        ": ".join([" ".join(parts.get(place, [])), said] if place in parts else [said])
        for place, said in sorted(cells.items())
        if said
    )


def headings(document: Document, block: Block) -> list[str]:
    """Return the headings above a block."""
    return [document.text[one.start : one.end] for one in block.context if one.kind == "heading"]


def pdf(*pages: str) -> bytes:
    """Write a PDF by hand, one line of text a page; an empty page has a drawing only."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for index, text in enumerate(pages):
        drawing = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else "0 0 m 9 9 l S"
        stream = zlib.compress(drawing.encode("latin-1"))
        objects += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {5 + 2 * index} 0 R"
            "/Resources<</Font<</F1 3 0 R>>>>>>".encode(),
            f"<</Length {len(stream)}/Filter/FlateDecode>>stream\n".encode()
            + stream
            + b"\nendstream",
        ]
    return numbered(objects)


def hanging_pdf(times: int = 5_000) -> bytes:
    """Write a PDF whose page keeps its reader busy for minutes, packed to a few kilobytes.

    It draws the same form so many ``times``, which is long and leaves nothing on the page.
    """
    form, page = zlib.compress(b"0 0 m n " * 200_000), zlib.compress(b"/X Do " * times)
    packed = b"<<%b/Length %d/Filter/FlateDecode>>stream\n%b\nendstream"
    return numbered(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            b"/Resources<</XObject<</X 5 0 R>>>>>>",
            packed % (b"", len(page), page),
            packed % (b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]", len(form), form),
        ]
    )


def numbered(objects: list[bytes]) -> bytes:
    """Write the objects of a PDF, numbered from 1; the first is its catalogue."""
    out = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    tail = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return out + head + tail


def word() -> bytes:
    """Write a Word document with headings, a list and a table."""
    document = docx.Document()
    document.add_heading("Travel rules", level=1)
    document.add_heading("Trains", level=2)
    document.add_paragraph("Second class is booked for journeys under two hours.")
    document.add_paragraph("Keep every ticket until the claim is paid.", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells),
        ("Country", "Allowance", "Norway", "80 euro a day"),
        strict=True,
    ):
        cell.text = text
    return _saved(document)


def _saved(document: docx.document.Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def inflated_word() -> bytes:
    """Take a sound Word document and add a member that unpacks to 300 MB."""
    buffer = io.BytesIO(word())
    with (
        zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/media/image.bin", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1_000_000))
    return buffer.getvalue()
