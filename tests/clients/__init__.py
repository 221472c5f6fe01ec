"""Clients and converters of other makers, each with the real server."""
