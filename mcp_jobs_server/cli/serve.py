"""``serve``: what a client starts, and what an app runs."""

from __future__ import annotations

import argparse
import os
import sys

from mcp_jobs_server.cli.output import print_note
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.sources.registry import Sources

EVERYWHERE = "0.0.0.0"  # noqa: S104 - an app is reached through its proxy only


def serve(args: argparse.Namespace) -> int:
    """Serve until the client goes; return the exit code."""
    settings = load_settings()
    if args.app:
        return _pass_on(args, settings)
    _, extra = Sources(settings).resolve_typed(args.source) if args.source else ((), ())
    if args.transport == "http" or (settings.app and not args.transport):
        from mcp_jobs_server.transports import http

        host = args.host or (EVERYWHERE if settings.app else "127.0.0.1")
        port = settings.app_port if args.port is None else args.port
        return http.serve(settings, host=host, port=port, extra_sources=extra)
    from mcp_jobs_server.auth.auth_table import read_auth
    from mcp_jobs_server.transports import stdio

    read_auth(settings.auth_table, os.environ)  # not needed here, but a mistake should be noticed
    _say_what_is_waited_for()
    return stdio.serve(settings, extra_sources=extra)


def _pass_on(args: argparse.Namespace, settings: Settings) -> int:
    from mcp_jobs_server.transports.bridge.serve import serve as pass_on

    if args.source or args.transport == "http":
        raise InvalidArgument(
            "With --app this server has no sources of its own and serves one client over stdio.",
            "Leave --source and --transport out.",
        )
    _say_what_is_waited_for()
    return pass_on(args.app, profile=args.profile or "", log_level=settings.log_level)


def _say_what_is_waited_for() -> None:
    if sys.stdin is not None and sys.stdin.isatty():
        print_note("Waiting for an MCP client on standard input; Ctrl-C ends it.")
        print_note("What to paste into a client: mcp-jobs-server connect")
