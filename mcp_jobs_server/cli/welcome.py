"""What a person sees who types the command alone."""

from __future__ import annotations

import argparse

from mcp_jobs_server.cli.output import print_line
from mcp_jobs_server.cli.parser import build


def welcome(args: argparse.Namespace) -> int:
    """Print the help and how an assistant is connected."""
    del args
    print_line(build().format_help())
    print_line("An assistant starts this server by itself. To connect one, run:")
    print_line("  mcp-jobs-server connect claude-desktop")
    return 0
