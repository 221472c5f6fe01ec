"""A source that a user wrote in Python: named by the configuration, made at its first call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import cast

from anyio import to_thread

from research_contract.services import Service
from researcher_job.core.errors import JobError, error_kind
from researcher_job.core.secrets import read_secret
from researcher_job.sources.services.base import Page, PageService, ServiceFailed


class UserService:
    """The ``PageService`` that the function of ``python:package.module:function`` returns.

    The function is called with the secret of ``token``, "" without one. ``seconds`` of the
    configuration limits each call.
    """

    starts: Sequence[str] = ()

    def __init__(self, service: Service) -> None:
        self._service = service
        self._making = asyncio.Lock()
        self._made: PageService | None = None

    async def search(self, words: str) -> Sequence[Page]:
        made = await self._make()
        async with asyncio.timeout(self._service.settings.seconds):
            return await made.search(words)

    async def open(self, address: str) -> Page:
        made = await self._make()
        async with asyncio.timeout(self._service.settings.seconds):
            return await made.open(address)

    async def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made.close()

    async def _make(self) -> PageService:
        async with self._making:
            if self._made is None:
                self._made = await to_thread.run_sync(self._called)
            return self._made

    def _called(self) -> PageService:
        module, _, function = self._service.address.partition(":")
        try:
            token = read_secret(self._service.token) if self._service.token else ""
            return cast("PageService", getattr(import_module(module), function)(token))
        except JobError:
            raise
        except Exception as error:
            raise ServiceFailed(f"Its function cannot be called ({error_kind(error)}).") from error
