"""What the server asks of a Databricks workspace. Only ``workspace.py`` loads the SDK."""
