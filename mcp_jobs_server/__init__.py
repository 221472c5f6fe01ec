"""An MCP server that gives any assistant research jobs that outlive the conversation."""

__version__ = "0.1.0"
