"""MCP servers as sources: the connection, the tools that may be called, and what they answer."""
