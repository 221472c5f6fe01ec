"""Tests of MCP servers as sources, against real servers."""
