"""``serve``: the server that clients and Databricks Apps start."""

from __future__ import annotations

import argparse
import os
import sys

from mcp_jobs_server.cli.output import print_note
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.settings import load_settings
from mcp_jobs_server.sources.registry import Sources


def serve(args: argparse.Namespace) -> int:
    """Serve until the client disconnects; return the exit code."""
    settings = load_settings()
    if args.app:
        from mcp_jobs_server.transports.bridge.serve import serve as serve_bridge

        if args.source or args.transport == "http":
            raise InvalidArgument(
                "With --app this server has no sources of its own and serves one client over"
                " stdio.",
                "Leave out --source and --transport.",
            )
        _explain_waiting()
        return serve_bridge(args.app, profile=args.profile or "", log_level=settings.log_level)
    _, extra = Sources(settings).resolve_typed(args.source) if args.source else ((), ())
    if args.transport == "http" or (settings.app and not args.transport):
        from mcp_jobs_server.transports import http

        port = settings.app_port if args.port is None else args.port
        return http.serve(settings, host=args.host or "127.0.0.1", port=port, extra_sources=extra)
    from mcp_jobs_server.auth.auth_table import read_auth
    from mcp_jobs_server.transports import stdio

    read_auth(settings.auth_table, os.environ)  # not used over stdio, but errors are reported
    _explain_waiting()
    return stdio.serve(settings, extra_sources=extra)


def _explain_waiting() -> None:
    if sys.stdin is not None and sys.stdin.isatty():
        print_note("Waiting for an MCP client on standard input; Ctrl-C ends the server.")
        print_note("To print the configuration for a client: mcp-jobs-server connect")
