"""Where jobs run: the port in ``base``, this machine in ``local``."""
