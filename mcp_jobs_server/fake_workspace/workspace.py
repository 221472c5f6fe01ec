"""Forwarder, kept for one release: ``from mcp_jobs_server.fake_workspace.workspace import …``."""

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace

__all__ = ["FakeWorkspace"]
