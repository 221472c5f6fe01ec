"""Finding without a language model: passages ranked, sentences chosen, confidence estimated."""
