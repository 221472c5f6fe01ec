"""A runner process that exits slowly: ``LEAVE_SECONDS`` pass between its last look at the
queue and the release of its lock. A job that is started in between could be missed.

Started by ``python -m`` with the arguments of the real runner.
"""

from __future__ import annotations

import sys
import time
from functools import partial

from mcp_jobs_server.backends.local.options import parse
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.attempt import RunnerContext
from mcp_jobs_server.backends.local.processes.supervisor import Supervisor
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.queue import Queue

LEAVE_SECONDS = 0.3


def main() -> None:
    options = parse(sys.argv[1:])
    paths = DataPaths(options.data_dir)
    database = Database(paths)
    Supervisor(
        Queue(database, options.profile),
        RunnerContext(paths, options),
        before_exit=partial(time.sleep, LEAVE_SECONDS),
    ).serve()
    database.close()


if __name__ == "__main__":
    main()
