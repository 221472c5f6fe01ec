"""Measures finding and quoting on shared sets of questions; run by ``make eval``."""
