"""The port to how one question is pursued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from research_contract.records import Depth
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
