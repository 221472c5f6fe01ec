"""The command line: one module per group of commands, imported only when the command runs.

It stays one flat folder, because a command imports nothing of another one that it does not need.
"""
