"""Web pages as a service: fetched where robots may, and their main text."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

from researcher_job.sources.document import Reason, Unreadable
from researcher_job.sources.services.base import Media, Page, ServiceFailed
from researcher_job.sources.web_pages.fetching import AGENT, Fetched, anything, fetch

if TYPE_CHECKING:
    import httpx2
    from protego import Protego

_MAX_ROBOTS = 512_000
"""Bytes of ``robots.txt`` that count (RFC 9309, 2.5, asks for 500 KiB at least)."""

_LEAST_TEXT = 300
"""Characters of main text below which the whole page is read: too little to be told apart."""

_TEXTS: dict[str, Media] = {
    "text/plain": "text/plain",
    "text/markdown": "text/markdown",
    "application/json": "application/json",
}
_HTML = ("text/html", "application/xhtml+xml", "")


class WebPages:
    """The ``PageService`` that opens web pages by address; it finds none.

    ``starts`` are pages that are opened for every question. ``loopback`` allows pages of this
    machine. ``seconds`` is how long one page may take, with its redirects and ``robots.txt``.
    """

    def __init__(
        self, starts: Sequence[str] = (), *, seconds: float = 30.0, loopback: bool = False
    ) -> None:
        self.starts = tuple(starts)
        self._seconds = seconds
        self._loopback = loopback
        self._client: httpx2.AsyncClient | None = None
        self._robots: dict[str, Protego | None] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def search(self, words: str) -> Sequence[Page]:
        """Return nothing: only a search service finds pages."""
        del words
        return ()

    async def open(self, address: str) -> Page:
        try:
            with anyio.fail_after(self._seconds):
                found = await fetch(
                    self._connected(), address, allowed=self._allow, loopback=self._loopback
                )
                return await to_thread.run_sync(_page, found, abandon_on_cancel=True)
        except TimeoutError:
            raise ServiceFailed(f"It took longer than {self._seconds:g} seconds.") from None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connected(self) -> httpx2.AsyncClient:
        """Return the client. No proxy, cookie or credential of the environment is used."""
        if self._client is None:
            import httpx2

            self._client = httpx2.AsyncClient(
                trust_env=False, timeout=httpx2.Timeout(self._seconds)
            )
        return self._client

    async def _allow(self, address: str) -> None:
        """Raise ``ServiceFailed`` where the site closes ``address`` to programs (RFC 9309)."""
        parts = urlsplit(address)
        site = f"{parts.scheme}://{parts.netloc}"
        async with self._asking[site]:
            if site not in self._robots:
                self._robots[site] = await self._rules(site)
        rules = self._robots[site]
        if rules is None or not rules.can_fetch(address, AGENT):
            raise ServiceFailed("Its site closes it to programs (robots.txt).", Reason.ROBOTS)

    async def _rules(self, site: str) -> Protego | None:
        """Return the rules of a site: none where it has no file, ``None`` where it cannot say."""
        from protego import Protego

        try:
            found = await fetch(
                self._connected(), f"{site}/robots.txt", allowed=anything, loopback=self._loopback
            )
        except ServiceFailed as error:
            if error.reason in (Reason.NOT_FOUND, Reason.REFUSED):
                return Protego.parse("")
            if error.reason == Reason.PRIVATE:
                raise
            return None
        return Protego.parse(found.data[:_MAX_ROBOTS].decode("utf-8", "replace"))


def _page(found: Fetched) -> Page:
    """Return a page with its text. Blocking: a long page takes a second.

    Raises:
        ServiceFailed: it is of a kind that is not read, or has no text.
    """
    from researcher_job.sources.readers.decoding import decode

    try:
        text = decode(found.data, found.charset)
    except Unreadable as error:
        raise ServiceFailed("It has no text.", Reason.NO_TEXT_PAGE) from error
    if media := _TEXTS.get(found.media):
        return Page(address=found.address, text=text, media=media)
    if found.media not in _HTML:
        raise ServiceFailed("It is of a kind that is not read.", Reason.NO_TEXT_PAGE)
    title, main = _main_text(text)
    return Page(address=found.address, title=title, text=main, media="text/html")


def _main_text(text: str) -> tuple[str, str]:
    """Return the title of a page, and the HTML of its main text, without what is hidden."""
    from lxml import etree
    from trafilatura import extract

    from researcher_job.sources.readers.web.html import parsed

    try:
        root = parsed(text)
    except Unreadable as error:
        raise ServiceFailed("It has no text.", Reason.TEXTLESS_HTML) from error
    title = " ".join((root.findtext(".//title") or "").split())
    shown = etree.tostring(root, encoding="unicode", method="html")
    main = extract(
        root,
        output_format="html",
        fast=True,
        include_tables=True,
        include_comments=False,
        include_formatting=True,
    )
    said = " ".join(parsed(main).itertext()) if main else ""
    return title, main if main and len(said) >= _LEAST_TEXT else shown
