"""Destinations of steps besides the job folder: the port in ``base``."""
