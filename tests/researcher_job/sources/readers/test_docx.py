"""A Word document is read whole: what is inserted, wrapped, nested, boxed or noted, each once."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from researcher_job.sources.document import Reason, Unreadable
from researcher_job.sources.readers import reader_for
from researcher_job.sources.readers.office.docx import read
from tests.researcher_job.files import places
from tests.researcher_job.office import replaced

NAMES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
}
NOTES = {"footnote": RELATIONSHIP_TYPE.FOOTNOTES, "endnote": RELATIONSHIP_TYPE.ENDNOTES}
SEPARATOR = "<w:{0} w:type='separator' w:id='-1'><w:p><w:r><w:separator/></w:r></w:p></w:{0}>"


def word(body: str, **notes: str) -> bytes:
    """Write a document of raw XML, with its ``footnote`` and ``endnote`` parts where given."""
    document = docx.Document()
    document.styles.add_style("toc 1", 1)
    inner = document.element.body
    for element in parse_xml(_rooted("body", body)):
        inner.insert(len(inner) - 1, element)
    for kind, content in notes.items():
        xml = _rooted(f"{kind}s", SEPARATOR.format(kind) + content)
        place = PackURI(f"/word/{kind}s.xml")
        part = Part(place, "application/xml", xml.encode(), document.part.package)
        document.part.relate_to(part, NOTES[kind])
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _rooted(root: str, content: str) -> str:
    names = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMES.items())
    return f"<w:{root} {names}>{content}</w:{root}>"


def run(text: str, marks: str = "") -> str:
    return f"<w:r><w:rPr>{marks}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def par(content: str, style: str = "") -> str:
    return f"<w:p><w:pPr><w:pStyle w:val='{style or 'Normal'}'/></w:pPr>{content}</w:p>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def row(*cells: str, marks: str = "") -> str:
    inner = "".join(f"<w:tc><w:tcPr/>{cell}</w:tc>" for cell in cells)
    return f"<w:tr><w:trPr>{marks}</w:trPr>{inner}</w:tr>"


def control(content: str) -> str:
    return f"<w:sdt><w:sdtPr/><w:sdtContent>{content}</w:sdtContent></w:sdt>"


def box(content: str, *, hidden: bool = False) -> str:
    """Write a text box as Word does: once for itself, once for programs before 2010."""
    inner = f"<w:txbxContent>{content}</w:txbxContent>"
    return (
        "<mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor>"
        f"<wp:docPr id='1' name='Box' hidden='{int(hidden)}'/>"
        f"<wps:wsp><wps:txbx>{inner}</wps:txbx></wps:wsp></wp:anchor></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:textbox>{inner}</v:textbox></w:pict></mc:Fallback>"
        "</mc:AlternateContent>"
    )


def found(body: str, **notes: str) -> list[tuple[str, str]]:
    return places(read(word(body, **notes), "a.docx"))


def texts(body: str, **notes: str) -> list[str]:
    return [text for _, text in found(body, **notes)]


@pytest.mark.parametrize(
    ("wrapped", "said"),
    [
        ("<w:ins w:id='1'>{0}</w:ins>", "a heron b"),
        ("<w:moveTo w:id='1'>{0}</w:moveTo>", "a heron b"),
        ("<w:smartTag><w:smartTag>{0}</w:smartTag></w:smartTag>", "a heron b"),
        ("<w:customXml w:element='x'>{0}</w:customXml>", "a heron b"),
        ("<w:sdt><w:sdtPr/><w:sdtContent>{0}</w:sdtContent></w:sdt>", "a heron b"),
        ("<w:fldSimple w:instr='AUTHOR'>{0}</w:fldSimple>", "a heron b"),
        ("<w:hyperlink><w:ins w:id='1'>{0}</w:ins></w:hyperlink>", "a heron b"),
        ("<w:r><w:ruby><w:rt>{0}</w:rt><w:rubyBase>{0}</w:rubyBase></w:ruby></w:r>", "a heron b"),
        ("<w:del w:id='1'>{0}</w:del>", "a b"),
        ("<w:moveFrom w:id='1'>{0}</w:moveFrom>", "a b"),
        ("<w:ins w:id='1'><w:del w:id='2'>{0}</w:del></w:ins>", "a b"),
    ],
)
def test_words_are_read_through_what_is_wrapped_around_them(wrapped: str, said: str) -> None:
    body = par(run("a ") + wrapped.format(run("heron ")) + run("b"))
    assert texts(body) == [said]


@pytest.mark.parametrize("wrap", ["sdt", "ins", "customXml"])
def test_blocks_are_read_in_their_place_through_what_is_wrapped_around_them(wrap: str) -> None:
    wrapped = (
        par(run("Trains"), "Heading1")
        + par(run("First."))
        + table(row(par(run("In a table."))))
        + par(run("Item."), "ListBullet")
    )
    around = control(wrapped) if wrap == "sdt" else f"<w:{wrap}>{wrapped}</w:{wrap}>"
    assert found(par(run("Before.")) + around + par(run("After."))) == [
        ("paragraph 1", "Before."),
        ("Trains", "First."),
        ("Trains", "In a table."),
        ("Trains", "Item."),
        ("Trains", "After."),
    ]


@pytest.mark.parametrize("gone", ["del", "moveFrom"])
def test_blocks_that_are_deleted_or_moved_away_are_not_read(gone: str) -> None:
    body = par(run("Before.")) + f"<w:{gone}>{par(run('Gone.'))}</w:{gone}>" + par(run("After."))
    assert texts(body) == ["Before.", "After."]


def test_rows_and_cells_are_read_through_content_controls() -> None:
    first = control(f"<w:tc>{par(run('Norway'))}</w:tc>")
    cells = f"<w:tr>{first}<w:tc>{control(par(run('80')))}</w:tc></w:tr>"
    head = row(par(run("Country")), par(run("Rate")))
    more = row(par(run("Iceland")), par(run("95")))
    assert texts(table(head, control(cells), more)) == [
        "Country: Norway; Rate: 80",
        "Country: Iceland; Rate: 95",
    ]


def test_deleted_rows_and_cells_are_not_read() -> None:
    gone = f"<w:tc><w:tcPr><w:cellDel w:id='1'/></w:tcPr>{par(run('81'))}</w:tc>"
    body = table(
        row(par(run("Country")), par(run("Rate"))),
        row(par(run("Norway")), par(run("80")), marks="<w:del w:id='1'/>"),
        f"<w:tr><w:tc>{par(run('Iceland'))}</w:tc>{gone}</w:tr>",
    )
    assert texts(body) == ["Country; Rate", "Iceland"]


def test_cells_of_rows_that_begin_further_right_stay_in_their_columns() -> None:
    head = row(par(run("Country")), par(run("Rate")))
    more = row(par(run("Iceland")), par(run("95")))
    assert texts(table(head, row(par(run("80")), marks="<w:gridBefore w:val='1'/>"), more)) == [
        "Rate: 80",
        "Country: Iceland; Rate: 95",
    ]


def test_nested_tables_follow_the_table_that_holds_them() -> None:
    nested = table(
        row(par(run("Animal")), par(run("Cost"))),
        row(par(run("Heron")), par(run("12"))),
        row(par(run("Otter")), par(run("9"))),
    )
    body = table(
        row(par(run("Country")), par(run("Costs"))),
        row(par(run("Norway")), par(run("as follows")) + nested + par(run("in euro"))),
        row(nested),
        row(par(run("Iceland")), par(run("none"))),
    )
    assert texts(body + par(run("After."))) == [
        "Country; Costs",
        "Norway; as follows in euro",
        "Iceland; none",
        *["Animal: Heron; Cost: 12", "Animal: Otter; Cost: 9"] * 2,
        "After.",
    ]


def test_text_boxes_are_read_once_after_their_paragraph() -> None:
    inner = par(run("In the box."), "Heading1") + table(row(par(run("And its table."))))
    holder = run("Before ") + f"<w:r>{box(inner)}</w:r>" + run("and after.")
    body = par(run("Rules"), "Heading1") + par(holder) + par(run("Next."))
    assert found(body) == [
        ("Rules", "Before and after."),
        ("Rules", "In the box."),
        ("Rules", "And its table."),
        ("Rules", "Next."),
    ]


def test_text_boxes_in_lists_tables_and_boxes_are_read() -> None:
    deep = par(run("Outer.") + f"<w:r>{box(par(run('Inner.')))}</w:r>", "ListBullet")
    holder = par(run("Item.") + f"<w:r>{box(deep)}</w:r>", "ListBullet")
    body = holder + table(row(par(run("Cell.") + f"<w:r>{box(par(run('Boxed.')))}</w:r>")))
    assert texts(body) == ["- Item.\n- Outer.", "Inner.", "Cell.", "Boxed."]


def test_of_alternatives_the_first_that_says_anything_is_read() -> None:
    sign = (
        "<w:r><mc:AlternateContent><mc:Choice Requires='x'/><mc:Fallback><w:t>heron</w:t>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    )
    assert texts(par(run("a ") + sign)) == ["a heron"]


def test_notes_are_read_at_the_end_of_their_section() -> None:
    def mark(kind: str, number: int, extra: str = "") -> str:
        return f"<w:r><w:{kind}Reference w:id='{number}' {extra}/></w:r>"

    def note(kind: str, number: int, content: str) -> str:
        return f"<w:{kind} w:id='{number}'>{content}</w:{kind}>"

    body = (
        par(run("Trains"), "Heading1")
        + par(run("Item") + mark("footnote", 7) + mark("footnote", 7), "ListBullet")
        + par(run("Item"), "ListBullet")
        + par(run("Planes"), "Heading1")
        + table(row(par(run("Cell") + mark("endnote", 2) + mark("footnote", 3))))
        + par(run("Own") + mark("footnote", 4, "w:customMarkFollows='1'") + run("*"))
        + par(run("Gone") + f"<w:del w:id='1'>{mark('footnote', 5)}</w:del>")
    )
    footnotes = (
        note("footnote", 3, par(run("On cells.")) + table(row(par(run("With a table.")))))
        + note("footnote", 4, par(run("By a mark of its own.")))
        + note("footnote", 5, par(run("Never shown.")))
        + note("footnote", 7, par(run("On items.") + mark("footnote", 7)))
    )
    data = word(body, footnote=footnotes, endnote=note("endnote", 2, par(run("At the end."))))
    document = read(data, "a.docx")
    assert places(document) == [
        ("Trains", "- Item\n- Item"),
        ("Trains, footnote 1", "On items."),
        ("Planes", "Cell"),
        ("Planes", "Own*"),
        ("Planes", "Gone"),
        ("Planes, endnote 1", "At the end."),
        ("Planes, footnote 2", "On cells."),
        ("Planes, footnote 2", "With a table."),
        ("Planes, footnote", "By a mark of its own."),
    ]


def test_hidden_text_is_told_apart_wherever_it_stands() -> None:
    secret = "<w:vanish/>"
    mark = "<w:r><w:rPr>{}</w:rPr><w:footnoteReference w:id='{}'/></w:r>"
    boxed = f"<w:r><w:rPr>{secret}</w:rPr>{box(par(run('Box of a hidden run.')))}</w:r>"
    drawn = f"<w:r>{box(par(run('Hidden drawing.')), hidden=True)}</w:r>"
    body = (
        par(run("Shown.") + f"<w:ins w:id='1'>{run('Inserted.', secret)}</w:ins>")
        + control(par(run("Controlled.", secret)))
        + par(run("Boxes.") + boxed + drawn)
        + par(run("Notes.") + mark.format(secret, 1) + mark.format("", 2))
    )
    notes = (
        f"<w:footnote w:id='1'>{par(run('Hidden note.'))}</w:footnote>"
        f"<w:footnote w:id='2'>{par(run('Note,') + run('in part.', secret))}</w:footnote>"
    )
    assert found(body, footnote=notes) == [
        ("paragraph 1", "Shown."),
        ("hidden text", "Inserted."),
        ("hidden text", "Controlled."),
        ("paragraph 4", "Boxes."),
        ("hidden text", "Box of a hidden run."),
        ("hidden text", "Hidden drawing."),
        ("paragraph 7", "Notes."),
        ("footnote 1, hidden text", "Hidden note."),
        ("footnote 2", "Note,"),
        ("footnote 2, hidden text", "in part."),
    ]


def test_what_stands_beside_the_text_is_read_once_and_named_for_what_it_is() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Header."
    document.sections[0].footer.paragraphs[0].text = "Footer."
    document.add_section()
    paragraph = document.add_paragraph("The text")
    document.add_comment(paragraph.runs, text="Comment.", author="Ada")
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("Trains\t3", style="toc 1")
    formula = (
        "<m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r>"
        "</m:den></m:f><m:r><m:t>=c</m:t></m:r></m:oMath>"
    )
    paragraph._p.append(parse_xml(_rooted("p", formula))[0])
    buffer = io.BytesIO()
    document.save(buffer)
    assert places(read(buffer.getvalue(), "a.docx")) == [
        ("header", "Header."),
        ("footer", "Footer."),
        ("paragraph 3", "The text(a+b)/2=c"),
        ("comment by Ada", "Comment."),
    ]


def test_numbers_of_clauses_and_headings_are_counted_as_word_counts() -> None:
    def numbered(said: str, level: int = 0, kept: int = 1) -> str:
        properties = f"<w:ilvl w:val='{level}'/><w:numId w:val='{kept}'/>"
        return f"<w:p><w:pPr><w:numPr>{properties}</w:numPr></w:pPr>{run(said)}</w:p>"

    levels = "".join(
        f"<w:lvl w:ilvl='{level}'><w:start w:val='{start}'/><w:numFmt w:val='{form}'/>"
        f"<w:lvlText w:val='{text}'/></w:lvl>"
        for level, start, form, text in (
            (0, 3, "decimal", "%1."),
            (1, 1, "decimal", "%1.%2"),
            (2, 1, "lowerLetter", "(%3)"),
            (3, 4, "upperRoman", "%4"),
        )
    )
    bullet = "<w:lvl w:ilvl='0'><w:numFmt w:val='bullet'/><w:lvlText w:val='o'/></w:lvl>"
    numbering = _rooted(
        "numbering",
        f"<w:abstractNum w:abstractNumId='5'>{levels}</w:abstractNum>"
        f"<w:abstractNum w:abstractNumId='6'>{bullet}</w:abstractNum>"
        "<w:num w:numId='1'><w:abstractNumId w:val='5'/></w:num>"
        "<w:num w:numId='2'><w:abstractNumId w:val='6'/></w:num>",
    )
    body = (
        numbered("Term.")
        + numbered("Two years.", 1)
        + numbered("Longer.", 1)
        + numbered("By letter.", 2)
        + numbered("Deep.", 3)
        + numbered("Fee.")
        + numbered("In March.", 1)
        + numbered("Oak.", kept=2)
    )
    document = docx.Document(io.BytesIO(word(body)))
    document.part.numbering_part._element = parse_xml(numbering)
    buffer = io.BytesIO()
    document.save(buffer)
    assert read(buffer.getvalue(), "a.docx").text.split("\n") == [
        *("3. Term.", "3.1 Two years.", "3.2 Longer.", "(a) By letter.", "IV Deep."),
        *("4. Fee.", "4.1 In March.", "- Oak."),
    ]


@pytest.mark.parametrize("suffix", ["docm", "dotx", "dotm"])
def test_twins_with_macros_and_templates_are_read(suffix: str) -> None:
    types = {
        "docm": "application/vnd.ms-word.document.macroEnabled.main+xml",
        "dotx": "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
        "dotm": "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    }
    plain = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(word(par(run("The heron."))))) as archive,
        zipfile.ZipFile(buffer, "w") as twin,
    ):
        for name in archive.namelist():
            part = archive.read(name)
            twin.writestr(name, part.replace(plain.encode(), types[suffix].encode()))
    reader = reader_for(f"a.{suffix}")
    assert not isinstance(reader, Reason)
    assert reader(buffer.getvalue(), "a").text == "The heron."


def test_deep_nesting_is_read_or_refused() -> None:
    def nested(depth: int) -> str:
        content = par(run("The heron."))
        for _ in range(depth):
            content = table(row(content))
        return content

    assert texts(nested(80)) == ["The heron."]
    boxed = par(run("The heron."))
    for _ in range(25):
        boxed = par(f"<w:r><w:pict><w:txbxContent>{boxed}</w:txbxContent></w:pict></w:r>")
    assert texts(boxed) == ["The heron."]
    body = _rooted("document", f"<w:body>{nested(400)}</w:body>")
    with pytest.raises(Unreadable, match="broken Word document"):
        read(replaced("docx", body.encode()), "a.docx")
