"""A refresh repeats a plan and reports first what is new, changed and gone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from research_contract import records
from research_contract.records import Limits
from researcher_job.records.changes import Changes, read_changes
from researcher_job.records.job_folder import JobFolder
from researcher_job.testing import FakeSource
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import TEXTS, command, make_folder, outcome_of, report_of, run_job

FIRST, SECOND = "20260301-aaaaaaaaaaaaa", "20260302-bbbbbbbbbbbbb"
CHANGED = {**TEXTS, "logs": TEXTS["logs"].replace("thirty", "sixty")}
GONE = {**TEXTS, "logs": "Nothing is kept here any more, so there is no log at all."}
NEW = {**TEXTS, "audit": "Retention of audit log files lasts for ever."}


@pytest.fixture
def first(tmp_path: Path) -> JobFolder:
    folder = make_folder(tmp_path / "first")
    run_job(folder)
    return folder


def refresh(tmp_path: Path, texts: Mapping[str, str], **fields: object) -> JobFolder:
    folder = make_folder(
        tmp_path / "second", job_id=SECOND, refresh_of=FIRST, earlier="../first", **fields
    )
    run_job(folder, FakeSource(texts))
    assert verify(folder.path).faults == ()
    return folder


def changes_of(folder: JobFolder) -> Changes:
    changes = read_changes(folder.path)
    assert changes
    return changes


def kinds(folder: JobFolder) -> list[str]:
    return [change.kind for change in changes_of(folder).changes]


def test_unchanged_sources_change_nothing(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, TEXTS)
    assert kinds(second) == []
    assert changes_of(second).same == len(first.evidence())
    assert "nothing changed: 3 quotes found again word for word" in report_of(second)


def test_a_changed_sentence_is_shown_after_the_old_one(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, CHANGED)
    assert kinds(second) == ["changed"]
    [change] = changes_of(second).changes
    by_number = {item.n: item for item in second.evidence()}
    before, after = by_number[change.before or 0], by_number[change.after or 0]
    assert (before.quote, before.question, before.carried_from) == (
        "Retention of log files lasts thirty days.",
        -1,
        FIRST,
    )
    assert after.quote == "Retention of log files lasts sixty days."
    assert (
        f"Changed, before: “logs, line 1” (texts; from job {FIRST}) [{before.n}]:\n\n"
        f"> {before.quote}\n\nChanged, now: “logs, line 1” (texts) [{after.n}]:\n\n> {after.quote}"
    ) in report_of(second)


def test_the_report_begins_with_what_changed(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, CHANGED)
    said = f"Compared with job {FIRST} of 2026-03-01: 0 new, 1 changed, 0 gone, 2 unchanged."
    assert report_of(second).split("\n\n")[1] == f"**{said}**"
    assert report_of(second).split("\n## ")[1].startswith("What changed\n")
    assert outcome_of(second).answer.startswith(said)
    page = second.file(records.REPORT_HTML).read_text()
    assert page.index(said) < page.index("Read 2 of 2 files")


def test_a_quote_that_is_no_longer_found_is_gone(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, GONE)
    assert kinds(second).count("gone") == 2
    assert f"No longer found: “logs, line 1” (texts; from job {FIRST})" in report_of(second)
    answering = {n for result in outcome_of(second).questions for n in result.evidence}
    gone = {change.before for change in changes_of(second).changes if change.kind == "gone"}
    assert not answering & gone


def test_a_quote_in_no_document_of_the_base_job_is_new(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, NEW)
    new = [change.after for change in changes_of(second).changes if change.kind == "new"]
    quotes = [item.quote for item in second.evidence() if item.n in new]
    assert quotes == ["Retention of audit log files lasts for ever."]
    assert "New: “audit, line 1” (texts)" in report_of(second)


def test_a_moved_document_is_unchanged(first: JobFolder, tmp_path: Path) -> None:
    moved = {"archive": f"Moved here.\n\n{TEXTS['logs']}", "buying": TEXTS["buying"]}
    assert kinds(refresh(tmp_path, moved)) == []


def test_a_quote_still_in_the_sources_is_unchanged(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, TEXTS, depth="quick")
    assert len(second.evidence()) < len(first.evidence())
    assert (kinds(second), changes_of(second).same) == ([], len(first.evidence()))


def test_without_the_base_folder_the_report_says_that_nothing_was_compared(tmp_path: Path) -> None:
    second = refresh(tmp_path, TEXTS)
    assert read_changes(second.path) is None
    assert f"What changed since job {FIRST} could not be established." in report_of(second)


def test_an_incomplete_comparison_is_not_shown(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, GONE, limits=Limits(tool_calls=2))
    assert read_changes(second.path) is None
    assert "could not be established" in report_of(second)


def test_evidence_of_a_withheld_source_is_not_compared(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, GONE, withheld=("texts",))
    assert (changes_of(second).same, changes_of(second).unusable) == (0, 0)
    assert "gone" not in kinds(second)
    assert not any(item.carried_from for item in second.evidence())


def test_a_resumed_attempt_makes_the_missing_comparison(first: JobFolder, tmp_path: Path) -> None:
    second = refresh(tmp_path, CHANGED)
    for name in (records.CHANGES, records.OUTCOME, records.REPORT):
        second.file(name).unlink()
    run_job(second, FakeSource(CHANGED), attempt=2)
    assert kinds(second) == ["changed"]
    assert verify(second.path).faults == ()


def test_it_works_with_real_folders_and_documents(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    rules = documents / "rules.md"
    rules.write_text("# Rules\n\nThe harbour master grants 30 berths to ships each day.\n")
    asked = {
        "question": "How many berths does the harbour master grant?",
        "sources": ({"name": "docs", "uri": documents.as_uri()},),
    }
    one = make_folder(tmp_path / "one", **asked)
    assert command("--folder", one.path, "--cache", tmp_path / "cache").returncode == 0
    rules.write_text("# Rules\n\nThe harbour master grants 45 berths to ships each day.\n")
    two = make_folder(tmp_path / "two", job_id=SECOND, refresh_of=FIRST, earlier="../one", **asked)
    assert command("--folder", two.path, "--cache", tmp_path / "cache").returncode == 0
    assert kinds(two) == ["changed"]
    assert command("verify", two.path).returncode == 0


# --- sources and documents that cannot be read this time --------------------------------------

BERTHS = "The harbour master grants 30 berths to ships each day."


@pytest.fixture
def harbour(tmp_path: Path) -> JobFolder:
    """Return a job over two folders, of which only ``docs`` has quotes for its question."""
    for name in ("docs", "notes"):
        (tmp_path / name / "inner").mkdir(parents=True)
    (tmp_path / "docs" / "inner" / "rules.md").write_text(f"# Rules\n\n{BERTHS}\n")
    (tmp_path / "notes" / "notes.md").write_text("# Notes\n\nThe canteen opens at noon.\n")
    return _harbour_job(tmp_path, "one")


def _harbour_job(tmp_path: Path, name: str, *arguments: str, **fields: object) -> JobFolder:
    folder = make_folder(
        tmp_path / name,
        question="How many berths does the harbour master grant?",
        sources=tuple(
            {"name": name, "uri": (tmp_path / name).as_uri()} for name in ("docs", "notes")
        ),
        **fields,
    )
    ran = command("--folder", folder.path, "--cache", tmp_path / "cache", *arguments)
    assert ran.returncode == 0, ran.stderr
    return folder


def _refreshed(tmp_path: Path, *arguments: str) -> JobFolder:
    earlier = {"job_id": SECOND, "refresh_of": FIRST, "earlier": "../one"}
    folder = _harbour_job(tmp_path, "two", *arguments, **earlier)
    assert command("verify", folder.path).returncode == 0
    return folder


def _replace_by_link(folder: Path, target: Path) -> None:
    folder.rename(target)
    folder.symlink_to(target)


def test_read_again_nothing_has_changed(harbour: JobFolder, tmp_path: Path) -> None:
    assert len(harbour.evidence()) == 1
    assert "nothing changed: 1 quote found again word for word" in report_of(_refreshed(tmp_path))


def test_a_source_that_may_not_be_read_any_more_is_not_compared(
    harbour: JobFolder, tmp_path: Path
) -> None:
    second = _refreshed(tmp_path, "--without=docs")
    assert kinds(second) == []
    assert (changes_of(second).same, changes_of(second).not_compared) == (0, 1)
    text = report_of(second)
    assert "nothing changed" not in text
    assert "nothing could be compared. Not read this time: docs." in text
    assert "1 source that may not be read any more (docs)" in text


def test_a_source_without_quotes_that_was_not_read_is_named(
    harbour: JobFolder, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "notes")
    text = report_of(_refreshed(tmp_path))
    assert "nothing changed" not in text
    assert "no change in what was read: 1 quote found again word for word" in text
    assert "Not read this time: notes." in text


@pytest.mark.parametrize("place", ["docs", "docs/inner"])
def test_a_folder_that_cannot_be_read_makes_no_quote_gone(
    harbour: JobFolder, tmp_path: Path, place: str
) -> None:
    _replace_by_link(tmp_path / place, tmp_path / "elsewhere")
    second = _refreshed(tmp_path)
    assert kinds(second) == []
    assert changes_of(second).not_compared == 1
    text = report_of(second)
    assert "nothing changed" not in text
    assert "1 quote could not be compared" in text


def test_a_document_that_cannot_be_read_makes_no_quote_gone(
    harbour: JobFolder, tmp_path: Path
) -> None:
    rules = tmp_path / "docs" / "inner" / "rules.md"
    rules.write_bytes(b"\0" * 100)
    second = _refreshed(tmp_path)
    assert (kinds(second), changes_of(second).not_compared) == ([], 1)


def test_a_document_that_was_deleted_is_gone(harbour: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "docs" / "inner" / "rules.md").unlink()
    second = _refreshed(tmp_path)
    assert (kinds(second), changes_of(second).not_compared) == (["gone"], 0)
