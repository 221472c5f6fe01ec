"""Fails the unended jobs whose rows are damaged, so that no other job waits for them."""

from __future__ import annotations

import logging
from datetime import datetime

from mcp_jobs_server.backends.folder_paths import make_private_directory
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.store.database import Database, to_micros
from mcp_jobs_server.backends.local.store.rows import DAMAGED, can_run, has_identity, is_profile
from mcp_jobs_server.core.models import ACTIVE_STATES, job_folder_of
from research_contract.files import create_once, encode
from research_contract.records import ENDED, Ended, Failure

log = logging.getLogger(__name__)

_UNENDED = f"""SELECT seq, id, owner, profile, state, requested, attempt, charged, step_before,
    created_at, ended_at FROM jobs WHERE ended_at IS NULL OR state IN {ACTIVE_STATES}"""  # noqa: S608
_FAIL = """UPDATE jobs SET state = 'failed', summary = ?, error = ?, ended_at = ?, requested = NULL,
    attempt = 0, charged = 0, step_before = 0 WHERE seq = ?"""


def fail_damaged(
    database: Database, paths: DataPaths, at: datetime, *, also_claimed: bool
) -> list[str]:
    """Fail the jobs whose rows a runner cannot use; return their ids, which may be damaged.

    A row that does not say which job it is, or whose, is deleted: the folder of the job is then not
    listed, which is told, and ``rebuild`` makes the row anew.

    Args:
        database: the job database.
        paths: the data directory.
        at: the time, at which the jobs end.
        also_claimed: also jobs whose process may work, which the caller then ends.
    """
    with database.read() as db:
        rows = [row for row in db.execute(_UNENDED) if not can_run(row)]
    if not also_claimed:
        claimed = ("running", "cancelling")
        rows = [r for r in rows if r["state"] not in claimed or not is_profile(r["profile"])]
    if not rows:
        return []
    with database.write() as db:
        for row in rows:
            if has_identity(row):
                error = DAMAGED.model_dump_json()
                db.execute(_FAIL, (DAMAGED.message, error, to_micros(at), row["seq"]))
            else:
                db.execute("DELETE FROM jobs WHERE seq = ?", (row["seq"],))
    ids = [str(row["id"]) for row in rows]
    log.warning("damaged rows were taken out of the queue: %s", ", ".join(ids))
    for row in filter(has_identity, rows):
        write_failure(paths, row["owner"], row["id"], DAMAGED, at)
    return ids


def write_failure(
    paths: DataPaths, owner: str, job_id: str, error: Failure, at: datetime, *, attempts: int = 0
) -> None:
    """Write into its folder that a job failed; ``owner`` is the owner's folder."""
    folder = paths.jobs / job_folder_of(owner, job_id)
    make_private_directory(folder, within=paths.root)
    ended = Ended(state="failed", error=error, attempts=attempts, ended_at=at)
    create_once(folder / ENDED, encode(ended))
