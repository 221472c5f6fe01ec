"""Forwarder, kept for one release: jobs that began before an upgrade start readers by this name."""

from researcher_job.sources.documents.reader_process import main

__all__ = ["main"]
