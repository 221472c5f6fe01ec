"""Marks in the environment of processes, by which a runner finds the processes of a job again.

Processes that a job starts inherit them or are given them. They are not settings.
"""

JOB_MARK = "MCP_JOBS_JOB"
"""The id of the job that a process works on."""

DATA_MARK = "MCP_JOBS_DATA"
"""The data directory that a process was started for."""
