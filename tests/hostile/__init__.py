"""Texts that try to speak in the server's voice, in every place of a document."""
