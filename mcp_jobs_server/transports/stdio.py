"""Serves over standard input and output."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from types import FrameType
from typing import TYPE_CHECKING

from mcp_jobs_server.core.settings import Settings
from research_contract.records import SourceRef

if TYPE_CHECKING:
    from anyio import AsyncFile

    from mcp_jobs_server.protocol.server import ResearchServer

log = logging.getLogger(__name__)


def serve(settings: Settings, *, extra_sources: Sequence[SourceRef] = ()) -> int:
    """Serve one client until it goes, or until SIGINT or SIGTERM; return the exit code.

    Nothing but the protocol reaches standard output: its descriptor is taken away before
    anything else is loaded, and what a library prints goes to standard error.
    """
    wire_in, wire_out = take_wire()
    end_on_signals()

    import anyio

    from mcp_jobs_server.app import open_jobs
    from mcp_jobs_server.auth.local import local_authenticator
    from mcp_jobs_server.protocol.server import ResearchServer

    server = ResearchServer(
        partial(open_jobs, settings, extra_sources=extra_sources),
        authenticator=local_authenticator(settings),
        log_level=settings.log_level,
    )
    try:
        anyio.run(_serve, server, anyio.wrap_file(wire_in), anyio.wrap_file(wire_out))
    except* (BrokenPipeError, ConnectionResetError):
        log.info("the client went away in the middle of an answer")
    return 0


def take_wire() -> tuple[TextIOWrapper, TextIOWrapper]:
    """Return private copies of standard input and output, and divert the public ones."""
    wire_in, wire_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    read = TextIOWrapper(os.fdopen(wire_in, "rb"), encoding="utf-8", errors="replace")
    write = TextIOWrapper(os.fdopen(wire_out, "wb"), encoding="utf-8", newline="\n")
    return read, write


def end_on_signals() -> None:
    """End at once on SIGINT and SIGTERM.

    A thread sits in a blocking read of standard input and nothing can call it back. Nothing is
    lost by leaving so: jobs run in processes of their own and every write is already on disk.
    """

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


async def _serve(server: ResearchServer, wire_in: AsyncFile[str], wire_out: AsyncFile[str]) -> None:
    from mcp.server.stdio import stdio_server

    low = server._lowlevel_server  # the SDK offers no public way to give streams to MCPServer
    async with stdio_server(wire_in, wire_out) as (reading, writing):
        await low.run(reading, writing, low.create_initialization_options())
