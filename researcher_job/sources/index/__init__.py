"""The full-text index of a source: written, searched, and how questions are put to it."""
