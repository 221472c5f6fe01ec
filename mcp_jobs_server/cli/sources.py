"""``sources add | list | remove``: what jobs may read."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcp_jobs_server.cli.output import data, line, note, table
from mcp_jobs_server.core.errors import InvalidArgument, JobsError, NotFound
from mcp_jobs_server.core.settings import Settings, load
from mcp_jobs_server.sources.grants import path_of
from mcp_jobs_server.sources.names import ADD_A_FOLDER, unknown
from mcp_jobs_server.sources.registry import Sources, grant
from research_contract.records import SourceRef


def add(args: argparse.Namespace) -> int:
    """Grant a folder."""
    source = Sources(load()).add(args.name, Path(args.directory))
    if args.json:
        data(source)
        return 0
    line(f"Jobs may now read '{source.name}': {_place(source)}")
    return 0


def show_list(args: argparse.Namespace) -> int:
    """List the sources and whether each can be read now."""
    settings = load()
    sources = Sources(settings).all()
    rows = [(source, _trouble(source, settings)) for source in sources]
    if args.json:
        data([{**source.model_dump(), "readable": not wrong} for source, wrong in rows])
    elif rows:
        table(
            ("name", "place", "readable"),
            [(source.name, _place(source), wrong or "yes") for source, wrong in rows],
        )
    else:
        note(f"No source yet. {ADD_A_FOLDER}")
    return 0


def remove(args: argparse.Namespace) -> int:
    """Take a grant back."""
    sources = Sources(load())
    if not sources.remove(args.name):
        raise unknown(args.name, sources.granted())
    if args.json:
        data({"removed": args.name})
    else:
        line(f"Jobs may no longer read '{args.name}'. Its files were not touched.")
    return 0


def _place(source: SourceRef) -> str:
    try:
        return str(path_of(source.uri))
    except InvalidArgument:
        return source.uri


def _trouble(source: SourceRef, settings: Settings) -> str:
    """Say why a source cannot be read now; "" where it can."""
    try:
        grant(path_of(source.uri), settings)
    except NotFound:
        return "no: it is gone"
    except JobsError as error:
        return f"no: {error.message}"
    return ""
