"""What server and job agree on: job folders, ``research.toml``, and how text is compared."""
