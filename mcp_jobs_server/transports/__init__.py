"""Transports of the server: stdio, HTTP, and the bridge from stdio to a Databricks App."""
