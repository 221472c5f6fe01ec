"""What the first evidence names by its title is followed, and told from what it does not name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from researcher_job.sources.base import Query
from researcher_job.sources.index.document_source import DocumentSource
from researcher_job.strategies.extractive.strategy import Extractive
from tests.researcher_job.files import opened

find = Extractive().find

pytestmark = pytest.mark.anyio

FILLER = {
    f"note-{number}.md": f"# Note {number}\n\nA note on rotas and budgets, number {number}."
    for number in range(12)
}
TEXTS = {
    "falcon.md": "# Project Falcon\n\nThe warehouse robot was built in Project Falcon by"
    " Orsola Weiss.",
    "weiss.md": "# Orsola Weiss\n\nShe studied in Ljubljana and joined the company in 2011.",
    "other.md": "# Ivo Brandt\n\nHe studied in Graz and joined the company in 2014.",
    **FILLER,
}


async def library_of(tmp_path: Path, texts: Mapping[str, str]) -> DocumentSource:
    (tmp_path / "docs").mkdir()
    for name, text in texts.items():
        (tmp_path / "docs" / name).write_text(text)
    return await opened(tmp_path / "docs", tmp_path / "cache")


async def titles(library: DocumentSource, question: str) -> list[str]:
    return [one.title for one in (await Extractive().rank(question, library)).passages]


async def test_a_document_that_shares_no_word_is_found_through_one_that_names_it(
    tmp_path: Path,
) -> None:
    library = await library_of(tmp_path, TEXTS)
    question = "In which city was the builder of the warehouse robot educated?"
    alone = await library.search(Query(question), limit=40)
    assert "Orsola Weiss" not in [one.title for one in alone]
    found = await titles(library, question)
    assert found[:2] == ["Project Falcon", "Orsola Weiss"]
    assert "Ivo Brandt" not in found


async def test_a_title_that_many_share_names_none_of_them(tmp_path: Path) -> None:
    same = {f"{n}.md": f"# Guide {n}\n\n## Overview\n\nPart {n} of it." for n in range(7)}
    text = {"a.md": "# Robot\n\nThe overview of the warehouse robot."}
    library = await library_of(tmp_path, {**same, **text})
    assert await library.lexicon.mentioned(["an overview"], Query("robot")) == []
    assert (await titles(library, "Where is the warehouse robot?"))[0] == "Robot"


async def test_a_section_is_named_by_its_heading(tmp_path: Path) -> None:
    text = "# Rules\n\n## Travel expenses\n\nTrains are second class.\n\n## Leave\n\nAsk early."
    library = await library_of(tmp_path, {"rules.md": text})
    (mention,) = await library.lexicon.mentioned(["See under travel expense."], Query("trains"))
    assert mention.passage.text.startswith("Trains are second class.")
    assert mention.passage.score > 0


async def test_both_sides_of_a_comparison_are_found(tmp_path: Path) -> None:
    library = await library_of(tmp_path, TEXTS)
    found = await titles(library, "Who joined first, Orsola Weiss or Ivo Brandt?")
    assert set(found[:2]) == {"Orsola Weiss", "Ivo Brandt"}


async def test_quotes_are_taken_from_what_was_followed(tmp_path: Path) -> None:
    library = await library_of(tmp_path, TEXTS)
    found = await find("Who built the warehouse robot in Project Falcon?", library)
    assert found.quotes[0].text.startswith("The warehouse robot was built in Project Falcon")
