"""The SQLite database of jobs on this machine: schema, rows, queue, profiles and removal."""
