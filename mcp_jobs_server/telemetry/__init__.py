"""What operators see of requests: one log line each, without questions or sources."""
