"""What a job keeps of the context of its quotes: across attempts, follow-ups and refreshes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from research_contract import records
from research_contract.context import labelled_row
from research_contract.records import Depth, Plan, SourceRef
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.tasks import task_name
from researcher_job.sources.base import ContextText, Passage, Query, Source
from researcher_job.strategies.base import Finding
from researcher_job.testing import FakeSource, FakeStrategy
from researcher_job.verification.verify import verify
from tests.researcher_job.found import QUESTIONS, found_folder
from tests.researcher_job.jobs import (
    command,
    make_folder,
    make_job,
    nearest_of,
    outcome_of,
    steps_of,
)

SECOND = "20260302-bbbbbbbbbbbbb"
TABLE = "Log files\n\nLog | Retention\n\nAudit files | 30 days\n\nRetention of web files is short."


class TableSource(FakeSource):
    """Gives the row of its table its heads, as an index of documents does."""

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        found = await super().search(query, limit=limit)
        return [_with_heads(one) if one.text.startswith("Audit") else one for one in found]


def _with_heads(passage: Passage) -> Passage:
    cell = passage.start + len("Audit files | ")
    context = (
        ContextText("Log files", "heading", 0, 9),
        ContextText("Log", "column_head", 11, 14, passage.start),
        ContextText("Retention", "column_head", 17, 26, cell),
    )
    return replace(passage, kind="row", context=context)


@dataclass
class Judgeless(FakeStrategy):
    """Finds and does not judge: the best passage is evidence, the others are nearest."""

    seen: list[Sequence[Passage]] = field(default_factory=list)

    async def find(
        self, question: str, source: Source, *, terms: Sequence[str] = (), depth: Depth = "standard"
    ) -> Finding:
        passages = await source.search(Query(question, terms), limit=10)
        self.seen.append(passages)
        found = await super().find(question, source, terms=terms, depth=depth)
        first, *others = found.quotes or (None,)
        return Finding((first,) if first else (), "evidence", nearest=tuple(others))


def run(folder: JobFolder, strategy: Judgeless, *, attempt: int = 1) -> None:
    job = make_job(folder, TableSource({"logs": TABLE}), attempt=attempt)
    anyio.run(replace(job, strategy=strategy).run)


def test_a_restored_search_equals_the_first(tmp_path: Path) -> None:
    folder, strategy = make_folder(tmp_path, question="Which audit files?"), Judgeless()
    run(folder, strategy)
    for name in (task_name(0), records.OUTCOME):
        folder.file(name).unlink()
    run(folder, strategy, attempt=2)
    first, second = strategy.seen
    assert first == second
    assert any(one.kind == "row" and len(one.context) == 3 for one in second)
    assert (
        sum(step.kind == "tool_call" for step in steps_of(folder)) == 2
    )  # one search of each kind


def test_evidence_and_nearest_passages_keep_kind_and_context(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, question="Which audit files?")
    run(folder, Judgeless())
    [item] = folder.evidence()
    assert [cell.text for cell in labelled_row(item)] == ["Log: Audit files", "Retention: 30 days"]
    [result] = outcome_of(folder).questions
    assert (result.state, result.evidence) == ("evidence", (1,))
    assert [one.quote for one in nearest_of(folder, 0)] == ["Log files"]
    assert outcome_of(folder).outcome == "evidence"
    messages = [step.message for step in steps_of(folder)]
    assert "Found 1 quote; whether they answer was not judged. Kept 1 nearest passage." in messages
    assert verify(tmp_path).faults == ()


def test_a_nearest_passage_that_is_not_in_its_snapshot_is_dropped(tmp_path: Path) -> None:
    class Misquoting(Judgeless):
        async def find(
            self,
            question: str,
            source: Source,
            *,
            terms: Sequence[str] = (),
            depth: Depth = "standard",
        ) -> Finding:
            found = await super().find(question, source, terms=terms, depth=depth)
            wrong = replace(found.nearest[0], text="Invented.")
            return replace(found, nearest=(wrong, *found.nearest))

    folder = make_folder(tmp_path, question="Which audit files?")
    run(folder, Misquoting())
    assert [one.quote for one in nearest_of(folder, 0)] == ["Log files"]
    errors = [step.message for step in steps_of(folder) if step.kind == "error"]
    assert errors == [
        "A quote from “logs” was dropped: the snapshot has different words at this position."
    ]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    return found_folder(tmp_path_factory.mktemp("base"), job_id="20260301-aaaaaaaaaaaaa")


def follow(first: JobFolder, tmp_path: Path, *questions: str) -> JobFolder:
    """Follow up on the first job where its documents are gone."""
    documents = tmp_path / "other"
    documents.mkdir()
    (documents / "canteen.md").write_text("Lunch costs four euro.\n", encoding="utf-8")
    folder = make_folder(
        tmp_path / "second",
        job_id=SECOND,
        plan=Plan(questions=questions),
        sources=(SourceRef(name="other", uri=documents.as_uri()),),
        follow_up_of=first.request().job_id,
        earlier=str(first.path),
    )
    assert command("--folder", folder.path, "--cache", tmp_path / "cache").returncode == 0
    assert verify(folder.path).faults == ()
    return folder


def test_a_follow_up_takes_over_evidence_with_its_context(first: JobFolder, tmp_path: Path) -> None:
    [found] = [item for item in first.evidence() if "1200" in item.quote]
    [item] = [
        item for item in follow(first, tmp_path, QUESTIONS[1]).evidence() if "1200" in item.quote
    ]
    assert item.carried_from == first.request().job_id
    assert (item.kind, item.context) == ("row", found.context)


def test_a_follow_up_leaves_nearest_passages_out(first: JobFolder, tmp_path: Path) -> None:
    nearest = nearest_of(first, 2)
    assert any(item.quote.startswith("The garden is closed") for item in nearest)
    folder = follow(first, tmp_path, "When is the garden closed?")
    assert not [item for item in folder.evidence() if "garden" in item.quote]


def test_a_refresh_leaves_nearest_passages_out(first: JobFolder) -> None:
    folder = found_folder(
        first.path.parent,
        job_id=SECOND,
        refresh_of=first.request().job_id,
        earlier=f"../{first.path.name}",
    )
    distinct = {(item.snapshot, item.start, item.end) for item in first.evidence()}
    said = f"nothing changed: {len(distinct)} quotes found again word for word."
    assert said in outcome_of(folder).answer
