"""Typed access to the files of a job folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from research_contract import records as contract
from research_contract.files import NewerFormat, decode, read_whole
from research_contract.questions import questions_of
from research_contract.records import (
    Evidence,
    Outcome,
    Request,
    Spent,
    Status,
    Step,
)
from research_contract.steering import NOT_STEERED, Receipts
from research_contract.written_report import WrittenReport
from researcher_job.core.errors import FolderGone, RequestUnreadable
from researcher_job.records.ledger import MODEL, total_paid
from researcher_job.records.segments import read_segments
from researcher_job.records.storage import LOCAL, Storage
from researcher_job.records.tasks import Task, task_name

LOCK = ".lock"
"""Lock file of a folder that is run by itself; empty, and not part of the result."""


@dataclass(frozen=True)
class JobFolder:
    """The job folder at ``path``, and the storage that writes its files."""

    path: Path
    storage: Storage = LOCAL

    def file(self, name: str) -> Path:
        """Return the path of the file ``name``, a name defined in the contract."""
        return self.path.joinpath(*name.split("/"))

    def write(self, name: str, data: bytes) -> None:
        """Replace the file ``name``, a name defined in the contract."""
        self.storage.write(self.file(name), data)

    def request(self) -> Request:
        """Return the request.

        Raises:
            RequestUnreadable: it is missing, invalid, unreadable or of a newer format version.
            FolderGone: the folder is missing; it may have been moved for a moment.
        """
        try:
            data = read_whole(self.file(contract.REQUEST))
            request = decode(Request, data)
        except NewerFormat as error:
            raise RequestUnreadable(str(error)) from error
        except OSError as error:
            raise RequestUnreadable(f"request.json cannot be read ({error.strerror}).") from error
        if data is None and not self.path.is_dir():
            raise FolderGone("There is no such folder.")
        if data is None:
            raise RequestUnreadable("There is no request.json in this folder.")
        if request is None:
            raise RequestUnreadable("request.json does not hold a valid request.")
        return request

    def status(self) -> Status | None:
        """Return the status written last, if there is one."""
        return decode(Status, read_whole(self.file(contract.STATUS)))

    def spent(self) -> Spent:
        """Return the usage of all attempts so far.

        If an attempt was killed, the status may lack its last calls; the ledger has them all. For a
        job that an earlier version started, the step log has them.
        """
        status = self.status()
        spent, paid = status.spent if status else Spent(), total_paid(self.path)
        steps = read_segments(self.path, contract.STEPS, Step).records
        calls = sum(
            step is not None and step.kind == "tool_call" and step.tool != MODEL for step in steps
        )
        return Spent(
            tool_calls=max(spent.tool_calls, paid.tool_calls, calls),
            tokens=max(spent.tokens, paid.tokens),
            cost_usd=max(spent.cost_usd, paid.cost_usd),
            active_seconds=spent.active_seconds,
        )

    def outcome(self) -> Outcome | None:
        """Return the outcome, or ``None`` if the job is not completed."""
        return decode(Outcome, read_whole(self.file(contract.OUTCOME)))

    def written(self) -> WrittenReport | None:
        """Return what a model wrote and its quotes say, if it wrote."""
        return decode(WrittenReport, read_whole(self.file(contract.CLAIMS)))

    def steered(self) -> Receipts:
        """Return the receipts of what the caller asked of the job while it ran."""
        return decode(Receipts, read_whole(self.file(contract.STEERING))) or NOT_STEERED

    def questions(self, request: Request) -> tuple[str, ...]:
        """Return all questions of the job: those of ``request``, and those that were added."""
        return (*questions_of(request.question, request.plan), *self.steered().added)

    def task(self, index: int) -> Task | None:
        """Return the task of the question with this index, if it was started."""
        return decode(Task, read_whole(self.file(task_name(index))))

    def evidence(self) -> tuple[Evidence, ...]:
        """Return the evidence found so far, in the order of its numbers."""
        return tuple(item for item in self.quotes() if not item.nearest)

    def quotes(self) -> tuple[Evidence, ...]:
        """Return evidence and nearest passages found so far, from their segments, by number."""
        found = read_segments(self.path, contract.EVIDENCE_SEGMENTS, Evidence).records
        return tuple(item for item in found if item is not None)
