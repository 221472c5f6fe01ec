"""Other words for those of a question: what documents abbreviate, inflect and write otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from researcher_job.sources.base import Query, Related
from researcher_job.sources.index.abbreviations import abbreviations
from researcher_job.sources.index.query import analyse
from researcher_job.sources.index.written_forms import written_forms
from researcher_job.strategies.extractive.strategy import Extractive
from tests.researcher_job.files import opened


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Our service level agreement (SLA) is below.", [("SLA", "service level agreement")]),
        ("the Terms of Service (“ToS”) apply", [("ToS", "Terms of Service")]),
        ("the Terms of Service (TOS) apply", [("TOS", "Terms of Service")]),
        ("the RTO (recovery time objective) is 4 h", [("RTO", "recovery time objective")]),
        ("Die Datenschutz-Grundverordnung (DSGVO) gilt.", []),
        ("Das Bundesamt für Statistik (BFS) zählt.", [("BFS", "Bundesamt für Statistik")]),
        ("It runs in Rome (IT) and Paris (FR).", []),
        ("See the table (A) and (BC).", []),
        ("(SLA) " * 3, []),
    ],
)
def test_an_abbreviation_stands_for_the_words_that_begin_with_its_letters(
    text: str, found: list[tuple[str, str]]
) -> None:
    assert list(abbreviations(text)) == found


@pytest.mark.parametrize(
    ("question", "forms"),
    [
        ("What was sold in the third quarter?", ["Q3"]),
        ("Umsatz im dritten Quartal", ["Q3"]),
        ("Sales in Q2?", ["second quarter"]),
        ("Who owes 12,500 euros?", ["12500"]),
        ("Who owes 12500 euros?", ["12 500"]),
        ("Is on-site work allowed?", ["onsite"]),
        ("What costs 3.50 or 1,25?", []),
    ],
)
def test_numbers_and_periods_are_looked_for_as_documents_write_them(
    question: str, forms: list[str]
) -> None:
    assert list(written_forms(question)) == forms


@pytest.mark.anyio
async def test_an_abbreviation_finds_what_another_document_writes_out(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "terms.md").write_text("The mean time to repair (MTTR) is a figure.\n")
    (tmp_path / "docs" / "pump.md").write_text("The mean time to repair of pumps is nine hours.\n")
    (tmp_path / "docs" / "fan.md").write_text("The MTTR of fans is two days.\n")
    library = await opened(tmp_path / "docs", tmp_path / "cache")
    related = await library.related(Query("What is the MTTR of pumps?"))
    assert related.meanings == ("mean time to repair",)
    find = Extractive().find
    assert "nine hours" in (await find("What is the MTTR of pumps?", library)).quotes[0].text
    written_out = await find("What is the mean time to repair of fans?", library)
    assert any("two days" in quote.text for quote in written_out.quotes)


@pytest.mark.anyio
async def test_what_a_removed_document_defined_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("one", "two"):
        (tmp_path / "docs" / f"{name}.md").write_text(f"The service desk of {name} (SDO) opens.\n")
    (tmp_path / "docs" / "one.md").write_text("The mean time to repair (MTTR) is a figure.\n")
    await opened(tmp_path / "docs", tmp_path / "cache")
    (tmp_path / "docs" / "one.md").unlink()
    library = await opened(tmp_path / "docs", tmp_path / "cache")
    assert (await library.related(Query("MTTR?"))).meanings == ()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Wie kann man einen Vertrag kündigen?", "Die Kündigung der Verträge ist schriftlich."),
        ("Quelles sont les réparations du bateau ?", "La réparation des bateaux est gratuite."),
        ("Где стоит лодка?", "Лодки стоят на месте."),
    ],
)
async def test_a_word_finds_its_forms_in_the_language_of_the_question(
    tmp_path: Path, question: str, said: str
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "said.txt").write_text(said)
    (tmp_path / "docs" / "other.txt").write_text("Nothing here is about it.")
    library = await opened(tmp_path / "docs", tmp_path / "cache")
    found = await Extractive().find(question, library)
    assert [quote.text for quote in found.quotes] == [said]


def test_inflections_count_as_the_word_of_the_question() -> None:
    related = Related(inflections={"лодка": ("лодки", "лодку")})
    question = analyse("Где лодка?", (), related)
    assert question.found(["лодку", "место"]) == ["лодка", "место"]
    assert set(question.matches) == {"лодка", "лодки", "лодку"}
