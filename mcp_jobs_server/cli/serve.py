"""``serve``: what a client starts."""

from __future__ import annotations

import argparse
import sys

from mcp_jobs_server.cli.output import note
from mcp_jobs_server.settings import load
from mcp_jobs_server.sources import Sources


def serve(args: argparse.Namespace) -> int:
    """Serve until the client goes; return the exit code."""
    settings = load()
    _, extra = Sources(settings).typed(args.source) if args.source else ((), ())
    if args.transport == "http":
        from mcp_jobs_server import http

        port = settings.app_port if args.port is None else args.port
        return http.serve(settings, host=args.host, port=port, extra_sources=extra)
    from mcp_jobs_server import stdio

    if sys.stdin is not None and sys.stdin.isatty():
        note("Waiting for an MCP client on standard input; Ctrl-C ends it.")
        note("What to paste into a client: mcp-jobs-server connect")
    return stdio.serve(settings, extra_sources=extra)
