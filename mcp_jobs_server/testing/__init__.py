"""Published fakes for tests: both backend ports in memory, and a fake Databricks workspace."""

from mcp_jobs_server.testing.memory import MemoryFolders, MemoryRunner

__all__ = ["MemoryFolders", "MemoryRunner"]
