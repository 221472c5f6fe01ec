"""A web search by SearXNG: its results, opened as web pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

import anyio

from research_contract.services import Service
from researcher_job.core.errors import error_kind
from researcher_job.sources.services.base import MAX_PAGES, Page, ServiceFailed
from researcher_job.sources.web_pages.fetching import MAX_BYTES
from researcher_job.sources.web_pages.pages import WebPages


class WebSearch:
    """The ``PageService`` over a SearXNG server that answers in JSON; ``web`` opens its results.

    The server itself is the one of the configuration, so it may stand in a private network.
    """

    starts: Sequence[str] = ()

    def __init__(self, service: Service, web: WebPages) -> None:
        parts = urlsplit(service.address)
        path = parts.path.rstrip("/")
        self._address = parts._replace(path=path if path.endswith("/search") else f"{path}/search")
        self._seconds = service.settings.seconds
        self._web = web

    async def search(self, words: str) -> Sequence[Page]:
        import httpx2

        try:
            with anyio.fail_after(self._seconds):
                data = await self._asked(words)
            results = json.loads(data)["results"]
        except TimeoutError:
            raise ServiceFailed(f"It did not answer within {self._seconds:g} seconds.") from None
        except (httpx2.HTTPError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ServiceFailed(f"It did not answer with results ({error_kind(error)}).") from error
        found = (
            [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
        )
        return [
            Page(
                address=str(one["url"]),
                title=str(one.get("title") or ""),
                text=str(one.get("content") or ""),
                media="text/plain",
                whole=False,
            )
            for one in found[:MAX_PAGES]
            if str(one.get("url") or "").startswith(("https://", "http://"))
        ]

    async def open(self, address: str) -> Page:
        return await self._web.open(address)

    async def close(self) -> None:
        await self._web.close()

    async def _asked(self, words: str) -> bytes:
        import httpx2

        async with (
            httpx2.AsyncClient(trust_env=False, timeout=httpx2.Timeout(self._seconds)) as client,
            client.stream(
                "GET", self._address.geturl(), params={"q": words, "format": "json"}
            ) as response,
        ):
            if response.status_code == 403:
                raise ServiceFailed(
                    "It refuses JSON: add json to search.formats in the settings of SearXNG."
                )
            if response.status_code != 200:
                raise ServiceFailed(f"It answers {response.status_code}.")
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise ServiceFailed(f"It answers with more than {MAX_BYTES:,} bytes.")
            return bytes(data)
