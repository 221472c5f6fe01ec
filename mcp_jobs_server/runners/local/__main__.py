"""Forwarder: servers of the last release launch ``python -m mcp_jobs_server.runners.local``."""

import sys

from mcp_jobs_server.backends.local.processes.runner_process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
