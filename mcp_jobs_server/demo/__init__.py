"""Demonstrations with a real client and server: ``make demo`` and ``make demo-lakeflow``."""
