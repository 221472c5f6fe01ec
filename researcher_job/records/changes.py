"""``work/changes.json``: the comparison of a refresh with the base job that it repeats."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Literal

from research_contract import records
from research_contract.files import decode, read_whole
from research_contract.records import Record
from researcher_job.core.plural import counted


class Change(Record):
    """One difference, with the numbers of the base job's quote and of the quote found now.

    A ``new`` quote has no ``before`` and one that is ``gone`` no ``after``; ``changed`` has both.
    """

    kind: Literal["new", "changed", "gone"]
    before: int | None = None
    after: int | None = None


class Changes(Record):
    """The differences between a refresh and its base job.

    ``same`` counts quotes that were found again word for word. ``unusable`` counts quotes of the
    base job that do not match their own snapshot and were ignored. ``not_compared`` counts quotes
    whose documents could not be read this time, ``unread`` names the sources of the base job that
    could not. ``earlier`` is the base job.
    """

    earlier: str
    earlier_at: datetime | None = None
    same: int = 0
    unusable: int = 0
    not_compared: int = 0
    unread: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    def sentence(self) -> str:
        """Return the comparison in a sentence, and one more for what could not be compared."""
        date = f" of {self.earlier_at:%Y-%m-%d}" if self.earlier_at else ""
        compared = f"Compared with job {self.earlier}{date}"
        again = f"{counted(self.same, 'quote')} found again word for word"
        if self.changes:
            kinds = Counter(change.kind for change in self.changes)
            counts = ", ".join(f"{kinds[kind]} {kind}" for kind in ("new", "changed", "gone"))
            said = f"{compared}: {counts}, {self.same} unchanged."
        elif not self.not_compared and not self.unread:
            said = f"{compared}, nothing changed: {again}."
        elif self.same:
            said = f"{compared}, no change in what was read: {again}."
        else:
            said = f"{compared}, nothing could be compared."
        if self.unread:
            said += f" Not read this time: {', '.join(self.unread)}."
        if self.not_compared:
            number = counted(self.not_compared, "quote")
            said += f" {number} could not be compared without their documents."
        return said


def read_changes(root: Path) -> Changes | None:
    """Return the comparison in the job folder ``root``, or ``None`` if there is none yet."""
    return decode(Changes, read_whole(root / records.CHANGES))
