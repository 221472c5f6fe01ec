"""How one question is pursued: the port in ``base``, one folder a strategy."""
