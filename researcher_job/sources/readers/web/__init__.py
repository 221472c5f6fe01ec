"""Web pages, alone and packed together."""
