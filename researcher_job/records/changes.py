"""What a refresh found to be new, changed or gone since the job that it repeats."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from research_contract import records
from research_contract.files import decode, encode, read_whole
from research_contract.records import Record
from researcher_job.records.storage import LOCAL, Storage


class Change(Record):
    """One difference: the numbers of the earlier quote and of the one that stands there now.

    ``new`` has no ``before``, ``gone`` no ``after``; ``changed`` has both.
    """

    kind: Literal["new", "changed", "gone"]
    before: int | None = None
    after: int | None = None


class Changes(Record):
    """``work/changes.json``: the refresh compared with the earlier job.

    ``same`` counts quotes that stand word for word in what was read now. ``unusable`` counts
    earlier quotes that do not stand in their own snapshot and were left out.
    """

    earlier: str
    earlier_at: datetime | None = None
    same: int = 0
    unusable: int = 0
    changes: tuple[Change, ...] = ()

    def count(self, kind: str) -> int:
        """Return how many changes are of this kind."""
        return sum(change.kind == kind for change in self.changes)

    def sentence(self) -> str:
        """Say in one sentence what changed."""
        when = f" of {self.earlier_at:%Y-%m-%d}" if self.earlier_at else ""
        since = f"Compared with job {self.earlier}{when}"
        if not self.changes:
            return f"{since}, nothing changed: {_quotes(self.same)} found again word for word."
        said = (
            f"{self.count('new')} new, {self.count('changed')} changed, {self.count('gone')} gone"
        )
        return f"{since}: {said}, {self.same} the same."


def _quotes(count: int) -> str:
    return f"{count} quote{'' if count == 1 else 's'}"


def write_changes(root: Path, changes: Changes, storage: Storage = LOCAL) -> None:
    """Write the comparison into the job folder ``root``."""
    storage.write(root / records.CHANGES, encode(changes))


def read_changes(root: Path) -> Changes | None:
    """Return the comparison, or ``None`` where there is none (yet)."""
    return decode(Changes, read_whole(root / records.CHANGES))
