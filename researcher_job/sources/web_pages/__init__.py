"""Web pages and web searches as sources: addresses that may be opened, robots, main text."""
