"""``connect``: prints the text to paste into the configuration of an MCP client."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcp_jobs_server.cli.output import print_json, print_line
from mcp_jobs_server.core.settings import default_data_dir, load_settings
from mcp_jobs_server.operations.install.snippets import CLIENTS, instructions, server_command
from mcp_jobs_server.sources.grants import path_from_uri
from mcp_jobs_server.sources.registry import Sources


def connect(args: argparse.Namespace) -> int:
    """Print the configuration for one client or for all of them."""
    settings = load_settings()
    # Names of known sources are left out, because the server offers those in any case. Folders are
    # made absolute, because a client may start the server in any directory.
    _, folders = Sources(settings).resolve_typed(args.source)
    server = server_command(
        sources=[f"{source.name}={path_from_uri(source.uri)}" for source in folders],
        data_dir=None if settings.data_dir == Path(default_data_dir()) else settings.data_dir,
        config=settings.config,
    )
    if args.json:
        print_json({"name": "research", **server.fields()})
        return 0
    for client in [args.client] if args.client else CLIENTS:
        for instruction in instructions(client, server):
            print_line(f"{instruction.client}: {instruction.place}\n\n{instruction.text}\n")
    return 0
