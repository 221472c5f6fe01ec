"""``python -m mcp_jobs_server.runners.local``: the runner process."""

import sys

from mcp_jobs_server.runners.local.process import main

sys.exit(main(sys.argv[1:]))
