"""The structure of the packages, measured from their imports: ``make map`` prints it."""
