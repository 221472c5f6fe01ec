"""``serve``: what a client starts."""

from __future__ import annotations

import argparse

from mcp_jobs_server.settings import load
from mcp_jobs_server.sources import Sources


def serve(args: argparse.Namespace) -> int:
    """Serve until the client goes; return the exit code."""
    settings = load()
    _, extra = Sources(settings).typed(args.source) if args.source else ((), ())
    if args.transport == "http":
        from mcp_jobs_server import http

        return http.serve(settings, host=args.host, port=args.port, extra_sources=extra)
    from mcp_jobs_server import stdio

    return stdio.serve(settings, extra_sources=extra)
