"""``sources add | list | index | remove``: manages the sources that jobs may read."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from mcp_jobs_server.backends.local.options import JOB_COMMAND
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.cli.output import print_json, print_line, print_note, print_table
from mcp_jobs_server.core.errors import InvalidArgument, JobsError, NotFound
from mcp_jobs_server.core.settings import load_settings
from mcp_jobs_server.sources.grants import grantable_path, path_from_uri
from mcp_jobs_server.sources.names import ADD_A_FOLDER, unknown_source
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import SourceRef
from research_contract.services import is_service


def add(args: argparse.Namespace) -> int:
    """Grant a folder."""
    source = Sources(load_settings()).add(
        args.name, Path(args.directory), include=args.include, exclude=args.exclude
    )
    if args.json:
        print_json(source)
    else:
        print_line(f"Jobs may now read '{source.name}': {_place(source)}")
    return 0


def list_sources(args: argparse.Namespace) -> int:
    """List the sources, and whether each can be read now."""
    settings = load_settings()
    faults: list[tuple[SourceRef, str]] = []
    for source in Sources(settings).all():
        fault = ""
        try:
            if service := settings.services.get(source.name):
                why = service.fault(here=settings.backend == "local")
                fault = f"no: {' '.join(why)}" if why else ""
            else:
                grantable_path(path_from_uri(source.uri), settings)
        except NotFound:
            fault = "no: it is gone"
        except JobsError as error:
            fault = f"no: {error.message}"
        faults.append((source, fault))
    if args.json:
        print_json([{**source.model_dump(), "readable": not fault} for source, fault in faults])
    elif faults:
        rows = [(source.name, _place(source), fault or "yes") for source, fault in faults]
        print_table(("name", "place", "readable"), rows)
    else:
        print_note(f"No source yet. {ADD_A_FOLDER}")
    return 0


def index(args: argparse.Namespace) -> int:
    """Read a source ahead, so that jobs over it begin to search at once."""
    settings = load_settings()
    sources = Sources(settings)
    source = next((one for one in sources.all() if one.name == args.name), None)
    if source is None:
        raise unknown_source(args.name, sources.granted())
    if is_service(source.uri):
        raise InvalidArgument(
            f"'{source.name}' is asked by each job and cannot be read ahead.",
            "Name a folder or file.",
        )
    grantable_path(path_from_uri(source.uri), settings)
    configuration = ("--config", str(settings.config)) if settings.config else ()
    patterns = [f"--include={one}" for one in source.include]
    patterns += [f"--exclude={one}" for one in source.exclude]
    command = [*JOB_COMMAND, "index", f"{source.name}={source.uri}", *patterns, *configuration]
    cache = DataPaths(settings.data_dir).index
    return subprocess.run([*command, "--cache", str(cache)], check=False).returncode


def remove(args: argparse.Namespace) -> int:
    """Revoke a grant."""
    sources = Sources(load_settings())
    if not sources.remove(args.name):
        raise unknown_source(args.name, sources.granted())
    if args.json:
        print_json({"removed": args.name})
    else:
        print_line(f"Jobs may no longer read '{args.name}'. Its files were not changed.")
    return 0


def _place(source: SourceRef) -> str:
    try:
        place = str(path_from_uri(source.uri))
    except InvalidArgument:
        place = source.uri
    only = f"only {', '.join(source.include)}" if source.include else ""
    without = f"without {', '.join(source.exclude)}" if source.exclude else ""
    said = "; ".join(one for one in (only, without) if one)
    return f"{place} ({said})" if said else place
