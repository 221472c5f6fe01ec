"""Forwarder, kept for one release: ``from mcp_jobs_server.models import Owner``."""

from mcp_jobs_server.core.models import Owner

__all__ = ["Owner"]
