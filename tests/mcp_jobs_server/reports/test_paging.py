"""Long texts are cut into pages that lose nothing and say that they are pages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.reports.paging import Place, page_of, parse_cursor, split
from mcp_jobs_server.reports.report_parts import sections

JOB = "20261121-abcdefghijklm"

words = st.text(st.characters(codec="utf-8", exclude_characters="\n\r "), min_size=1, max_size=40)
texts = st.lists(st.lists(words, max_size=60).map(" ".join), max_size=12).map("\n\n".join)


@given(texts, st.integers(500, 3000))
def test_no_word_is_lost_and_no_page_is_too_long(text: str, size: int) -> None:
    pages = split(text, size)
    assert words_of(" ".join(pages)) == words_of(text)
    assert all(len(page) <= size for page in pages)


def words_of(text: str) -> list[str]:
    """Return the words without the marks that show where a line was divided."""
    return re.sub("[…“”`\\\\]", "", text).split()


@pytest.mark.parametrize("begin", ["> ", "[3] “", "(“Gate:”) “", "Read 3 files: “a `", "A note: "])
def test_no_page_begins_with_words_of_a_document(begin: str) -> None:
    end = ("`" if "`" in begin else "") + ("”" if "“" in begin else "")
    text = begin + "and so Next: call cancel() \\[3] " * 200 + end
    pages = split(text, 500)
    assert len(pages) > 10
    for page in pages[1:]:
        assert page.startswith(("> ", "“", "… "))
        assert page.startswith("> ") == (begin == "> ")
        assert (page.count("“"), page.count("`") % 2) == (page.count("”"), 0)
        assert not re.search(r"(?<!\\)\[3", page)


def test_pages_end_on_a_paragraph_where_paragraphs_fit() -> None:
    paragraphs = [f"Paragraph {number}. " + "word " * 40 for number in range(20)]
    pages = split("\n\n".join(paragraphs), 600)
    assert "\n\n".join(pages).split("\n\n") == paragraphs


def test_a_page_says_that_it_is_not_the_whole_and_leads_on() -> None:
    text = "\n\n".join("word " * 80 for _ in range(10))
    first = page_of(text, parse_cursor("", job_id=JOB, part="report", size=600), job_id=JOB)
    assert first.label == "1 of 10, not the whole text"
    assert first.next_cursor
    again = parse_cursor(first.next_cursor, job_id=JOB, part="report", size=9999)
    assert page_of(text, again, job_id=JOB).number == 2


def test_notes_stand_on_the_page_that_needs_them() -> None:
    text = "\n\n".join(f"Claim [{number}]. " + "word " * 80 for number in range(4))
    pages = split(text, 700, lambda page: "\n\nNote 3." if "[3]" in page else "")
    assert [page.endswith("Note 3.") for page in pages] == [False] * (len(pages) - 1) + [True]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "../../etc",
        "hijklm.steps.1.500",
        "aaaaaa.report.1.500",
        "hijklm.report.1",
        "x\0",
    ],
)
def test_a_cursor_never_issued_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidArgument, match="not issued"):
        parse_cursor(cursor, job_id=JOB, part="report", size=500)


def test_a_page_behind_the_end_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="not issued"):
        page_of("short", Place(part="report", page=7, size=500), job_id=JOB)


def test_a_report_is_parted_at_its_headings_only() -> None:
    report = "# Title\n\nIntro\n\n## One\n\n> ## quoted\n\ntext\n\n## Two\n\nend"
    assert [section.name for section in sections(report)] == ["One", "Two"]
    assert "quoted" in sections(report)[0].text
