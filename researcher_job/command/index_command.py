"""``researcher-job index``: reads sources ahead, so that jobs over them begin to search at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from pydantic import JsonValue

from research_contract.configuration import Configuration
from research_contract.records import Cost, Coverage, SourceRef
from research_contract.text.safe import one_line
from researcher_job.command.policy import load_configuration
from researcher_job.core.errors import ExitCode
from researcher_job.core.settings import JobSettings
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.embeddings.configured import (
    model_of_blocks,
    model_of_quotes,
    refuse_egress,
)


def run_index(arguments: Sequence[str]) -> int:
    """Read the sources of the command line into the cache and print what was read.

    Raises:
        RequestRefused: the configuration is invalid.
        OSError, sqlite3.Error: the cache cannot be written.
    """
    parser = argparse.ArgumentParser(
        prog="researcher-job index",
        description="Reads sources ahead, so that jobs over them begin to search at once.",
    )
    parser.add_argument("sources", nargs="+", metavar="NAME=URI", help="a source and its address")
    for option in ("--include", "--exclude"):
        text = "pattern of all these sources, as in a .gitignore; may be repeated"
        parser.add_argument(option, action="append", default=[], metavar="PATTERN", help=text)
    parser.add_argument("--cache", type=Path, metavar="DIR", required=True, help="as for jobs")
    parser.add_argument("--config", type=Path, metavar="FILE", help="research.toml of the jobs")
    options = parser.parse_args(arguments)
    configuration = load_configuration(options.config) if options.config else Configuration()
    settings = JobSettings(cache_dir=options.cache).with_configuration(configuration.researcher)
    named = [text.partition("=") for text in options.sources]
    patterns = {"include": tuple(options.include), "exclude": tuple(options.exclude)}
    sources = [SourceRef(name=name, uri=uri, **patterns) for name, _, uri in named]
    refuse_egress(settings, sources)
    spent = _Counted()
    said = anyio.run(_read, sources, settings, spent).sentence()
    if spent.cost.tokens:
        said += f" {spent.cost.tokens:,} tokens were paid for vectors (${spent.cost.cost_usd:.4f})."
    print(said)  # noqa: T201 - the command's own output
    return ExitCode.DONE


@dataclass
class _Counted:
    """The ``Pay`` of a command that a person runs: calls are made, and counted."""

    cost: Cost = field(default_factory=Cost)

    def __call__(
        self,
        _arguments: Mapping[str, JsonValue],
        _most: Cost,
        make: Callable[[], tuple[JsonValue, Cost]],
    ) -> JsonValue:
        answer, cost = make()
        self.cost = self.cost.plus(cost)
        return answer


async def _read(sources: Sequence[SourceRef], settings: JobSettings, spent: _Counted) -> Coverage:
    opened = await open_documents(
        sources,
        cache_dir=settings.cache_dir,
        reading=_tell if sys.stderr.isatty() else None,
        model=model_of_blocks(settings),
        ahead=model_of_quotes(settings, spent),
        make_ahead=True,
    )
    await opened.ready()
    return opened.coverage


async def _tell(coverage: Coverage, name: str) -> bool:
    said = f"Read {coverage.read} of {coverage.found} files: {one_line(name, most=40)}"
    print(f"\r\033[K{said}", end="", file=sys.stderr, flush=True)  # noqa: T201 - as above
    return False  # nothing asks to end
