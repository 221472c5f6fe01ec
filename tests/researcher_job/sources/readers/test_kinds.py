"""Each kind of file gives words that stand in its snapshot, at a place that a person can follow."""

from __future__ import annotations

import io
import json
from pathlib import Path

import docx
import openpyxl
import pytest
from openpyxl.comments import Comment

from researcher_job.sources.base import Passage, Query
from researcher_job.sources.document import Reason, Unreadable
from researcher_job.sources.readers import Reader, reader_for
from tests.researcher_job.files import headings, opened, places, read
from tests.researcher_job.office import slides, workbook

pytestmark = pytest.mark.anyio

MAIL = b"""From: Ada <ada@example.org>
To: Bo <bo@example.org>
Date: Mon, 3 Mar 2025 10:00:00 +0000
Subject: =?utf-8?q?The_caf=C3=A9?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: multipart/alternative; boundary="y"

--y
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Dear Bo,

the caf=E9 opens on Friday.
--y
Content-Type: text/html

<p>the caf&eacute; opens on Friday.</p>
--y--
--x
Content-Type: application/pdf
Content-Disposition: attachment; filename="menu.pdf"

JVBERi0=
--x--
"""
PROGRAM = '''"""Retries."""

LIMIT = 3


class Client:
    """Calls a server."""

    def retry_request(self, times: int) -> None:
        """Try again."""

        wait_for_the_lemur(times)


async def after_all() -> None:
    return None
'''


def test_rows_of_a_workbook_are_found_by_sheet_and_row() -> None:
    assert places(read("a.xlsx", workbook())) == [
        ("Budget, row 2", "Country: Norway; Allowance: 80.5; Since: 2025-03-01"),
        ("Budget, row 4", "Country: Iceland; Allowance: 95"),
        ("Notes, row 1", "The walrus approved all of it."),
    ]


def test_formulas_without_a_stored_value_and_comments_are_said() -> None:
    book = openpyxl.Workbook()
    for row in (["Sum", "Rate"], ["=1+2", 0.05]):
        book.active.append(row)
    book.active["B2"].number_format = "0.0%"
    book.active["B2"].comment = Comment("The walrus.", "Ada")
    buffer = io.BytesIO()
    book.save(buffer)
    assert places(read("a.xlsx", buffer.getvalue())) == [
        ("Sheet, row 1", "Sum; Rate"),
        ("Sheet, row 2", "not computed (=1+2); 5.0%"),
        ("Sheet, comment on B2", "B2: The walrus."),
    ]


def test_words_of_a_presentation_are_found_by_slide() -> None:
    document = read("a.pptx", slides())
    assert places(document) == [
        ("Goals, slide 2", "The otter doubles its output."),
        ("Goals, slide 2, notes", "Mention the badger here."),
        ("Costs, slide 3", "Animal: Heron; Cost: 12 euro"),
    ]
    assert document.title == "Yearly plan"
    last = document.blocks[-1]
    assert headings(document, last) == ["Costs"]


def test_a_mail_is_found_by_header_and_line() -> None:
    document = read("a.eml", MAIL)
    assert document.title == "The café"
    subject = "Subject: The café"
    assert places(document) == [
        (f"{subject}, mail header", "From: Ada <ada@example.org>"),
        (f"{subject}, mail header", "To: Bo <bo@example.org>"),
        (f"{subject}, mail header", "Date: Mon, 03 Mar 2025 10:00:00 +0000"),
        (f"{subject}, mail text", "Dear Bo,"),
        (f"{subject}, mail text", "the café opens on Friday."),
        (f"{subject}, mail attachments", "Attached: menu.pdf"),
    ]
    assert document.gaps == ("menu.pdf is a broken PDF",)
    given = {one.kind: document.text[one.start : one.end] for one in document.blocks[-2].context}
    assert given["sender"] == "From: Ada <ada@example.org>"
    assert given["date"] == "Date: Mon, 03 Mar 2025 10:00:00 +0000"


def test_a_mail_in_html_only_is_read() -> None:
    data = b"From: a@example.org\nContent-Type: text/html\n\n<script>no()</script><p>The heron.</p>"
    assert places(read("a.eml", data))[1][1] == "The heron."


def test_what_is_no_mail_is_said_to_be_broken() -> None:
    with pytest.raises(Unreadable, match="broken e-mail"):
        read("a.eml", b"\n\nNot a mail.")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'Country,Allowance\nNorway,80\n\n"Iceland, the",95\n'),
        ("a.csv", "Country;Allowance\nNorway;80\n\nIceland, the;95\n"),
        ("a.tsv", "Country\tAllowance\nNorway\t80\n\nIceland, the\t95\n"),
    ],
)
def test_rows_of_a_table_stand_behind_the_names_of_their_columns(name: str, text: str) -> None:
    assert places(read(name, text.encode())) == [
        ("row 2", "Country: Norway; Allowance: 80"),
        ("row 4", "Country: Iceland, the; Allowance: 95"),
    ]


def test_a_table_without_names_of_columns_keeps_its_first_row() -> None:
    assert places(read("a.csv", b"Norway,80\nIceland,95\n")) == [
        ("row 1", "Norway; 80"),
        ("row 2", "Iceland; 95"),
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            "<caption>Rates</caption><tr><th>Country<th>Rate<tr><td>Norway<td>80 <b>euro</b>",
            ["Rates", "Country: Norway; Rate: 80 euro"],
        ),
        ("<tr><th>Founded<td>1999<tr><th>Seat<td>Oslo", ["Founded; 1999", "Seat; Oslo"]),
        ("<tr><th>A<th>B<tr><td colspan=2>x", ["A: x"]),
        ("<tr><th>A<th>B<tr><td>x<td>y<td>z", ["A: x; B: y; z"]),
        ("<tr><td>x<td>y", ["x; y"]),
        ("<tr><th>A<th>B<tr><td><script>no()</script>x<td>y", ["A: x; B: y"]),
    ],
)
def test_rows_of_web_pages_stand_below_the_heads_of_their_columns(
    table: str, said: list[str]
) -> None:
    found = places(read("a.html", f"<h1>T</h1><table>{table}</table><p>After.".encode()))
    assert found == [*(("T", row) for row in said), ("T", "After.")]


def test_cells_of_word_tables_stay_in_their_columns() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=3)
    for place, said in enumerate(("Name", "First", "Last", "Ada", "1", "2", "Bo", "", "3")):
        table.cell(place // 3, place % 3).text = said
    table.cell(2, 0).merge(table.cell(2, 1))
    buffer = io.BytesIO()
    document.save(buffer)
    assert [said for _, said in places(read("a.docx", buffer.getvalue()))] == [
        "Name: Ada; First: 1; Last: 2",
        "Name: Bo; Last: 3",
    ]


def test_records_of_json_are_found_by_their_path() -> None:
    data = {
        "title": "Rates",
        "rates": [
            {"country": "Norway", "per": {"day": 80.10, "tags": ["a", "b"]}},
            {"country": "Iceland", "valid": None},
        ],
    }
    assert places(read("a.json", json.dumps(data).encode())) == [
        ("$", "title: Rates"),
        ("$.rates[0]", "country: Norway; per.day: 80.1; per.tags: a, b"),
        ("$.rates[1]", "country: Iceland; valid: null"),
    ]


def test_long_records_of_json_are_divided() -> None:
    data = {"about": "Rates", "rows": [{"text": "long " * 300, "parts": [{"n": 1}]}]}
    found = places(read("a.json", json.dumps(data).encode()))
    assert list(dict.fromkeys(place for place, _ in found)) == [
        "$",
        "$.rows[0]",
        "$.rows[0].parts[0]",
    ]


def test_lines_of_json_are_found_by_their_line() -> None:
    data = b'{"animal": "heron"}\n\nnot json\n{"animal": "otter"}\n'
    assert places(read("a.jsonl", data)) == [
        ("record on line 1", "animal: heron"),
        ("record on line 4", "animal: otter"),
    ]


@pytest.mark.parametrize("data", [b"{", b"[" * 100_000, b'{"a": nope}'])
def test_broken_json_is_said_to_be(data: bytes) -> None:
    with pytest.raises(Unreadable, match="broken JSON"):
        read("a.json", data)


def test_code_is_found_by_function_and_line() -> None:
    found = dict(places(read("a.py", PROGRAM.encode())))
    assert found["Client > retry_request, line 12"].strip() == "wait_for_the_lemur(times)"
    assert found["after_all, line 15"].startswith("async def after_all")
    assert found["line 3"] == "LIMIT = 3"


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("a.js", "export const loadAll = async (x) => {", "loadAll"),
        ("a.ts", "export default class Store {", "Store"),
        ("a.go", "func (s *Server) Start(port int) error {", "Start"),
        ("a.rs", "pub(crate) async fn read_all() {", "read_all"),
        ("a.java", "public static final class Node {", "Node"),
        ("a.rb", "  def each_pair", "each_pair"),
        ("a.sql", "CREATE TABLE IF NOT EXISTS jobs (", "jobs"),
        ("a.toml", "[tool.ruff] # lint", "tool.ruff"),
        ("a.php", "abstract protected function run()", "run"),
    ],
)
def test_definitions_are_seen_in_many_languages(name: str, line: str, found: str) -> None:
    assert places(read(name, f"x\n{line}\n".encode()))[1][0] == f"{found}, line 2"


def test_headings_keep_names_as_they_are() -> None:
    text = (
        "# `list_active_jobs` and _more_\n\na\n\n## __init__ of *x* [here](y)\n\nb\n\n"
        "### a < b and c > d\n\nc\n"
    )
    document = read("a.md", text.encode())
    assert document.title == "list_active_jobs and more"
    assert headings(document, document.blocks[-1]) == [
        "`list_active_jobs` and _more_",
        "__init__ of *x* [here](y)",
        "a < b and c > d",
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.JPG", Reason.PICTURE),
        ("a.mp4", Reason.RECORDING),
        ("a.tar.gz", Reason.ARCHIVE),
        ("a.xls", Reason.OLD_OFFICE),
        ("a.min.js", Reason.MACHINE_MADE),
        ("_static/searchindex.js", Reason.MACHINE_MADE),
        ("a.so", Reason.UNKNOWN),
    ],
)
def test_what_is_not_read_is_named_by_its_kind(name: str, reason: Reason) -> None:
    found: Reader | Reason = reader_for(name)
    assert found is reason


async def test_every_kind_can_be_searched_and_stands_in_its_snapshot(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    files = {
        "b.xlsx": (workbook(), "iceland", "Budget, row 4"),
        "p.pptx": (slides(), "heron", "Costs, slide 3"),
        "m.eml": (MAIL, "friday", "Subject: The café, mail text"),
        "t.csv": (b"name,age\nlynx,7\nibex,9\n", "ibex", "row 3"),
        "d.jsonl": (b'{"a": "x"}\n{"a": "puffin"}\n', "puffin", "record on line 2"),
        "c.py": (PROGRAM.encode(), "lemur", "Client > retry_request, line 12"),
        "c.yaml": (b"jobs:\n  stork: true\n", "stork", "line 1"),
    }
    for name, (data, _, _) in files.items():
        (folder / name).write_bytes(data)
    library = await opened(folder, tmp_path / "cache")
    (said,) = library.coverage.in_part.examples if library.coverage.in_part else ()
    assert said == "m.eml: menu.pdf is a broken PDF"
    assert library.coverage.read == len(files)
    for name, (_, word, place) in files.items():
        best: Passage = (await library.search(Query(word), limit=1))[0]
        assert (best.uri.rsplit("/", 1)[1], best.locator) == (name, place)
        text = await library.snapshot(best.snapshot)
        assert text[best.start : best.end] == best.text
