"""A fake Databricks workspace, as far as this project uses one.

Import ``FakeWorkspace`` from the module ``workspace``. This file imports nothing, because the
processes of jobs load ``mount`` and must load nothing else.
"""
