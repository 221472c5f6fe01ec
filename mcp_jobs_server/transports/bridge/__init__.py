"""``serve --app``: a server over stdio that passes everything on to a Databricks App."""
