"""The SQLite database of local jobs: schema, rows, queue, profiles and removal."""
