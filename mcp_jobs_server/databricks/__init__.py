"""Requests to a Databricks workspace. Importing it does not load the SDK, except for ``sdk.py``."""
