"""Files that hold others, and files whose names say nothing."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from researcher_job.sources.base import Query
from researcher_job.sources.document import Reason, Unreadable
from researcher_job.sources.readers import reader_for
from tests.researcher_job.files import opened, pdf, places, read, reasons, word
from tests.researcher_job.office import slides, workbook
from tests.researcher_job.outlook import outlook_message

pytestmark = pytest.mark.anyio

MAIL = b"From: a@example.org\nSubject: Fee\n\nThe berth costs forty francs.\n"
RTF = (
    rb"{\rtf1\ansi\ansicpg1252 Gr\'fc\'dfe, \u8364?40.{\footnote Since May.}\par {\v secret}"
    rb"\trowd\intbl Dock\cell Length\cell\row North\cell 90\cell\row"
    rb" South\cell 70\cell\row After.\par}"
)


def book(*pages: str) -> bytes:
    """Write an e-book whose files stand in another order than its pages."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        root = '<container><rootfiles><rootfile full-path="OPS/a.opf"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", root)
        for number, page in reversed([*enumerate(pages)]):
            if page == "missing":
                continue
            head = '<?xml version="1.0"?><!DOCTYPE html><html><head><title>x</title></head>'
            archive.writestr(f"OPS/p {number}.xhtml", f"{head}<body>{page}</body></html>")
        items = "".join(f'<item id="i{n}" href="p%20{n}.xhtml"/>' for n in range(len(pages)))
        refs = "".join(f'<itemref idref="i{n}"/>' for n in range(len(pages)))
        opf = f"<title>Harbours</title><manifest>{items}</manifest><spine>{refs}</spine>"
        archive.writestr("OPS/a.opf", f"<package>{opf}</package>")
    return buffer.getvalue()


def test_a_book_is_read_page_by_page() -> None:
    pages = ["<h1>One</h1><p>The oak.</p>", "<img>", "missing", "<h1>Two</h1><p>The pine.</p>"]
    document = read("a.epub", book(*pages))
    assert document.title == "Harbours"
    assert places(document) == [("One", "The oak."), ("Two", "The pine.")]
    assert document.gaps == ("page 3 of the book is missing",)
    with pytest.raises(Unreadable, match="broken e-book"):
        read("a.epub", b"PK")


def test_rtf_is_read_with_its_notes_and_tables_without_what_it_hides() -> None:
    assert places(read("a.rtf", RTF)) == [
        ("paragraph 1", "Grüße, €40."),
        ("paragraph 2", "Since May."),
        ("paragraph 4", "Dock: North; Length: 90"),
        ("paragraph 5", "Dock: South; Length: 70"),
        ("paragraph 6", "After."),
    ]


def test_a_mailbox_holds_its_messages() -> None:
    box = b"From a@example.org Mon Mar  2 09:00:00 2026\n" + MAIL
    other = b"From b@example.org Mon\nFrom: b@example.org\n\n>From here on: the heron.\n"
    document = read("a.mbox", box + b"\n" + other)
    assert [name for name, _ in document.inside] == ["message 1.eml", "message 2.eml"]
    assert document.inside[0].document.title == "Fee"
    assert "From here on: the heron." in document.inside[1].document.text


def test_an_outlook_message_is_a_mail() -> None:
    document = read("a.msg", outlook_message("Fee", "Ada", "ada@example.org", "Forty francs."))
    assert document.title == "Fee"
    assert places(document) == [
        ("Subject: Fee, mail header", "From: Ada <ada@example.org>"),
        ("Subject: Fee, mail text", "Forty francs."),
    ]
    with pytest.raises(Unreadable, match="broken e-mail"):
        read("a.msg", b"no such thing")


def test_a_saved_page_is_read() -> None:
    page = EmailMessage()
    page["Subject"] = "News"
    page.set_content("<h1>News</h1><p>The slipway reopens.</p>", subtype="html")
    page.add_related(b"x", maintype="image", subtype="png")
    assert places(read("a.mhtml", page.as_bytes())) == [("News", "The slipway reopens.")]


def mail_with(*attachments: tuple[str, bytes]) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@example.org", "Papers"
    mail.set_content("See the papers.")
    for name, data in attachments:
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def test_attachments_are_documents_of_their_own() -> None:
    inner = mail_with(("fees.csv", b"Boat,Fee\nCutter,43\n"))
    document = read("a.eml", mail_with(("b.xlsx", workbook()), ("c.png", b"x"), ("d.eml", inner)))
    assert [name for name, _ in document.inside] == ["b.xlsx", "d.eml", "d.eml/fees.csv"]
    assert document.gaps == ("c.png is a picture",)
    assert ("Subject: Papers, mail attachments", "Attached: b.xlsx, c.png, d.eml") in places(
        document
    )
    deep = inner
    for _ in range(5):
        deep = mail_with(("e.eml", deep))
    assert any("too deep" in gap for gap in read("a.eml", deep).gaps)


async def test_attachments_are_found_and_go_with_their_mail(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a b.eml").write_bytes(mail_with(("fees paid.csv", b"Boat,Fee\nCutter,43\n")))
    (docs / "b.md").write_text("A heron.")
    library = await opened(docs, tmp_path / "cache")
    (found,) = await library.search(Query("cutter"), limit=5)
    assert found.uri.endswith("/a%20b.eml#fees%20paid.csv")
    assert (await library.snapshot(found.snapshot))[found.start : found.end] == "Cutter | 43"
    (docs / "a b.eml").write_bytes(mail_with())
    assert not await (await opened(docs, tmp_path / "cache")).search(Query("cutter"), limit=5)


@pytest.mark.parametrize("name", ["a.md.gz", "a.md.bz2", "a.md.xz"])
def test_compressed_text_is_read_by_its_own_name(name: str) -> None:
    packers: dict[str, Callable[[bytes], bytes]]
    packers = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    pack = packers[name.rpartition(".")[2]]
    assert places(read(name, pack(b"# Docks\n\nThe oak."))) == [("Docks", "The oak.")]
    with pytest.raises(Unreadable, match="over 50 MB"):
        read(name, pack(bytes(50_000_001)))
    with pytest.raises(Unreadable, match="archive"):
        read(name, pack(b"x")[:5])
    assert reader_for("a.tar.gz") is Reason.ARCHIVE
    assert reader_for("a.png.gz") is Reason.PICTURE


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pdf("The crane lifts eleven tonnes."), "eleven tonnes"),
        (word(), "Second class"),
        (workbook(), "Norway"),
        (slides(), "The otter"),
        (book("<h1>One</h1><p>The oak.</p>"), "The oak."),
        (RTF, "After."),
        (outlook_message("Fee", "Ada", "ada@example.org", "Forty francs."), "Forty francs."),
        (b"<!DOCTYPE html><p>The <b>oak</b>.", "The oak."),
        (MAIL, "forty francs"),
        (b"From a@example.org Mon Mar  2\n" + MAIL, ""),
        (b'{"berth": {"fee": 43}}', "berth.fee: 43"),
        (b"{curly} words of a person.", "{curly} words"),
        (b"Plain words.", "Plain words."),
    ],
)
@pytest.mark.parametrize("name", ["letter", "letter.final", "letter.doc"])
def test_files_whose_names_say_nothing_are_told_by_their_content(
    name: str, data: bytes, said: str
) -> None:
    document = read(name, data)
    assert said in document.text
    assert document.text or document.inside


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\x01" * 99, "kind that is not read"),
        (b"#!/bin/sh\necho", "kind that is not read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "another office format"),
        (b"PK\x03\x04" + bytes(99), "archive"),
    ],
)
def test_what_cannot_be_told_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read("letter", data)


async def test_copies_and_what_programs_made_are_named_and_not_read(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "_sources" / "sub").mkdir(parents=True)
    (docs / "sub").mkdir()
    (docs / "a.md").write_text("The heron waits.")
    (docs / "b.md").write_text("The heron waits.")
    (docs / "sub" / "page.html").write_text("<p>The oak.</p>")
    (docs / "_sources" / "sub" / "page.rst.txt").write_text("The oak.")
    (docs / "searchindex.js").write_text("Search.setIndex({oak: 1})")
    (docs / "app.js").write_text("var oak=1;" * 999)
    library = await opened(docs, tmp_path / "cache")
    assert reasons(library.coverage) == {
        "copies of other files": ("_sources/sub/page.rst.txt", "b.md"),
        "files made by programs for programs": ("searchindex.js", "app.js"),
    }
    (docs / "a.md").unlink()
    again = await opened(docs, tmp_path / "cache")
    assert [found.title for found in await again.search(Query("heron"), limit=5)] == ["b.md"]
