"""A report that is asked for while files are read: what was read is searched first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio

from research_contract import records
from research_contract.files import create_once
from research_contract.records import Coverage, SourceRef
from researcher_job.core.errors import ExitCode
from researcher_job.sources.base import Reading, Source
from researcher_job.sources.documents.documents import open_documents
from researcher_job.testing import FakeSource
from tests.researcher_job.files import hanging_pdf, source
from tests.researcher_job.jobs import TEXTS, make_folder, make_job, outcome_of, steps_of


def test_what_was_read_is_searched_when_the_report_is_asked_for(tmp_path: Path) -> None:
    documents = tmp_path / "docs"
    documents.mkdir()
    for name, text in TEXTS.items():
        (documents / f"{name}.md").write_text(text)
    (documents / "slow.pdf").write_bytes(hanging_pdf())
    folder = make_folder(tmp_path / "job", sources=(source(documents),))
    (tmp_path / "cache").mkdir()

    async def open_source(
        sources: Sequence[SourceRef],
        *,
        cache_dir: Path,
        reading: Reading | None = None,
        about: Sequence[str] = (),
    ) -> Source:
        async def asked(coverage: Coverage, name: str) -> bool:
            if coverage.read == len(TEXTS):
                create_once(folder.file(records.FINISH_NOW), b"")
            return reading is not None and await reading(coverage, name)

        return await open_documents(
            sources, cache_dir=tmp_path / "cache", reading=asked, about=about
        )

    assert anyio.run(replace(make_job(folder), open_source=open_source).run) is ExitCode.DONE
    outcome = outcome_of(folder)
    assert outcome.outcome == "answered"
    assert "“Retention of log files lasts thirty days." in outcome.answer
    assert outcome.coverage.read == len(TEXTS)
    assert [(kind.count, kind.reason) for kind in outcome.coverage.not_read] == [
        (1, "file not reached yet")
    ]
    assert any("Searching" in step.message for step in steps_of(folder))


def test_the_search_of_what_was_read_has_an_end(tmp_path: Path) -> None:
    """It is over before the server kills the job, with the quotes that it has."""
    folder = make_folder(tmp_path)

    class Asked(FakeSource):
        async def open(
            self,
            sources: Sequence[SourceRef],
            *,
            cache_dir: Path,
            reading: Reading | None = None,
            about: Sequence[str] = (),
        ) -> Source:
            create_once(folder.file(records.FINISH_NOW), b"")
            assert reading
            while not await reading(Coverage(found=2, read=1), "logs"):  # noqa: ASYNC110
                await anyio.sleep(0.01)
            return await super().open(sources, cache_dir=cache_dir)

    async def hold(question: str) -> None:
        if "purchases" in question:
            await anyio.sleep_forever()

    job = make_job(folder, Asked(TEXTS, watcher=hold))
    job = replace(job, settings=replace(job.settings, finish_seconds=0.5))
    assert anyio.run(job.run) is ExitCode.DONE
    assert outcome_of(folder).outcome == "partial"
    assert outcome_of(folder).reason == "The report was requested before the work was done."
