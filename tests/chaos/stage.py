"""What the processes of a chaos run share: where things lie, and how patient they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mcp_jobs_server.core.settings import Settings
from research_contract.records import SourceRef

QUESTIONS = (
    "How many eggs does the great crested newt lay in a season?",
    "When do herons breed and how large is a heronry?",
    "What do otters eat in winter?",
    "How deep do carp lie when the pond freezes?",
    "Which beetles hunt tadpoles?",
)

TEXTS = {
    "newts.md": "The great crested newt lays between 200 and 300 eggs a season, leaf by leaf.",
    "herons.md": "Herons breed from February. A heronry may hold more than one hundred nests.",
    "otters.md": "In winter otters eat mostly fish; eels make up a third of what they catch.",
    "carp.md": "When the pond freezes, carp lie below one metre of water and hardly move.",
    "beetles.md": "Great diving beetles hunt tadpoles, and so do their larvae, by night.",
}


@dataclass(frozen=True)
class Stage:
    """The files of one run below ``root``."""

    root: Path

    @property
    def settings(self) -> Settings:
        return Settings(
            data_dir=self.root / "data",
            max_running=3,
            stop_grace_seconds=0.5,
            finish_grace_seconds=2.0,
            report_seconds=20.0,
        )

    @property
    def sources(self) -> tuple[SourceRef, ...]:
        return (SourceRef(name="pond", uri=(self.root / "pond").as_uri()),)

    @property
    def enough(self) -> Path:
        """Once it is there, servers start no more jobs."""
        return self.root / "enough"

    @property
    def started(self) -> Path:
        """Directory in which servers note what they were told of their starts."""
        return self.root / "started"

    def opened(self, pid: int) -> Path:
        """Return the file that the server with this process id makes once it uses the data."""
        return self.root / f"opened-{pid}"

    def make(self) -> None:
        self.started.mkdir(parents=True)
        self.settings.data_dir.mkdir(mode=0o700)
        (self.root / "pond").mkdir()
        for name, text in TEXTS.items():
            (self.root / "pond" / name).write_text(f"# {name}\n\n{text}\n" * 20)

    def answers(self) -> list[tuple[str, str]]:
        """Return key ("" for none) and job id of every start that was answered."""
        lines = [
            line
            for path in self.started.iterdir()
            for line in path.read_text().splitlines(keepends=True)
        ]
        return [tuple(json.loads(line)) for line in lines if line.endswith("\n")]
