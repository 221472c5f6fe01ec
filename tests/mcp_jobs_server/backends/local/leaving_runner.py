"""A runner process that takes its time to leave: ``LEAVE_SECONDS`` between its last look at the
queue and letting go of its lock, the moment in which a start can fall through.

``python -m tests.server.leaving_runner …`` takes the arguments of the real one.
"""

from __future__ import annotations

import sys
import time
from functools import partial

from mcp_jobs_server.runners.local.attempt import Place
from mcp_jobs_server.runners.local.database import Database
from mcp_jobs_server.runners.local.layout import Layout
from mcp_jobs_server.runners.local.options import parse
from mcp_jobs_server.runners.local.queue import Queue
from mcp_jobs_server.runners.local.supervisor import Supervisor

LEAVE_SECONDS = 0.3


def main() -> None:
    options = parse(sys.argv[1:])
    layout = Layout(options.data_dir)
    database = Database(layout)
    Supervisor(
        Queue(database, options.profile),
        Place(layout, options),
        leaving=partial(time.sleep, LEAVE_SECONDS),
    ).serve()
    database.close()


if __name__ == "__main__":
    main()
