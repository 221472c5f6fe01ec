"""The last release, replaced in its place by today's packages."""
