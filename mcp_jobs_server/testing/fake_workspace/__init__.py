"""A Databricks workspace to test against, as far as this project uses one.

``FakeWorkspace`` stands in ``workspace``; nothing is imported here, since ``mount`` is loaded into
processes that want none of it.
"""
