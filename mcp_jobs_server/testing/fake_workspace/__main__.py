"""``python -m mcp_jobs_server.testing.fake_workspace DIR``: run a fake workspace."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace


def main() -> int:
    """Serve until interrupted; print the environment variables and tokens of its clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="directory of its volumes")
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    arguments = parser.parse_args()
    with FakeWorkspace(arguments.directory, port=arguments.port) as workspace:
        workspace.add_volume("main.research.jobs")
        job = workspace.add_job()
        lines = [
            f"DATABRICKS_HOST={workspace.url}",
            f"DATABRICKS_CLIENT_ID={workspace.app.client_id}",
            f"DATABRICKS_CLIENT_SECRET={workspace.app.client_secret}",
            "MCP_JOBS_BACKEND=lakeflow",
            "MCP_JOBS_VOLUME=/Volumes/main/research/jobs",
            f"MCP_JOBS_JOB_ID={job.job_id}",
            *(f"# token of {user.name}: {user.token}" for user in (workspace.ada, workspace.eve)),
        ]
        print("\n".join(lines), flush=True)  # noqa: T201 - the command's own output
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
