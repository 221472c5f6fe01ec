"""Shared basics of the job: errors, clock, settings, secrets and plurals."""
