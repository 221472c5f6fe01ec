"""What callers pass to tools and what they get back: arguments, results and all wording."""
