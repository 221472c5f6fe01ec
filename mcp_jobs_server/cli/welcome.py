"""What a person sees who types the command alone."""

from __future__ import annotations

import argparse

from mcp_jobs_server.cli.output import line
from mcp_jobs_server.cli.parser import build


def welcome(args: argparse.Namespace) -> int:
    """Print the help and how an assistant is connected."""
    del args
    line(build().format_help())
    line("An assistant starts this server by itself. To connect one, run:")
    line("  mcp-jobs-server connect claude-desktop")
    return 0
