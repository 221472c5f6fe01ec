"""The runner process: detached, nobody's child, there only while there is work."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from mcp_jobs_server.backends.local.options import parse
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.processes.attempt import Place
from mcp_jobs_server.backends.local.processes.boot_id import boot_id
from mcp_jobs_server.backends.local.processes.supervisor import Supervisor
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.core.errors import JobsError

log = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Carry jobs until none is left; 0: all done, 1: the data directory cannot be used."""
    options = parse(arguments)
    os.umask(0o077)  # what jobs write is their owner's alone
    logging.basicConfig(format="%(asctime)s runner %(process)d %(levelname)s %(message)s")
    layout = Layout(options.data_dir)
    database = Database(layout)
    try:
        layout.make()
        Supervisor(Queue(database, options.profile), Place(layout, options, boot_id())).serve()
    except (JobsError, OSError) as error:
        log.error("the runner gives up: %s", error)
        return 1
    finally:
        database.close()
    return 0
