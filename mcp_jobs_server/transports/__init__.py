"""How clients reach the server: stdio, HTTP, and the bridge to a Databricks App."""
