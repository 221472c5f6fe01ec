"""Stdio transport: serves one client over standard input and output."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from typing import TYPE_CHECKING

from mcp_jobs_server.core.settings import Settings
from research_contract.records import SourceRef

if TYPE_CHECKING:
    from anyio import AsyncFile

    from mcp_jobs_server.protocol.server import ResearchServer

log = logging.getLogger(__name__)


def serve(settings: Settings, *, extra_sources: Sequence[SourceRef] = ()) -> int:
    """Serve until the client disconnects, or until SIGINT or SIGTERM; return the exit code.

    Only protocol messages reach standard output: its descriptor is replaced before anything else
    is loaded, so that output printed by libraries goes to standard error.
    """
    protocol_in, protocol_out = take_standard_streams()
    exit_on_signals()

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
        anyio.run(_serve, server, anyio.wrap_file(protocol_in), anyio.wrap_file(protocol_out))
    except* (BrokenPipeError, ConnectionResetError):
        log.info("the client disconnected during an answer")
    return 0


def take_standard_streams() -> tuple[TextIOWrapper, TextIOWrapper]:
    """Return private copies of standard input and output, and redirect the original descriptors.

    Standard input then reads from the null device; standard output goes to standard error.
    """
    protocol_in, protocol_out = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    read = TextIOWrapper(os.fdopen(protocol_in, "rb"), encoding="utf-8", errors="replace")
    write = TextIOWrapper(os.fdopen(protocol_out, "wb"), encoding="utf-8", newline="\n")
    return read, write


def exit_on_signals() -> None:
    """Exit immediately on SIGINT and SIGTERM.

    A thread blocks in a read of standard input that cannot be interrupted. Nothing is lost by an
    immediate exit: jobs run in separate processes, and every write is already on disk.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))


async def _serve(
    server: ResearchServer, protocol_in: AsyncFile[str], protocol_out: AsyncFile[str]
) -> None:
    from mcp.server.stdio import stdio_server

    low = server._lowlevel_server  # the SDK has no public way to pass streams to MCPServer
    async with stdio_server(protocol_in, protocol_out) as (reading, writing):
        await low.run(reading, writing, low.create_initialization_options())
