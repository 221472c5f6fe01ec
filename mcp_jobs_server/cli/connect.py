"""``connect``: what to paste into an assistant's configuration."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcp_jobs_server.cli.output import print_json, print_line
from mcp_jobs_server.core.settings import Settings, default_data_dir, load_settings
from mcp_jobs_server.operations.install.snippets import CLIENTS, instructions, server_command
from mcp_jobs_server.sources.grants import path_from_uri
from mcp_jobs_server.sources.registry import Sources


def connect(args: argparse.Namespace) -> int:
    """Print the configuration for one client or all of them."""
    settings = load_settings()
    started = server_command(
        sources=_absolute(args.source, settings),
        data_dir=None if settings.data_dir == Path(default_data_dir()) else settings.data_dir,
        config=settings.config,
    )
    if args.json:
        print_json({"name": "research", **started.fields()})
        return 0
    for client in [args.client] if args.client else list(CLIENTS):
        for found in instructions(client, started):
            print_line(f"{found.client}: {found.place}\n\n{found.text}\n")
    return 0


def _absolute(typed: list[str], settings: Settings) -> list[str]:
    """Return the folders as a client can use them, whatever directory it starts in."""
    names, folders = Sources(settings).resolve_typed(typed)
    del names  # sources that are known are served without being named
    return [f"{source.name}={path_from_uri(source.uri)}" for source in folders]
