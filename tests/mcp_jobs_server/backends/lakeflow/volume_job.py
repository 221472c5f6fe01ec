"""A small job for tests, which the workspace runs instead of the researcher, on a mounted volume.

Its question decides its behaviour. ``answer``: writes its outcome at once. ``wait``: works until
the file ``go`` is in its folder, and obeys control files. ``stubborn``: the same, but ignores them.
``unreadable``: exit code 5. ``die``: an error after its first status. ``silent``: exits with 0
without an outcome.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from research_contract import records
from research_contract.files import decode, encode, read_whole


class Job:
    def __init__(self, folder: Path, run_id: str) -> None:
        self.folder = folder
        self.run_id = run_id
        self.asked: Literal["", "stop", "finish_now"] = ""
        request = decode(records.Request, read_whole(folder / records.REQUEST))
        if request is None or request.question == "unreadable":
            sys.exit(5)
        self.question = request.question
        self.began = time.monotonic()

    def write(self, name: str, record: records.Record) -> None:
        with (self.folder / name).open("wb") as file:
            file.write(encode(record))

    def beat(self) -> None:
        spent = records.Spent(active_seconds=time.monotonic() - self.began)
        status = records.Status(
            run_id=self.run_id,
            asked=self.asked,
            state="researching",
            summary="working",
            spent=spent,
            updated_at=datetime.now(UTC),
        )
        self.write(records.STATUS, status)

    def controls(self) -> list[str]:
        try:
            return [path.name for path in (self.folder / "control").iterdir()]
        except FileNotFoundError:
            return []

    def outcome(self, kind: records.OutcomeKind) -> int:
        outcome = records.Outcome(
            outcome=kind,
            answer="Forty-two." if kind == "answered" else "",
            spent=records.Spent(active_seconds=time.monotonic() - self.began, cost_usd=0.5),
            ended_at=datetime.now(UTC),
        )
        self.write(records.OUTCOME, outcome)
        return 0

    def work(self) -> int:
        while not (self.folder / "go").exists():
            controls = self.controls() if self.question != "stubborn" else []
            if "stop" in controls:
                self.asked = "stop"
                self.beat()
                return 3
            if "finish_now" in controls:
                return self.outcome("partial")
            self.beat()
            time.sleep(0.1)
        return self.outcome("answered")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--run-id", required=True)
    told = parser.parse_args()
    job = Job(told.folder, told.run_id)
    if "stop" in job.controls():
        return 3
    job.beat()
    match job.question:
        case "answer":
            return job.outcome("answered")
        case "die":
            raise ValueError("no evidence left after 3 searches")
        case "silent":
            return 0
    return job.work()


if __name__ == "__main__":
    sys.exit(main())
