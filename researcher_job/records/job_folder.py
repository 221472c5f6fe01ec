"""A job folder as it stands: everything the job reads back from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from research_contract import records as contract
from research_contract.files import NewerFormat, decode, read_whole
from research_contract.records import Evidence, Outcome, Request, Spent, Status, Step
from researcher_job.core.errors import RequestUnreadable
from researcher_job.records.ledger import total_paid
from researcher_job.records.segments import read_segments
from researcher_job.records.storage import LOCAL, Storage
from researcher_job.records.tasks import Task, task_name

LOCK = ".lock"
"""Lock file of a folder that is run by itself; no content, not part of the result."""


@dataclass(frozen=True)
class JobFolder:
    """Typed reading of the files of the job folder at ``path``, and how they are written."""

    path: Path
    storage: Storage = LOCAL

    def file(self, name: str) -> Path:
        """Return where the file ``name`` (a name of the contract) of this folder is."""
        return self.path.joinpath(*name.split("/"))

    def write(self, name: str, data: bytes) -> None:
        """Replace the file ``name`` (a name of the contract)."""
        self.storage.write(self.file(name), data)

    def request(self) -> Request:
        """Return the request.

        Raises:
            RequestUnreadable: it is missing, cannot be read, or has a newer format version.
        """
        try:
            data = read_whole(self.file(contract.REQUEST))
            request = decode(Request, data)
        except NewerFormat as error:
            raise RequestUnreadable(str(error)) from error
        except OSError as error:
            raise RequestUnreadable(f"request.json cannot be read ({error.strerror}).") from error
        if data is None:
            raise RequestUnreadable("There is no request.json in this folder.")
        if request is None:
            raise RequestUnreadable("request.json does not hold a valid request.")
        return request

    def status(self) -> Status | None:
        """Return the last status written, if any."""
        return decode(Status, read_whole(self.file(contract.STATUS)))

    def spent(self) -> Spent:
        """Return what all attempts used so far.

        The status may be older than a killed attempt's last calls; the ledger has them all, and
        the step log those of a job that an earlier version began.
        """
        status = self.status()
        spent, paid = status.spent if status else Spent(), total_paid(self.path)
        steps = read_segments(self.path, contract.STEPS, Step).records
        calls = sum(step is not None and step.kind == "tool_call" for step in steps)
        return Spent(
            tool_calls=max(spent.tool_calls, paid.tool_calls, calls),
            tokens=max(spent.tokens, paid.tokens),
            cost_usd=max(spent.cost_usd, paid.cost_usd),
            active_seconds=spent.active_seconds,
        )

    def outcome(self) -> Outcome | None:
        """Return the outcome; ``None`` while the job has not completed."""
        return decode(Outcome, read_whole(self.file(contract.OUTCOME)))

    def task(self, index: int) -> Task | None:
        """Return the task of the question ``index``, if it was begun."""
        return decode(Task, read_whole(self.file(task_name(index))))

    def evidence(self) -> tuple[Evidence, ...]:
        """Return the evidence found so far, by its parts, in the order of its numbers."""
        found = read_segments(self.path, contract.EVIDENCE_SEGMENTS, Evidence).records
        return tuple(item for item in found if item is not None)
