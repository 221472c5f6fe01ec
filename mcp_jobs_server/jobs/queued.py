"""Checks again, while a job is queued, that its owner may use its sources.

No token of the caller is there when the job begins, so this is the last check with its rights.
"""

from __future__ import annotations

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.sources.access import Access
from research_contract.files import encode
from research_contract.records import LEFT_OUT, LeftOut


async def check_access(job: Job, folders: Folders, access: Access) -> None:
    """Record in the folder of a queued job which of its sources the caller may not use any more.

    The job then reads none of them and says so. A source whose state is unknown now is kept, since
    the caller was allowed to use it when the job was started.

    Raises:
        Unavailable: the folder cannot be written.
    """
    if job.state != "queued":
        return
    sources = job.request.sources
    offered = access.offered(sources)
    refused = await access.refusals(offered)
    lost = {name for name, error in refused.items() if not isinstance(error, Unavailable)}
    lost |= {source.name for source in sources if source not in offered}
    if lost:
        record = LeftOut(sources=tuple(sorted(lost)))
        await folders.write(job.folder, LEFT_OUT, encode(record))
