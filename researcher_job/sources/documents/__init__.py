"""Folders of documents: found, opened, read in a separate process, and kept up to date."""
