"""What must hold of everything that is shown: whose words are whose, and nothing hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt

from research_contract.text.safe import visible
from tests.hostile.texts import CANARY, DOMAIN

_QUOTATION = re.compile("“[^“”]*”")
_CODE = re.compile(r"(?<![\\`])`[^`]+`(?!`)")
_PAYLOAD = re.compile(r"`\{\".*\}`")
"""The JSON behind a step of the log."""

_CITATION = re.compile(r"(?<!\\)\[(\d+)\]")


def assert_own_words(text: str) -> None:
    """Check that words of documents stand only in quoted lines, quotation marks and code."""
    for line in text.split("\n"):
        if line.lstrip().startswith(">"):
            continue
        plain = _QUOTATION.sub("", _CODE.sub("", line))
        assert CANARY not in plain, line
        assert not set("“”") & set(plain), line


def assert_nothing_hidden(text: str) -> None:
    assert visible(text) == text


def assert_harmless_markdown(text: str) -> None:
    """Check that no citation is hidden, no link, picture, HTML or heading made of a document."""
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    for element in ("<a ", "<img", "<script", "<code><", "<s>", "<table", "<pre"):
        assert element not in rendered, element
    for heading in re.findall(r"<h\d>(.*?)</h\d>", rendered, re.DOTALL):
        assert CANARY not in heading
    outside = re.sub(r"<code>.*?</code>", "", rendered, flags=re.DOTALL)
    assert DOMAIN not in outside
    written = len(_CITATION.findall(_PAYLOAD.sub("", text)))
    assert len(re.findall(r"\[\d+\]", outside)) >= written


def texts_in(value: object) -> Iterator[str]:
    """Yield all strings of a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts_in(name)
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)
