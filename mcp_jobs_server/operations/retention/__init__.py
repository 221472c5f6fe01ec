"""Deletes folders of jobs that ended long ago, with plain file operations below one root."""
