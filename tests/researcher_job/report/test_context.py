"""A report shows each quote with its context, rows by their heads, and the nearest passages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from research_contract import records
from research_contract.context import context_lines, labelled_row
from research_contract.records import SourceRef
from researcher_job.records.job_folder import JobFolder
from researcher_job.verification.verify import verify
from tests.researcher_job.files import pdf
from tests.researcher_job.found import found_folder
from tests.researcher_job.jobs import command, make_folder, nearest_of, outcome_of, report_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    return found_folder(tmp_path_factory.mktemp("context"))


def test_without_a_model_a_job_finds_and_does_not_judge(folder: JobFolder) -> None:
    outcome = outcome_of(folder)
    assert outcome.outcome == "evidence"
    assert {result.state for result in outcome.questions} <= {"evidence", "not_found"}
    assert "**Evidence was found; whether it answers was not judged." in report_of(folder)
    assert "(evidence found, not judged, " in folder.file(records.PROGRESS).read_text()
    for number, result in enumerate(outcome.questions, start=1):
        if result.state == "evidence":
            assert f"Question {number}, {result.question}: only" not in report_of(folder)


def test_each_part_of_the_context_is_in_the_snapshot_where_it_is_said_to_be(
    folder: JobFolder,
) -> None:
    shown = folder.quotes()
    assert {span.kind for item in shown for span in item.context} >= {
        "heading",
        "lead_in",
        "column_head",
    }
    for item in shown:
        name = records.snapshot_name(item.snapshot)
        text = folder.file(name).read_text(encoding="utf-8")
        assert text[item.start : item.end] == item.quote
        for span in item.context:
            assert text[span.start : span.end] == span.text
    assert verify(folder.path).faults == ()


def test_a_list_item_is_shown_with_its_lead_in(folder: JobFolder) -> None:
    [item] = [one for one in folder.evidence() if "two months of rent" in one.quote]
    assert context_lines(item)[-1] == "The tenant pays:"
    text, page = report_of(folder), folder.file(records.REPORT_HTML).read_text(encoding="utf-8")
    assert f" [{item.n}]:\n\nContext: “The tenant pays:”\n\n> " in text
    assert '<p class="context" dir="auto">The tenant pays:</p><blockquote' in page


def test_a_row_of_a_table_is_shown_by_its_heads(folder: JobFolder) -> None:
    item = next(one for one in folder.evidence() if "1200" in one.quote)
    assert [cell.text for cell in labelled_row(item)] == [
        "Item: Kestrel 40",
        "Price in EUR: 1200",
        "Valid from: 2023-01-01",
    ]
    text, page = report_of(folder), folder.file(records.REPORT_HTML).read_text(encoding="utf-8")
    assert (
        f" [{item.n}]:\n\n- “Item: Kestrel 40”\n- “Price in EUR: 1200”\n- “Valid from: 2023" in text
    )
    assert "<dt>Item</dt><dd>Kestrel 40</dd><dt>Price in EUR</dt><dd>1200</dd>" in page
    assert f"“Item: Kestrel 40; Price in EUR: 1200; Valid from: 2023-01-01” [{item.n}]" in (
        outcome_of(folder).answer
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "The sources nowhere mention “insures” or “submarine”."),
        ({"scan.pdf": pdf("")}, "Nothing that was read mentions “insures” or “submarine”."),
    ],
    ids=["all read", "one not read"],
)
def test_a_word_is_said_to_be_nowhere_only_if_everything_was_read(
    tmp_path: Path, more: Mapping[str, bytes], said: str
) -> None:
    documents = tmp_path / "desk"
    documents.mkdir()
    for name, data in {"garden.md": b"The garden is closed in winter.\n", **more}.items():
        (documents / name).write_bytes(data)
    folder = make_folder(
        tmp_path / "job",
        question="Who insures the submarine?",
        sources=(SourceRef(name="desk", uri=documents.as_uri()),),
    )
    assert command("--folder", folder.path, "--cache", tmp_path / "cache").returncode == 0
    outcome = outcome_of(folder)
    assert (len(more) > 0) == bool(outcome.coverage.not_read)
    assert said in outcome.questions[0].note
    assert said in report_of(folder)


def test_nearest_passages_are_shown_and_are_no_evidence(folder: JobFolder) -> None:
    outcome = outcome_of(folder)
    missing = outcome.questions[2]
    assert (missing.state, missing.evidence) == ("not_found", ())
    assert "The garden is closed from November to March." in [
        one.quote for one in nearest_of(folder, 2)
    ]
    assert not [one for one in folder.evidence() if "garden" in one.quote]
    text, page = report_of(folder), folder.file(records.REPORT_HTML).read_text(encoding="utf-8")
    nearest = text.index("### Nearest passages, not judged to answer", text.index("## 3. "))
    assert "> The garden is closed from November to March." in text[nearest:]
    assert "The garden is closed" not in text[text.index("## Citations") :]
    assert '<details class="nearest" open><summary>Nearest passages, not judged' in page
