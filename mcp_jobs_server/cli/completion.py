"""``completion``: prints what makes a shell complete the words of this command line."""

from __future__ import annotations

import argparse

from mcp_jobs_server.cli.output import print_line


def completion(args: argparse.Namespace) -> int:
    """Print the text that a shell sources at its start; it asks this program at each Tab."""
    from argcomplete.shell_integration import shellcode

    print_line(shellcode(["mcp-jobs-server"], shell=args.shell))
    return 0
