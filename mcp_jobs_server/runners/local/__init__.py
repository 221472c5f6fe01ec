"""Forwarder, kept for one release, for servers that started before an upgrade in place."""
