"""Running the service: setup, retention, client configuration and checks of this machine."""
