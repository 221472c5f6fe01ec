"""The detached runner process; it exits when the queue is empty."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from mcp_jobs_server.backends.local.options import parse
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.attempt import RunnerContext
from mcp_jobs_server.backends.local.processes.boot_id import boot_id
from mcp_jobs_server.backends.local.processes.supervisor import Supervisor
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.core.errors import JobsError

log = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Run jobs until none is left; return 0, or 1 if the data directory cannot be used."""
    options = parse(arguments)
    os.umask(0o077)  # files that jobs write are for their owner only
    logging.basicConfig(format="%(asctime)s runner %(process)d %(levelname)s %(message)s")
    paths = DataPaths(options.data_dir)
    database = Database(paths)
    try:
        paths.make_inside()
        context = RunnerContext(paths, options, boot_id())
        Supervisor(Queue(database, options.profile), context).serve()
    except (JobsError, OSError) as error:
        log.error("the runner gives up: %s", error)
        return 1
    finally:
        database.close()
    return 0
