"""Peers side by side: the same work through other ways to run a tool in the background."""
