"""Opens the sources of a request by scheme: folders and files, and services."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from research_contract.records import SourceRef
from research_contract.services import Service, is_service
from researcher_job.sources.base import Reading, Source
from researcher_job.sources.coverage import Tally
from researcher_job.sources.document import Reason
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.embeddings.configured import Model
from researcher_job.sources.services.base import PageService
from researcher_job.sources.services.source_set import OpenService, SourceSet
from researcher_job.sources.services.user_service import UserService


async def open_sources(
    sources: Sequence[SourceRef],
    *,
    cache_dir: Path,
    reading: Reading | None = None,
    about: Sequence[str] = (),
    without: Collection[str] = (),
    model: Model | None = None,
    ahead: Model | None = None,
    services: Mapping[str, Service],
) -> Source:
    """Open ``sources``: documents are read as ``open_documents`` says, services are asked later.

    ``services`` are those of the configuration, by name. What a service is, such as the command
    that is started, is never taken from the request. A service that cannot be used is counted in
    the coverage and never raises.
    """
    folders = [one for one in sources if not is_service(one.uri)]
    asked = [one for one in sources if is_service(one.uri)]

    async def documents() -> Source:
        return await open_documents(
            folders,
            cache_dir=cache_dir,
            reading=reading,
            about=about,
            without=without,
            model=model,
            ahead=ahead,
        )

    if not asked:
        return await documents()
    opened: list[OpenService] = []
    refused = Tally()
    for source in asked:
        configured = services.get(source.name)
        if source.name in without:
            refused.count_skipped(Reason.NOT_GRANTED, source.name)
        elif configured is None or configured.uri != source.uri:
            refused.count_skipped(Reason.NOT_CONFIGURED, source.name)
        elif configured.fault(here=True):
            refused.count_skipped(Reason.NOT_USABLE, source.name)
        else:
            opened.append(OpenService(configured, open_service(configured)))
    return SourceSet(
        await documents() if folders else None, opened, refused=refused.coverage, model=model
    )


def open_service(service: Service) -> PageService:
    """Return what asks ``service``; nothing is connected, started or read before its first call."""
    settings = service.settings
    if service.scheme == "python":
        return UserService(service)
    from researcher_job.sources.web_pages.pages import WebPages

    starts = (service.uri,) if service.is_page else ()
    web = WebPages(starts, seconds=settings.seconds, loopback=settings.loopback)
    if service.is_page:
        return web
    if service.scheme == "search":
        from researcher_job.sources.web_pages.search import WebSearch

        return WebSearch(service, web)
    from researcher_job.sources.mcp.server import McpServer

    return McpServer(service, web if service.opens_by_web else None)
