"""Users, service principals and groups of the workspace, and how they sign in."""
