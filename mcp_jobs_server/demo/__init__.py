"""Demonstrations with a real client and server: ``python -m mcp_jobs_server.demo``."""
