"""Configuration of MCP clients that start this server."""
