"""Kills whatever runs, at random moments, and checks that no job is lost, doubled or stuck."""
