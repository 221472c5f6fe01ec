"""Who is calling."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import Context

from mcp_jobs_server.models import Owner


def caller(context: Context[Any, Any]) -> Owner:
    """Return the owner of the jobs that this call may see.

    Over stdio and on a loopback address it is the person whose account the server runs under:
    nobody else can reach it. A header is never an identity, since a caller can write any.
    """
    del context
    return Owner.local()
