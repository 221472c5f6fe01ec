"""The output of the command without arguments on a terminal."""

from __future__ import annotations

import argparse

from mcp_jobs_server.cli.output import print_line
from mcp_jobs_server.cli.parser import build


def welcome(args: argparse.Namespace) -> int:
    """Print the help and how to connect an assistant."""
    del args
    print_line(build().format_help())
    print_line("Assistants start this server by themselves. To connect one, run:")
    print_line("  mcp-jobs-server connect claude-desktop")
    return 0
