"""Where a job looks: the port in ``base``, one module a kind of source."""
