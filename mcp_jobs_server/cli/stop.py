"""``stop``: ends all runners of the data directory."""

from __future__ import annotations

import argparse

from mcp_jobs_server.cli.output import print_json, print_line
from mcp_jobs_server.core.settings import load_settings


def stop(args: argparse.Namespace) -> int:
    """End the runners and say how many there were."""
    from mcp_jobs_server.backends.local.processes.stop_all import stop_all

    ended = stop_all(load_settings(), wait_seconds=args.wait)
    if args.json:
        print_json({"stopped": ended})
    elif ended:
        print_line(f"Stopped {ended} runner{'' if ended == 1 else 's'}.")
    else:
        print_line("No runner was running.")
    return 0
