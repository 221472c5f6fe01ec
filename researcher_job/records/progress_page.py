"""``progress.md``: the progress of a job on one page, for people who open its folder."""

from __future__ import annotations

import time
from collections.abc import Sequence

from research_contract import records
from research_contract.text.safe import markdown
from researcher_job.core.plural import counted
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal

_STATES = {
    "starting": "Reading the sources",
    "researching": "Searching",
    "writing": "Writing the report",
    "ended": "Ended",
}
_RESULTS = {
    "answered": "answered",
    "partial": "partly answered",
    "evidence": "evidence found, not judged",
    "not_found": "nothing found",
}


class ProgressPage:
    """The only writer of ``progress.md``; ``write`` is called when a phase or question changes.

    ``least`` is the shortest time between two writes in seconds.
    """

    def __init__(
        self, folder: JobFolder, title: str, questions: Sequence[str], *, least: float = 0.0
    ) -> None:
        self._least = least
        self._written = float("-inf")
        self._folder = folder
        self._title = title
        self._questions = questions

    def write(self, journal: Journal, *, now: bool = False) -> None:
        """Replace the page by the current state; skip it after a recent write unless ``now``."""
        if not now and time.monotonic() - self._written < self._least:
            return
        self._written = time.monotonic()
        status = journal.status.current
        ended = status.state == "ended"  # then the summary is the answer, which is Markdown
        summary = status.summary if ended else markdown(status.summary)
        lines = [
            f"# {markdown(self._title)}",
            "",
            f"**{_STATES[status.state]}.** {summary}",
            "",
            *(self._question_line(index, text) for index, text in enumerate(self._questions)),
            "",
        ]
        if status.coverage:
            lines += [markdown(status.coverage.sentence()), ""]
        if journal.recent:
            lines += ["Latest:", "", *(f"- {markdown(message)}" for message in journal.recent), ""]
        lines.append(f"Attempt {status.attempt}, {status.updated_at:%Y-%m-%d %H:%M:%S} UTC.")
        self._folder.write(records.PROGRESS, "\n".join(lines).encode() + b"\n")

    def _question_line(self, index: int, question: str) -> str:
        task = self._folder.task(index)
        text = markdown(question)
        if task is None:
            return f"- [ ] {text}"
        if task.result is None:
            return f"- [ ] {text} ({task.state})"
        count = len(task.result.evidence)
        quotes = f", {counted(count, 'quote')}" if count else ""
        if near := len(task.result.nearest):
            quotes += f", {counted(near, 'nearest passage')}"
        if task.result.dropped:
            return f"- [x] {text} (dropped on request)"
        return f"- [x] {text} ({_RESULTS[task.result.state]}{quotes})"
