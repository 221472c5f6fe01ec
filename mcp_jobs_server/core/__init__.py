"""What every room stands on: models, errors, settings, concurrency. Imports no other room."""
