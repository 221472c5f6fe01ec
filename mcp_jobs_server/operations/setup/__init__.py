"""Prepares a workspace for a shared deployment: inventory, validation, plan, apply."""
