"""Puts the workspace in order for a shared deployment: validate, plan, apply."""
