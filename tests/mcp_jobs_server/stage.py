"""A server over the published fakes: jobs that a test moves along, a clock that it sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.protocol.server import ResearchServer
from mcp_jobs_server.sources.registry import Sources
from mcp_jobs_server.testing.memory import MemoryFolders, MemoryRunner
from research_contract import records
from research_contract.files import encode, join_lines
from research_contract.records import (
    Coverage,
    Evidence,
    NotRead,
    Outcome,
    QuestionResult,
    SourceRef,
    Spent,
    Status,
    Step,
)

ME = Owner.local()
BEGIN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
QUOTE = "Pump 7 moves 21 litres of water a minute."
PARAGRAPH = f"{QUOTE} It was built in 1987 and has been oiled every second month since."
SNAPSHOT = f"# Pump 7\n\n{PARAGRAPH}\n".encode()


@dataclass
class Clock:
    """A clock that goes only when told to."""

    now: datetime = BEGIN
    steady: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.steady += seconds


@dataclass
class Stage:
    """The jobs of one server, and what a test does in the place of the job process."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    same_computer: bool = True

    def __post_init__(self) -> None:
        self.documents = self.root / "handbook"
        self.documents.mkdir(parents=True, exist_ok=True)
        (self.documents / "pumps.md").write_bytes(SNAPSHOT)
        self.settings = Settings(data_dir=self.root / "data")
        self.folders = MemoryFolders()
        self.runner = MemoryRunner(self.folders, clock=self.clock)
        self.use_sources(SourceRef(name="handbook", uri=self.documents.as_uri()))

    def use_sources(self, *sources: SourceRef) -> None:
        """Open the jobs over these sources."""
        self.jobs = Jobs(
            runner=self.runner,
            folders=self.folders,
            sources=Sources(self.settings, extra=sources),
            settings=self.settings,
            same_computer=self.same_computer,
            clock=self.clock,
            steady=lambda: self.clock.steady,
        )

    @property
    def server(self) -> ResearchServer:
        @asynccontextmanager
        async def opening() -> AsyncIterator[Jobs]:
            yield self.jobs

        return ResearchServer(opening)

    async def begin(self, job_id: str) -> None:
        self.runner.begin(job_id)
        self.runner.write(job_id, records.STATUS, encode(self.status_of("Searching question 1.")))

    async def log(self, job_id: str, count: int, *, first: int = 1) -> None:
        """Write ``count`` steps as one part of the log."""
        steps = [
            Step(step=first + n, at=self.clock(), kind="tool_call", message=f"Searched pump {n}.")
            for n in range(count)
        ]
        self.runner.write(job_id, records.segment_name(records.STEPS, first), join_lines(steps))

    def find(self, job_id: str, *, carried_from: str = "") -> None:
        """Write one quote, as found, or as taken over from another job."""
        evidence = Evidence(
            n=1,
            question=0,
            quote=QUOTE,
            source="handbook",
            uri="file:///handbook/pumps.md",
            title="Pumps",
            locator="Pumps > Pump 7",
            snapshot=sha256(SNAPSHOT).hexdigest(),
            start=10,
            end=10 + len(QUOTE),
            paragraph=PARAGRAPH,
            score=0.9,
            carried_from=carried_from,
        )
        name = records.segment_name(records.EVIDENCE_SEGMENTS, 1)
        self.runner.write(job_id, records.snapshot_name(evidence.snapshot), SNAPSHOT)
        self.runner.write(job_id, name, join_lines([evidence]))

    def complete(self, job_id: str) -> None:
        """Write a report and end the job."""
        report = (
            "# Pumps\n\nPump 7 moves 21 litres a minute [1].\n\n## 1. How much?\n\n"
            f"> {QUOTE} [1]\n\n## Sources\n\n- Pumps, Pump 7\n"
        )
        self.runner.write(job_id, records.REPORT, report.encode())
        self.runner.complete(job_id, self.outcome())

    def status_of(self, summary: str) -> Status:
        return Status(
            state="researching",
            summary=summary,
            total=2,
            spent=Spent(tool_calls=2, active_seconds=1.5),
            coverage=_COVERAGE,
            updated_at=self.clock(),
        )

    def outcome(self) -> Outcome:
        return Outcome(
            outcome="partial",
            reason="One of 2 questions has no evidence.",
            answer=f"{QUOTE} [1]",
            questions=(
                QuestionResult(question="How much water?", state="answered", evidence=(1,)),
                QuestionResult(question="Who sells it?", state="not_found", note="No 'sells'."),
            ),
            spent=Spent(tool_calls=4, active_seconds=3.21),
            coverage=_COVERAGE,
            ended_at=self.clock(),
        )


_COVERAGE = Coverage(
    found=312,
    read=251,
    not_read=(NotRead(reason="scanned PDFs", count=61, examples=("a.pdf", "b.pdf", "c.pdf")),),
)
