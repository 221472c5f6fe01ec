"""Where steps go besides the job folder: the port in ``base``."""
