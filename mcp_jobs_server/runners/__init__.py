"""Forwarder, kept for one release, to ``mcp_jobs_server.backends``."""
