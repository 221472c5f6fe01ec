"""The port to how one question is pursued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from research_contract.records import Depth, StepKind
from researcher_job.records.tasks import SubTask
from researcher_job.sources.base import Quote, Source

State = Literal["answered", "partial", "evidence", "not_found"]


@dataclass(frozen=True)
class Finding:
    """What a strategy found for one question: quotes, best first, and how far they answer it.

    ``note`` says in one sentence what is missing; it is empty where the state is ``answered``.
    """

    quotes: tuple[Quote, ...]
    state: State
    note: str = ""
    nearest: tuple[Quote, ...] = ()


class Progress(Protocol):
    """What a strategy tells while it pursues a question, so that nothing is lost if it is ended.

    ``worker`` is the name of the question in the step log.
    """

    @property
    def worker(self) -> str: ...

    async def found(self, task: str, quotes: Sequence[Quote]) -> None:
        """Record quotes as evidence as soon as they are found. ``task`` is the task's number."""
        ...

    async def told(self, call: int) -> Sequence[str]:
        """Return what the user says of the job while it runs, for a call of the lead.

        ``call`` numbers the calls of the question from 0; a resumed question gets the same again.
        """
        ...

    def shown(self, sha256: str, text: str) -> None:
        """Keep the text of a document of which a model is shown something."""
        ...

    def planned(self, tasks: Sequence[SubTask]) -> None:
        """Record the tasks of the question and their states."""
        ...

    def log(self, kind: StepKind, message: str, *, task: str = "") -> None:
        """Write a step of the question, or of one of its tasks."""
        ...


class Strategy(Protocol):
    """Pursues one question at a time; several questions may be pursued at once.

    A strategy only finds. The worker that calls it checks each quote against its snapshot, numbers
    it, and drops what does not stand there; searches are logged and charged by ``source``.
    """

    async def find(
        self, question: str, source: Source, *, terms: Sequence[str] = (), depth: Depth = "standard"
    ) -> Finding:
        """Return what ``source`` says of ``question``.

        Args:
            terms: other words for what is asked: synonyms, names, translations.
            depth: how many passages are examined and quotes returned.

        Raises:
            LimitReached: a limit of the job is used up; raised by ``source`` and passed on.
        """
        ...
