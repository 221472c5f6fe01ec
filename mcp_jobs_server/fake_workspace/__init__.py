"""Forwarder, kept for one release, to ``mcp_jobs_server.testing.fake_workspace``."""
