"""The MCP surface: the server, its tools and its resources, thin over ``jobs``."""
