"""``stop``: ends all runners of the data directory."""

from __future__ import annotations

import argparse

from mcp_jobs_server.cli.output import print_json, print_line
from mcp_jobs_server.core.settings import load_settings


def stop(args: argparse.Namespace) -> int:
    """End the runners and print their number."""
    from mcp_jobs_server.backends.local.processes.stop_all import stop_all

    stopped = stop_all(load_settings(), wait_seconds=args.wait)
    if args.json:
        print_json({"stopped": stopped})
    elif stopped:
        print_line(f"Stopped {stopped} runner{'' if stopped == 1 else 's'}.")
    else:
        print_line("No runner was running.")
    return 0
