"""Who is calling: from the transport to a caller whose jobs and sources are known."""
