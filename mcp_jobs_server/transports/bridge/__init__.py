"""``serve --app``: a stdio server that forwards all messages to a Databricks App."""
