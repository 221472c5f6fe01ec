"""Client configuration: the text to paste so that a client starts this server."""
