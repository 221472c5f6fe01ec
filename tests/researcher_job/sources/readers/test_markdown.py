"""Markdown divided quickly is divided as its parser divides it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from researcher_job.sources.readers.markdown import Piece, markdown_document, pieces

_LINES = (
    *(
        "",
        "",
        "",
        " ",
        "\t",
        "Plain words.",
        "über alles",
        "a | b",
        "2024 was dry.",
        "1985. A year",
    ),
    *("# Title", "## Two words ##", "### #", "#", "#hash", "####### seven", "Setext", "===", "---"),
    *("- item", "* item", "+ item", "1. item", "1) item", "  continued", "    indented", "\ttab"),
    *("> quote", ">", "```", "```python", "~~~", "````", "  ```", "x = 1", "***", "___", "* * *"),
    *("**Bold** begins", "*emphasis*", "__strong__", "_under_", "`code` begins", "``two``"),
    *("|---|---|", ":--|--:", "| a | b |", "-|-", "[ref]: /place", "[text](place)", "[a\\](b]: /c"),
    *("[open", "![image](a.png)", "<div>", "</div>", "<!-- comment", "-->", "<pre>", "</pre>"),
    *("<b>bold</b>", "<?php", "?>", "<!DOCTYPE html>", "&amp; so", "\\# no heading", "(aside)"),
    *(
        '"said"',
        "\N{NO-BREAK SPACE}",
        "\N{IDEOGRAPHIC SPACE}wide",
        "\N{ARABIC-INDIC DIGIT ONE}. item",
        "é",
        "$5",
        "%",
        "{x}",
    ),
)


def parsed(text: str) -> list[Piece]:
    """Return the blocks at the top level as the whole parser finds them."""
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(text)
    places = [0]
    for line in text.split("\n"):
        places.append(places[-1] + len(line) + 1)
    return [
        Piece(
            places[token.map[0]],
            min(places[token.map[1]] - 1, len(text)),
            int(token.tag[1:]) if token.type == "heading_open" else 0,
            tokens[index + 1].content if token.type == "heading_open" else "",
        )
        for index, token in enumerate(tokens)
        if token.map is not None and not token.level
    ]


def said(found: list[Piece], text: str) -> list[tuple[int, str, int, str]]:
    """Return what the pieces say, without the white space at their ends."""
    return [
        (one.start, text[one.start : one.stop].rstrip(), one.level, one.heading.strip())
        for one in found
        if one.level or text[one.start : one.stop].strip()
    ]


@given(st.lists(st.sampled_from(_LINES), max_size=14).map("\n".join))
@settings(max_examples=1_500, deadline=None)
@example("```\na\n\nb\n\nc\n\nd\n```\n\nafter")
@example("- a\n\n  ```\n  b\n\nc\n\n```\nd\n\ne")
@example("<!-- a\n\nb\n\nc -->\n\nd")
@example("Words\n# Heading\nmore")
@example("<pre>\n\nnever closed\n\n# no heading")
def test_pieces_are_those_of_the_parser(text: str) -> None:
    assert said(list(pieces(text)), text) == said(parsed(text), text)


def test_pieces_begin_where_they_are_asked_to() -> None:
    text = "---\ntitle: A\n---\n# B\n\nWords.\n\n- c\n"
    start = text.index("# B")
    assert [text[one.start : one.stop].strip() for one in pieces(text, start)] == [
        "# B",
        "Words.",
        "- c",
    ]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Tide tables", "Tide tables"),
        ('"Tide: high"  ', "Tide: high"),
        ("'Tide'", "Tide"),
        ('""', "file"),
        (" ", "file"),
    ],
)
def test_front_matter_names_the_title(written: str, title: str) -> None:
    document = markdown_document(f"---\ntitle: {written}\n---\n\nWords.\n", "file")
    assert document.title == title
