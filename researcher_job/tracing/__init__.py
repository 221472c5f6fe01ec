"""Tracing of a job for tracing backends: the port in ``base``."""
