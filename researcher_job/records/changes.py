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
    base job that do not match their own snapshot and were ignored. ``earlier`` is the base job.
    """

    earlier: str
    earlier_at: datetime | None = None
    same: int = 0
    unusable: int = 0
    changes: tuple[Change, ...] = ()

    def sentence(self) -> str:
        """Return the comparison in one sentence."""
        date = f" of {self.earlier_at:%Y-%m-%d}" if self.earlier_at else ""
        compared = f"Compared with job {self.earlier}{date}"
        if not self.changes:
            again = f"{counted(self.same, 'quote')} found again word for word"
            return f"{compared}, nothing changed: {again}."
        kinds = Counter(change.kind for change in self.changes)
        counts = ", ".join(f"{kinds[kind]} {kind}" for kind in ("new", "changed", "gone"))
        return f"{compared}: {counts}, {self.same} unchanged."


def read_changes(root: Path) -> Changes | None:
    """Return the comparison in the job folder ``root``, or ``None`` if there is none yet."""
    return decode(Changes, read_whole(root / records.CHANGES))
