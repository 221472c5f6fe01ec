"""Shared basics of the job: errors, clock, settings and plurals."""
