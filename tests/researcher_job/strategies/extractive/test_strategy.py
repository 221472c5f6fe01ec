"""Quotes answer the question, stand in their snapshot, and are missing where nothing answers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research_contract.text.sentences import MAX_LENGTH, sentences
from researcher_job.sources.base import Source
from researcher_job.sources.index.query import analyse
from researcher_job.sources.index.tokenizer import stems
from researcher_job.strategies.base import Finding
from researcher_job.strategies.extractive.strategy import SHOWN, Extractive
from tests.researcher_job.files import opened

find = Extractive().find

HANDBOOK = """# Handbook

## Holidays

Employees receive 25 days of annual leave. Leave is booked in the portal two weeks ahead.
Unused days expire on 31 March of the next year.

## Travel

- Second class is booked for train journeys under two hours.
- Flights need the approval of a manager.

```python
approval = flights(manager)
```

[![badge](https://example.org/badge.svg)](https://example.org)

## Storage

Backups are written every night and kept for ninety days.
Log files are kept for thirty days and then removed.
"""


@pytest.fixture
async def library(tmp_path: Path) -> Source:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "handbook.md").write_text(HANDBOOK)
    (tmp_path / "docs" / "copy.txt").write_text(HANDBOOK.split("## Storage")[1])
    return await opened(tmp_path / "docs", tmp_path / "cache")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How many days of annual leave do employees receive?", "Employees receive 25 days"),
        ("Who must approve flights? Which approval is needed?", "Flights need the approval"),
        ("How long are backups kept?", "Backups are written every night"),
        ("When do unused days expire?", "Unused days expire on 31 March"),
    ],
)
async def test_the_best_quote_answers(library: Source, question: str, quote: str) -> None:
    found = await find(question, library)
    assert (found.state, found.note) == ("evidence", "")
    assert quote in found.quotes[0].text


@pytest.mark.anyio
async def test_a_question_about_something_absent_is_not_found(library: Source) -> None:
    found = await find("What is the capital of Mongolia?", library)
    assert found == Finding((), "not_found", "The sources nowhere mention “capital” or “mongolia”.")


@pytest.mark.anyio
async def test_what_no_quote_mentions_is_said(library: Source) -> None:
    found = await find("How long are backups kept at the Zurich branch office?", library)
    assert found.quotes[0].text.startswith("Backups are written")
    assert found.state == "evidence"
    assert "zurich" in found.note


@pytest.mark.anyio
async def test_what_is_too_weak_to_be_evidence_is_shown_as_nearest(library: Source) -> None:
    found = await find("Which manager of the Zurich branch paints horses in oil?", library)
    assert (found.state, found.quotes) == ("not_found", ())
    nearest = [quote.text for quote in found.nearest]
    assert "Flights need the approval of a manager." in nearest[0] + nearest[1]


@pytest.mark.anyio
async def test_no_quote_is_both_evidence_and_nearest(library: Source) -> None:
    found = await find("How long are backups kept?", library)
    texts = [quote.text for quote in (*found.quotes, *found.nearest)]
    assert found.quotes
    assert len(texts) == len(set(texts)) <= SHOWN


@pytest.mark.anyio
async def test_how_something_behaves_is_asked_in_words_no_document_has(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    text = "# Alpha\n\nIf the lock is held by another process, Alpha raises a timeout error."
    (tmp_path / "docs" / "alpha.md").write_text(text)
    question = "How does Alpha behave when the lock is already held?"
    assert [term.word for term in analyse(question).terms] == ["alpha", "lock", "held"]
    found = await find(question, await opened(tmp_path / "docs", tmp_path / "cache"))
    assert "raises a timeout error" in found.quotes[0].text


@pytest.mark.anyio
async def test_other_words_for_the_same_are_looked_for(library: Source) -> None:
    question = "How much vacation does staff get?"
    found = await find(question, library, terms=["annual leave", "employees"])
    assert found.quotes[0].text.startswith("Employees receive 25 days of annual leave.")
    assert found.state != "not_found"


@pytest.mark.anyio
async def test_no_quote_comes_twice(library: Source) -> None:
    texts = [quote.text for quote in (await find("Which files are kept?", library)).quotes]
    assert texts
    assert len(texts) == len(set(texts))


@pytest.mark.anyio
async def test_a_quote_is_located_by_its_own_line(library: Source) -> None:
    (quote, *_) = (await find("How long are log files kept before removal?", library)).quotes
    if quote.passage.title == "copy.txt":
        assert quote.passage.locator == "line 3"
    else:
        assert quote.passage.locator == "Handbook > Storage"


@pytest.mark.anyio
async def test_a_question_without_words_says_so(library: Source) -> None:
    assert (await find("?!", library)).note == "The question has no word that can be searched for."


@given(
    text=st.text(alphabet="abc de. !?\n\n#-|>`*[]()_é漢字。\x00\r\t1", max_size=400)
    | st.text(max_size=200),
    suffix=st.sampled_from([".md", ".txt", ".html"]),
)
@settings(max_examples=40)
def test_every_quote_stands_in_its_snapshot(text: str, suffix: str) -> None:
    async def check(docs: Path) -> None:
        library = await opened(docs, docs.parent / "cache")
        found = await find("Where does the grebe dive?", library, depth="deep")
        for quote in found.quotes:
            snapshot = await library.snapshot(quote.passage.snapshot)
            assert snapshot[quote.start : quote.end] == quote.text
            assert 0 <= quote.score <= 1
            assert len(quote.text) <= MAX_LENGTH

    with tempfile.TemporaryDirectory() as place:
        docs = Path(place).resolve() / "docs"
        docs.mkdir()
        data = f"{text}\n\nThe grebe dives here and there. {text}"
        (docs / f"file{suffix}").write_bytes(data.encode("utf-8", "replace"))
        anyio.run(check, docs)


def _texts(passage: str) -> list[str]:
    return [passage[one.start : one.end] for one in sentences(passage)]


def test_sentences_end_where_a_reader_would_say_so() -> None:
    assert _texts(
        'Dr. Smith went to the U.S. in 1999. He met J. K. Rowling, e.g. at "The Inn." Then v3.11\n'
        "was released! これは日本語の文章です。次の文章もあります。"
    ) == [
        "Dr. Smith went to the U.S. in 1999.",
        'He met J. K. Rowling, e.g. at "The Inn."',
        "Then v3.11\nwas released!",
        "これは日本語の文章です。",
        "次の文章もあります。",
    ]


def test_an_abbreviation_may_end_a_sentence_and_marks_may_stand_apart() -> None:
    assert _texts(
        "The song is by the rapper Cardi B. It was sold in the U.S. in spring. It was made by J. K."
        " Rowling Ltd. In May it went away . '' As he said , it was lost ."
        " ( More of it is there . )"
    ) == [
        "The song is by the rapper Cardi B.",
        "It was sold in the U.S. in spring.",
        "It was made by J. K. Rowling Ltd.",
        "In May it went away . ''",
        "As he said , it was lost .",
        "( More of it is there . )",
    ]


def test_items_rows_and_fields_stand_alone_and_badges_and_headings_fall_away() -> None:
    assert _texts(
        "# A heading of some length\n- The first item goes\n  over two lines\n"
        "2. The second one is here\n"
        "| the value | of a row |\n|---|---|\n[![A badge to click](https://e.org/b)](https://e.org)\n"
        "Requires-Python: >=3.11\nLicense-Expression: MIT\n"
    ) == [
        "The first item goes\n  over two lines",
        "The second one is here",
        "| the value | of a row |",
        "Requires-Python: >=3.11",
        "License-Expression: MIT",
    ]


@given(st.text(alphabet="ab .!?\n-|#`é漢。", max_size=3000))
def test_sentences_are_in_order_bounded_and_trimmed(passage: str) -> None:
    before = 0
    for one in sentences(passage):
        assert before <= one.start < one.end <= len(passage)
        assert one.end - one.start <= MAX_LENGTH
        assert one.kind == "code" or passage[one.start : one.end].strip()
        before = one.end


def test_words_that_matter_are_kept_with_names_and_numbers() -> None:
    question = analyse("How many retries does FooServer 3 make?", ["back off", "?"])
    assert [(term.word, term.is_name) for term in question.terms] == [
        ("retries", False),
        ("fooserver", True),
        ("3", True),
        ("make", False),
    ]
    assert question.alternatives == (("back", "off"),)
    assert [term.word for term in analyse("Who is it?").terms] == ["who", "is", "it"]


def test_stems_are_those_of_the_index() -> None:
    assert stems(["Running RÉSUMÉS", "", "installed"]) == [["run", "resum"], [], ["instal"]]
