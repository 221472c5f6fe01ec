"""How text is compared and shown, the same on both sides: words, sentences, quantities."""
