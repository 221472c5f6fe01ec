"""A volume with jobs of two owners, as the server and its jobs write it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from research_contract.files import encode
from research_contract.records import (
    ENDED,
    OUTCOME,
    REQUEST,
    RUN,
    STATUS,
    Ended,
    Outcome,
    Request,
    month_of,
    new_job_id,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ANA, BEN = "ana-example-com-0123456789abcdef", "ben-example-com-fedcba9876543210"


@dataclass(frozen=True)
class Volume:
    root: Path

    def job(
        self,
        owner: str,
        *,
        days: float,
        ended: bool = True,
        seen: bool = True,
        builds_on: str = "",
        key: str = "",
    ) -> str:
        """Create a job that is ``days`` old; ``seen``: its end is in the index."""
        at = NOW - timedelta(days=days)
        job_id = self.start(owner, at, key)
        folder = self.folder(owner, job_id)
        request = Request(
            job_id=job_id, question="?", created_at=at, follow_up_of=builds_on or None
        )
        self.put(folder / REQUEST, encode(request))
        self.put(folder / RUN, b"{}\n")
        self.put(folder / STATUS, b"{}\n")
        for name in ("report.md", "steps/00000001.jsonl", "snapshots/a.txt", "work/tasks/0.json"):
            self.put(folder / name, b"text\n")
        if ended:
            outcome = Outcome(outcome="answered", ended_at=at)
            self.put(folder / OUTCOME, encode(outcome))
        if ended and seen:
            self.entry(owner, job_id, f"ended.{_ms(at)}.completed.answered.{'0' * 8}.12.0")
            self.entry(owner, job_id, f"fetched.{_ms(at)}")
        return job_id

    def start(self, owner: str, at: datetime, key: str = "") -> str:
        """Create the files that exist before the request is written."""
        job_id = new_job_id(at)
        if key:
            name = hashlib.sha256(key.encode()).hexdigest()
            said = json.dumps({"job_id": job_id, "fingerprint": "f"})
            self.put(self.root / owner / "keys" / f"{name}.json", said.encode())
        self.entry(owner, job_id, f"made.{_ms(at)}")
        return job_id

    def request(self, owner: str, at: datetime) -> str:
        """Create a request without a run."""
        job_id = self.start(owner, at)
        made = Request(job_id=job_id, question="?", created_at=at)
        self.put(self.folder(owner, job_id) / REQUEST, encode(made))
        return job_id

    def fail(self, owner: str, job_id: str, at: datetime) -> None:
        ended = Ended(state="failed", ended_at=at)
        self.put(self.folder(owner, job_id) / ENDED, encode(ended))

    def entry(self, owner: str, job_id: str, name: str) -> None:
        self.put(self.root / owner / "index" / month_of(job_id) / f"{job_id}.{name}", b"")

    def folder(self, owner: str, job_id: str) -> Path:
        return self.root / owner / month_of(job_id) / job_id

    def put(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def traces(self, job_id: str) -> list[str]:
        """Return all files that belong to a job or name it."""
        return [
            str(path.relative_to(self.root))
            for path in sorted(self.root.rglob("*"))
            if job_id in str(path)
            or (path.parent.name == "keys" and job_id.encode() in path.read_bytes())
        ]

    def everything(self) -> dict[str, bytes | None]:
        """Return all files with their content."""
        return {
            str(path): None if path.is_dir() else path.read_bytes()
            for path in self.root.rglob("*")
            if not path.is_symlink()
        }


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
