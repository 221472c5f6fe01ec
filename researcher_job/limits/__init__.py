"""What a job may use: budget of time, calls, tokens and cost, and disk space for the report."""
