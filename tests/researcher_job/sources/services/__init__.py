"""Tests of services as sources."""
