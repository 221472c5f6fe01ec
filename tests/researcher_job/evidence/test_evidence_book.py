"""A quote becomes evidence only if it matches its snapshot; its paragraph is stored with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from researcher_job.core.errors import InvalidQuote
from researcher_job.evidence.evidence_book import check_quote, paragraph_of
from researcher_job.sources.base import ContextText, Passage, Quote

TEXT = "Grüße 👋 from the handbook. Logs are kept for thirty days."
SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()


def quote_of(
    start: int, end: int, text: str, *, snapshot: str = SHA256, context: Sequence[ContextText] = ()
) -> Quote:
    passage = Passage(
        source="handbook",
        uri="file:///handbook.md",
        title="Handbook",
        locator="line 1",
        snapshot=snapshot,
        start=0,
        end=len(TEXT),
        text=TEXT,
        score=1.0,
        context=tuple(context),
    )
    return Quote(passage, start, end, text, 1.0)


@given(st.data())
def test_text_of_the_snapshot_may_be_quoted(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(TEXT) - 1))
    end = data.draw(st.integers(start + 1, len(TEXT)))
    if TEXT[start:end].strip():
        check_quote(quote_of(start, end, TEXT[start:end]), TEXT)


@pytest.mark.parametrize(
    ("quote", "text", "problem"),
    [
        (quote_of(0, 5, "Grüße", snapshot="0" * 64), TEXT, "does not match its hash"),
        (quote_of(0, 5, "Grüße"), TEXT + " ", "does not match its hash"),
        (quote_of(0, 5, "Grüsse"), TEXT, "different words"),
        (quote_of(1, 6, "Grüße"), TEXT, "different words"),
        (quote_of(5, 6, " "), TEXT, "empty"),
        (quote_of(3, 3, ""), TEXT, "empty"),
        (quote_of(-5, -1, "days"), TEXT, "outside"),
        (quote_of(50, 5_000, TEXT[50:]), TEXT, "outside"),
        (quote_of(0, 1, "\ud800", snapshot="0" * 64), "\ud800", "not valid Unicode"),
    ],
)
def test_a_quote_that_does_not_match_is_refused(quote: Quote, text: str, problem: str) -> None:
    with pytest.raises(InvalidQuote, match=problem):
        check_quote(quote, text)


@pytest.mark.parametrize(
    ("said", "start", "end"), [("Grüsse", 0, 5), ("rüße", 0, 5), ("", 0, 0), ("ays.", -4, 58)]
)
def test_a_context_that_does_not_match_is_refused(said: str, start: int, end: int) -> None:
    right = ContextText("Grüße", "heading", 0, 5)
    check_quote(quote_of(8, 12, "from", context=[right]), TEXT)
    with pytest.raises(InvalidQuote, match="position of its context"):
        wrong = ContextText(said, "heading", start, end)
        check_quote(quote_of(8, 12, "from", context=[right, wrong]), TEXT)


@pytest.mark.parametrize(
    ("text", "quote", "paragraph"),
    [
        ("One.\n\nTwo here. Three.\n\nFour.", "Three.", "Two here. Three."),
        ("One.\n \t\nTwo.", "One.", "One."),
        ("Only one.", "one", "Only one."),
    ],
)
def test_a_paragraph_surrounds_its_quote(text: str, quote: str, paragraph: str) -> None:
    start = text.index(quote)
    assert paragraph_of(text, start, start + len(quote)) == paragraph


@given(st.text(max_size=300), st.data())
def test_a_paragraph_contains_its_quote_and_is_bounded(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = paragraph_of(text, start, end, most=50)
    assert len(found) <= 50
    assert found in text
    if end - start <= 50:
        assert text[start:end].strip() in found
