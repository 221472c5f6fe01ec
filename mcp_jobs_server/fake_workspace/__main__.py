"""Forwarder, kept for one release: ``python -m mcp_jobs_server.fake_workspace DIRECTORY``."""

import sys

from mcp_jobs_server.testing.fake_workspace.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
