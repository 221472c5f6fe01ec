"""Models, errors, settings and concurrency that every other room uses. Imports no other room."""
