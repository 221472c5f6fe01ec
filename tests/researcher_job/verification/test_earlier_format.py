"""Job folders of format version 1, as the last release wrote them, are read as before.

``format_1`` holds a job with a contradiction, and a refresh of it with a changed quote.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from research_contract.records import FORMAT_VERSION
from researcher_job.records.job_folder import JobFolder
from researcher_job.testing import FakeSource
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import make_folder, outcome_of, report_of, run_job

EARLIER = Path(__file__).parent / "format_1"
FIRST = "20260301-aaaaaaaaaaaaa"


@pytest.fixture
def first(tmp_path: Path) -> JobFolder:
    shutil.copytree(EARLIER / "finished", tmp_path / "first")
    return JobFolder(tmp_path / "first")


@pytest.mark.parametrize(("name", "quotes"), [("finished", 3), ("refreshed", 4)])
def test_it_is_verified(name: str, quotes: int) -> None:
    folder = JobFolder(EARLIER / name)
    assert outcome_of(folder).format_version == 1 < FORMAT_VERSION
    found = verify(folder.path)
    assert (found.quotes, found.faults) == (quotes, ())
    assert not any(item.context or item.kind != "paragraph" for item in folder.evidence())
    assert not any(result.nearest for result in outcome_of(folder).questions)


def test_a_changed_quote_in_it_is_still_found(first: JobFolder) -> None:
    path = first.file("report.md")
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("> Purchases above 500", "> Purchases above 900"), encoding="utf-8"
    )
    faults = {fault.problem for fault in verify(first.path).faults}
    assert "its context or words are not as in its record in report.md" in faults


def test_a_follow_up_takes_over_its_evidence(first: JobFolder, tmp_path: Path) -> None:
    second = make_folder(
        tmp_path / "second",
        job_id="20260303-ccccccccccccc",
        question="Which purchases need approval?",
        follow_up_of=FIRST,
        earlier="../first",
    )
    run_job(second, FakeSource({"canteen": "Lunch costs four euro."}))
    [item] = second.evidence()
    assert (item.carried_from, item.quote) == (
        FIRST,
        "Purchases above 500 euro need approval of the board.",
    )
    assert f"from job {FIRST}) [1]:\n\n> {item.quote}" in report_of(second)
    assert verify(second.path).faults == ()


def test_a_refresh_compares_with_it(first: JobFolder, tmp_path: Path) -> None:
    texts = {
        "logs": "Retention of log files lasts forty days.",
        "policy": "Retention of log files lasts sixty days.",
        "buying": "Purchases above 500 euro need approval of the board.",
    }
    second = make_folder(
        tmp_path / "second",
        job_id="20260303-ccccccccccccc",
        refresh_of=FIRST,
        earlier="../first",
    )
    run_job(second, FakeSource(texts))
    assert "0 new, 1 changed, 0 gone, 2 unchanged." in outcome_of(second).answer
    assert verify(second.path).faults == ()
