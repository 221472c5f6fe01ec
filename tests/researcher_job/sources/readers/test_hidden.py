"""What a document hides is not read as if it were shown."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from docx.enum.style import WD_STYLE_TYPE

from researcher_job.sources.base import Query
from researcher_job.sources.document import Unreadable
from tests.researcher_job.files import opened, places, read

pytestmark = pytest.mark.anyio


# --- web pages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>The walrus.</p>",
        "<p HIDDEN=hidden>The walrus.</p>",
        '<div style="display:none"><section><p>The walrus.</p></section></div>',
        '<p style="color:red; DISPLAY : none !important">The walrus.</p>',
        '<p style="display/**/:/* never */none">The walrus.</p>',
        '<span style="display:block;display:none">The walrus.</span>',
        '<p style="visibility:hidden">The walrus.</p>',
        '<tr style="visibility: collapse"><td>The walrus.</td></tr>',
        '<p style="content-visibility:hidden">The walrus.</p>',
        '<div style="mso-hide:all;opacity:0.0">The walrus.</div>',
        '<p style="font-size:0px">The walrus.</p>',
        '<p style="font-size:.0em">The walrus.</p>',
        '<p style="opacity:0%">The walrus.</p>',
        '<p hidden id="walrus">The walrus.</p><script>show("#otter")</script>',
        "<nav><a href=a>The walrus.</a></nav>",
        "<dialog>The walrus.</dialog>",
        "<input list=a><datalist id=a><option>The walrus.</option></datalist>",
        "<template><p>The walrus.</p></template>",
        "<noscript><p>The walrus.</p></noscript>",
        "<script>The walrus.</script>",
        "<!-- The walrus. -->",
    ],
)
def test_what_a_page_hides_is_not_read(hidden: str) -> None:
    document = read("a.html", f"<p>Before.</p>{hidden} and after <p>Last.</p>".encode())
    assert "walrus" not in document.text
    assert " ".join(document.text.split()) == "Before. and after Last."


@pytest.mark.parametrize(
    "shown",
    [
        '<p style="display:none;display:block">The walrus.</p>',
        '<p style="fill-opacity:0; font-size:0.8em; opacity:0.5">The walrus.</p>',
        '<p hidden="until-found">The walrus.</p>',
        "<p aria-hidden=true>The walrus.</p>",
        "<dialog open>The walrus.</dialog>",
        "<details><summary>More</summary>The walrus.</details>",
        '<p style="displaynone;:;">The walrus.</p>',
        '<p style="font-size:medium">The walrus.</p>',
        '<p style="font-size:x-small;opacity:.9">The walrus.</p>',
        "<nav><div><a href=a>Home</a></nav><main><p>The walrus.</p></main>",
        "<button>More<article>The walrus.</article>",
        '<div id="app" hidden>The walrus.</div><script>show("#app")</script>',
    ],
)
def test_what_a_page_shows_is_read(shown: str) -> None:
    assert "The walrus." in read("a.html", shown.encode()).text


def test_hidden_rows_and_cells_are_no_part_of_a_table() -> None:
    page = (
        "<table><tr hidden><td>Walrus<td>0</tr><tr><th>Animal<th>Cost</tr>"
        "<tr><td>Heron<td>12 <b hidden>walrus</b></tr>"
        "<tr hidden><td>Walrus<td>1</tr></table>"
    )
    assert places(read("a.html", page.encode()))[-1][1] == "Animal: Heron; Cost: 12"


def test_a_page_that_is_hidden_until_its_script_ran_is_read() -> None:
    assert read("a.html", b"<body hidden style='display:none'><p>The heron.").text == "The heron."


def test_a_page_of_hidden_text_only_has_none() -> None:
    with pytest.raises(Unreadable, match="web page without text"):
        read("a.html", b"<div hidden><p>The walrus.</p></div>")


def test_hidden_text_of_a_mail_is_not_read() -> None:
    data = (
        b"From: a@example.org\nContent-Type: text/html\n\n"
        b'<div style="display:none;max-height:0">The walrus.</div><p>The heron.</p>'
    )
    assert places(read("a.eml", data))[1:] == [("mail text", "The heron.")]


async def test_hidden_text_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.html").write_text("<p>The heron.</p><p hidden>Trust the walrus.</p>")
    library = await opened(tmp_path / "docs", tmp_path / "cache")
    assert not await library.search(Query("walrus"), limit=1)
    assert await library.search(Query("heron"), limit=1)


# --- office documents ---------------------------------------------------------------------


def word() -> bytes:
    document = docx.Document()
    document.add_heading("Rules", level=1)
    paragraph = document.add_paragraph("The heron is shown")
    paragraph.add_run(" and the walrus is not").font.hidden = True
    paragraph.add_run(".")
    style = document.styles.add_style("Secret", WD_STYLE_TYPE.PARAGRAPH)
    style.font.hidden = True
    secret = document.add_paragraph("All of the otter.", style="Secret")
    secret.add_run(" But not this.").font.hidden = False
    table = document.add_table(rows=3, cols=2)
    for cell, said in zip(
        (cell for row in table.rows for cell in row.cells),
        ("Animal", "Cost", "Badger", "12", "Otter", "9"),
        strict=True,
    ):
        cell.text = said
    table.cell(1, 1).paragraphs[0].add_run(" in truth 13").font.hidden = True
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_hidden_text_of_a_word_document_is_told_apart() -> None:
    assert places(read("a.docx", word())) == [
        ("Rules", "The heron is shown."),
        ("Rules, hidden text", "and the walrus is not"),
        ("Rules", "But not this."),
        ("Rules, hidden text", "All of the otter."),
        ("Rules", "Animal: Badger; Cost: 12"),
        ("Rules", "Animal: Otter; Cost: 9"),
        ("Rules, hidden text", "in truth 13"),
    ]


async def test_hidden_text_shares_no_passage_with_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.docx").write_bytes(word())
    library = await opened(tmp_path / "docs", tmp_path / "cache")
    (passage,) = await library.search(Query("walrus"), limit=9)
    assert (passage.locator, passage.text) == ("Rules, hidden text", "and the walrus is not")
    (passage,) = await library.search(Query("heron"), limit=9)
    assert (passage.locator, passage.text) == ("Rules", "The heron is shown.")


def test_hidden_sheets_say_so() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Shown to all."])
    for name, state in (("Old", "hidden"), ("Older", "veryHidden")):
        sheet = book.create_sheet(name)
        sheet.append([f"The {name.lower()} walrus."])
        sheet.sheet_state = state
    buffer = io.BytesIO()
    book.save(buffer)
    assert places(read("a.xlsx", buffer.getvalue())) == [
        ("Sheet, row 1", "Shown to all."),
        ("Old, hidden sheet, row 1", "The old walrus."),
        ("Older, hidden sheet, row 1", "The older walrus."),
    ]


def test_hidden_slides_say_so() -> None:
    deck = pptx.Presentation()
    for said in ("Shown", "Not shown"):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = said
        slide.placeholders[1].text = f"{said}: the walrus."
    slide.notes_slide.notes_text_frame.text = "Leave it out."
    slide.element.set("show", "0")
    buffer = io.BytesIO()
    deck.save(buffer)
    assert places(read("a.pptx", buffer.getvalue())) == [
        ("Shown, slide 1", "Shown: the walrus."),
        ("Not shown, slide 2 (hidden)", "Not shown: the walrus."),
        ("Not shown, slide 2 (hidden), notes", "Leave it out."),
    ]
