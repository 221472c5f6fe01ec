"""Tests of language models: calls, prices, what is kept, servers that misbehave."""
