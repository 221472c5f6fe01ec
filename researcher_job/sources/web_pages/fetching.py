"""Fetches one address of the web, within limits of size, time and redirects."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from researcher_job import __version__
from researcher_job.core.errors import error_kind
from researcher_job.sources.document import Reason
from researcher_job.sources.services.base import ServiceFailed
from researcher_job.sources.web_pages.addresses import open_address

if TYPE_CHECKING:
    import httpx2

AGENT = "researcher-job"
"""The name by which ``robots.txt`` may speak of the job."""

MAX_BYTES = 5_000_000
MAX_REDIRECTS = 5
_MAX_ADDRESS = 2_000

Allowed = Callable[[str], Awaitable[None]]
"""Raises ``ServiceFailed`` if an address may not be fetched; asked before each redirect, too."""


@dataclass(frozen=True)
class Fetched:
    """What stands at ``address``, after redirects. ``media`` is its type in lower case."""

    address: str
    media: str
    charset: str
    data: bytes


async def anything(_address: str) -> None:
    """Allow every address: for ``robots.txt`` itself."""


async def fetch(
    client: httpx2.AsyncClient, address: str, *, allowed: Allowed, loopback: bool
) -> Fetched:
    """Return what stands at ``address``. The caller limits the time.

    Each hop is connected at an address of the network that was checked, so that a name that gives
    another one a moment later leads nowhere. Cookies are not kept.

    Raises:
        ServiceFailed: it cannot be fetched, or is not allowed; the reason is for the coverage.
    """
    import httpx2

    for _ in range(MAX_REDIRECTS + 1):
        try:
            url = _checked(address)
            await allowed(address)
            found = await _one(client, url, address, loopback=loopback)
        except (httpx2.HTTPError, httpx2.InvalidURL, zlib.error, ValueError) as error:
            raise ServiceFailed(f"It cannot be fetched ({error_kind(error)}).") from error
        if isinstance(found, Fetched):
            return found
        address = found
    raise ServiceFailed(f"It leads on more than {MAX_REDIRECTS} times.")


def _checked(address: str) -> httpx2.URL:
    import httpx2

    url = httpx2.URL(address)
    if url.scheme not in ("https", "http") or not url.host or len(address) > _MAX_ADDRESS:
        raise ServiceFailed("It is no address of a web page.")
    if url.userinfo:
        raise ServiceFailed("Its address holds a credential.")
    return url


async def _one(
    client: httpx2.AsyncClient, url: httpx2.URL, address: str, *, loopback: bool
) -> Fetched | str:
    """Return what stands at ``address``, or where it redirects to."""
    host = url.raw_host.decode()
    port = url.port or (443 if url.scheme == "https" else 80)
    connected = await open_address(host, port, loopback=loopback)
    request = client.build_request(
        "GET",
        url.copy_with(host=connected, fragment=None),
        headers={
            "Host": url.netloc.decode(),
            "User-Agent": f"{AGENT}/{__version__}",
            "Accept": "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.9",
            "Accept-Encoding": "gzip;q=0.5, identity",
        },
        extensions={"sni_hostname": host},
    )
    response = await client.send(request, stream=True)
    client.cookies.clear()
    try:
        if response.is_redirect:
            return urljoin(address, response.headers.get("location", ""))
        status = response.status_code
        if status != 200:
            refused = Reason.REFUSED if 400 <= status < 500 and status != 429 else None
            reason = Reason.NOT_FOUND if status in (404, 410) else refused or Reason.CALL_FAILED
            raise ServiceFailed(f"Its site answers {status}.", reason)
        media, _, rest = response.headers.get("content-type", "").lower().partition(";")
        charset = rest.partition("charset=")[2].partition(";")[0].strip(" \"'")
        data = await _limited(response)
        return Fetched(address, media.strip(), charset, data)
    finally:
        await response.aclose()


async def _limited(response: httpx2.Response) -> bytes:
    """Return the body; what is packed is unpacked no further than the limit."""
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip", ""):
        raise ServiceFailed("Its site packs it in a way that was not asked for.")
    unpack = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    chunks: AsyncIterator[bytes] = response.aiter_raw()
    data = bytearray()
    async for chunk in chunks:
        room = MAX_BYTES + 1 - len(data)
        data += unpack.decompress(chunk, room) if unpack else chunk[:room]
        if len(data) > MAX_BYTES:
            raise ServiceFailed(f"It has more than {MAX_BYTES:,} bytes.", Reason.LARGE_PAGE)
    return bytes(data)
