"""Where job folders are kept: the port in ``base``, a directory in ``directory``."""
