"""Deletes the folders of jobs that ended long ago, by plain file operations below one root."""
