"""The command line: one module per group of commands, imported only when the command runs."""
