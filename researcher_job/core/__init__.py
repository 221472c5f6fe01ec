"""What every room of the job stands on: errors, clock and settings."""
