"""The official conformance suite of the protocol, run against the real server over HTTP."""
