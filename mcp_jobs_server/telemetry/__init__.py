"""Request logging for operators: one line per request, without questions or sources."""
