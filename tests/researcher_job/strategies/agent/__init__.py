"""Research with a scripted model."""
