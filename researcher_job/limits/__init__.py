"""Limits of a job: time, calls, tokens and cost, and the disk space reserved for its report."""
