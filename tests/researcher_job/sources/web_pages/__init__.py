"""Tests of web pages and searches, against real servers on loopback."""
