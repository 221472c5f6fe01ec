"""Which sources of a job are not granted any more when its process begins."""

from __future__ import annotations

import logging
from pathlib import Path

from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.settings import Settings, configured_sources
from mcp_jobs_server.sources.registry import Sources
from research_contract.configuration import Configuration, ConfigurationError, read_configuration
from research_contract.patterns import files_of
from research_contract.records import Request

log = logging.getLogger(__name__)


def left_out(request: Request, *, data_dir: Path, config: Path | None) -> list[str]:
    """Return the names of the sources that neither configuration nor grants have any more.

    Both are read anew. A source with other patterns by now counts as another one. If one of them
    cannot be read, no source counts as granted by them. A source that was granted for this job
    alone is kept; requests of versions that did not record that are not checked.
    """
    if request.granted_once is None:
        return []
    lasting = [one for one in request.sources if one.name not in request.granted_once]
    try:
        configuration = read_configuration(config) if config else Configuration()
        configured = configured_sources(configuration, local=True)
        sources = Sources(Settings(data_dir=data_dir, sources=configured))
        granted = ((one, sources.granted_again(one)) for one in lasting)
        return [one.name for one, now in granted if now is None or files_of(now) != files_of(one)]
    except (ConfigurationError, JobsError) as error:
        log.warning("job %s reads none of its granted sources: %s", request.job_id, error)
        return [one.name for one in lasting]
