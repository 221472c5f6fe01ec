"""Spans of what a job does, for tracing backends: the port in ``base``."""
