"""Sources that are asked over a connection: their port, and their pages searched with documents."""
