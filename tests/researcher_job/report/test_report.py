"""The content of the report, and that text from sources is harmless in it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from research_contract import records
from research_contract.records import (
    Coverage,
    Evidence,
    NotRead,
    Plan,
    QuestionResult,
    Request,
    SourceRef,
    Spent,
)
from research_contract.text.safe import blockquote, markdown, one_line, visible
from researcher_job.report.html import html_page
from researcher_job.report.markdown import markdown_report
from researcher_job.report.methods import JobUsage
from researcher_job.report.report import Report, build_report
from researcher_job.testing import FakeSource
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import NOW, make_folder, report_of, run_job

HOSTILE = (
    "# Heading\n## Another\n\n<script>alert(1)</script> [9] ![x](http://evil/?q) `code`"
    " **bold** __init__ \x1b[31mred \u202egnitirw\u2028## Hidden\n---\n- item\n1. one"
)
COVERAGE = Coverage(found=3, read=2, not_read=(NotRead(reason="scanned PDF", count=1),))


def evidence(n: int, quote: str, **fields: object) -> Evidence:
    return Evidence.model_validate(
        {
            "n": n,
            "question": 0,
            "quote": quote,
            "source": "handbook",
            "uri": f"file:///docs/{n}.md",
            "title": f"Document {n}",
            "locator": f"line {n}",
            "snapshot": "0" * 64,
            "start": 0,
            "end": len(quote),
            "paragraph": f"Before. {quote} After.",
            **fields,
        }
    )


def report(*items: Evidence, plan: Plan | None = None, state: str = "answered") -> Report:
    result = QuestionResult.model_validate(
        {"question": "Why?", "state": state, "evidence": tuple(item.n for item in items)}
    )
    request = Request(
        job_id="20260301-aaaaaaaaaaaaa", question="Why?", plan=plan or Plan(), created_at=NOW
    )
    return build_report(
        request,
        [result],
        items,
        outcome="answered",
        reason="",
        coverage=COVERAGE,
        usage=JobUsage(Spent(tool_calls=3, active_seconds=12), 1, NOW),
    )


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ .*$", text, re.MULTILINE)


def test_the_sections_are_in_order() -> None:
    text = markdown_report(report(evidence(1, "Because of this."), plan=Plan(title="Reasons")))
    assert headings(text) == [
        "# Reasons",
        "## 1. Why?",
        "## Sources",
        "## Citations",
        "## How this report was made",
    ]
    assert text.index("“Because of this.” [1]") < text.index("*Read 2 of 3 files; not read")
    assert text.index("*Read 2 of 3 files") < text.index("## 1. Why?")
    assert "“Document 1, line 1” (handbook) [1]:\n\n> Because of this." in text
    assert "[1] “Because of this.” — “Document 1, line 1” (handbook)" in text
    assert "- “Document 1” (handbook): “line 1” [1] — `file:///docs/1.md`" in text
    assert "researcher-job verify FOLDER" in text
    assert "No language model was used" in text
    assert "Spent: 12 s of work, 3 searches." in text
    assert text.count("not read") == 1


def test_a_short_report_keeps_the_best_quotes_and_counts_the_others() -> None:
    items = [evidence(n, f"Quote {n} " + "word " * 20) for n in range(1, 6)]
    short = report(*items, plan=Plan(report_words=50))
    assert [item.n for item in short.cited] == [1, 2]
    assert "3 more in evidence.jsonl, omitted for length." in markdown_report(short)
    assert len(report(*items).cited) == 5


def test_a_question_without_an_answer_is_listed_as_open() -> None:
    text = markdown_report(report(state="not_found"))
    assert "- Question 1, Why?: nothing was found." in text
    assert "There are none." in text


def test_a_hostile_quote_makes_no_heading_and_no_citation() -> None:
    hostile = report(evidence(1, HOSTILE, title=HOSTILE, locator=HOSTILE, source=HOSTILE))
    text = markdown_report(hostile)
    assert headings(text) == headings(markdown_report(report(evidence(1, "plain"))))
    assert set(re.findall(r"(?<!\\)\[(\d+)\]", text)) == {"1"}
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<U+202E>" in text


def test_a_hostile_quote_renders_as_plain_text() -> None:
    hostile = report(evidence(1, HOSTILE, title=HOSTILE, locator=HOSTILE, source=HOSTILE))
    page = MarkdownIt("commonmark").enable("table").render(markdown_report(hostile))
    for element in ("<script", "<img", "<hr", "<table", "<a "):
        assert element not in page
    assert page.count("<blockquote>") == 1
    assert page.count("<h1>") == 1


_SIGNS = "#>-=+*_`~|:1.)[]!<&;\\ \t\na\u2028\r/"


@given(st.text(max_size=80) | st.text(st.sampled_from(_SIGNS), max_size=40))
def test_any_text_without_emphasis_renders_as_itself(text: str) -> None:
    plain = re.sub("[*_`]", "", text)
    rendered = MarkdownIt("commonmark").render(f"x {markdown(plain)}")
    assert " ".join(_Texts.of(rendered).split()) == f"x {one_line(plain)}".strip()


@pytest.mark.parametrize("text", ["&#91;9&#93;", "&lt;b&gt; &amp;amp; &copy;", "\\&#x5b;1]"])
def test_an_entity_renders_as_itself(text: str) -> None:
    assert _Texts.of(MarkdownIt("commonmark").render(markdown(text))).strip() == text


@given(st.text(st.sampled_from(_SIGNS), max_size=40))
def test_no_text_escapes_its_block_quote(text: str) -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(blockquote(text) + "\n\nend\n")
    assert rendered.endswith("</blockquote>\n<p>end</p>\n")
    for element in ("<h1", "<h2", "<ul", "<ol", "<pre", "<hr", "<table", "<a ", "<img"):
        assert element not in rendered


@given(st.text(st.sampled_from("[]123\\`*_ ^(:"), max_size=40))
def test_no_text_forges_a_citation(text: str) -> None:
    assert not re.search(r"(?<!\\)\[\d", markdown(text))
    code = re.sub(r"<code>.*?</code>", "", MarkdownIt("commonmark").render(f"x {markdown(text)}"))
    assert "<a " not in code


@pytest.mark.parametrize(
    "text",
    [
        "asyncio_ or `Trio`_ **both**",
        "R&D at $5 ~ a < b #12 (C#)",
        r"C:\Users\ada",
        "--help -5 1.5 :ref:`x`",
    ],
)
def test_harmless_text_is_not_escaped(text: str) -> None:
    assert markdown(text) == text


@given(st.text(max_size=60))
def test_visible_text_has_no_control_character(text: str) -> None:
    for character in visible(text):
        assert (
            character in "\n\t"
            or character.isprintable()
            or character.isspace()
            or (ord(character) > 0xFF)
        )
    assert "\x1b" not in visible(text + "\x1b")


class _Texts(HTMLParser):
    """Collects the text, elements and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[str] = []
        self.links: list[str] = []

    @classmethod
    def of(cls, page: str) -> str:
        parser = cls()
        parser.feed(page)
        parser.close()
        return parser.text

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_the_page_is_complete_and_loads_nothing() -> None:
    page = html_page(report(evidence(1, "Because of this.")))
    parser = _Texts()
    parser.feed(page)
    assert "Content-Security-Policy" in page
    assert not {"script", "link", "img", "iframe"} & set(parser.elements)
    assert set(parser.links) == {"#c1", "#f1", "#closed", "file:///docs/1.md"}
    assert 'Before. <mark id="c1">Because of this.</mark> After.' in page
    assert "Read 2 of 3 files" in parser.text
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_hostile_text_is_escaped_on_the_page() -> None:
    hostile = evidence(
        1, HOSTILE, title=HOSTILE, locator=HOSTILE, source='"><script>', uri="javascript:alert(1)"
    )
    page = html_page(replace(report(hostile), title="</title><script>x</script>"))
    parser = _Texts()
    parser.feed(page)
    assert "script" not in parser.elements
    assert set(parser.links) == {"#c1", "#f1", "#closed"}
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_a_job_over_a_hostile_document_is_verified(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path,
        question="## Is the `heading` an <b>item</b>?",
        plan=Plan(title="A\n## title <script>"),
        sources=(SourceRef(name="## texts", uri="memory:"),),
    )
    run_job(folder, FakeSource({"## <b>title</b>": f"The heading item.\n{HOSTILE}"}))
    text = report_of(folder)
    assert headings(text)[:2] == [
        "# A \\## title \\<script>",
        "## 1. \\## Is the `heading` an \\<b>item\\</b>?",
    ]
    assert folder.evidence()
    stored = folder.file(records.snapshot_name(folder.evidence()[0].snapshot)).read_bytes()
    assert b"\x1b[31m" in stored
    assert verify(tmp_path).faults == ()
