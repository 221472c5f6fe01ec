"""Splits hosts; recognizes loopback hosts and URLs that are safe to send secrets to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+?)\.?(?::(\d{1,5}))?", re.ASCII)
_MAX_PORT = 65535


def split_host(text: str) -> tuple[str, str] | None:
    """Return name and port ("" if there is none) in lower case; ``None`` if ``text`` is no host.

    An IPv6 address stands in brackets, as in a URL and in the header ``Host``.
    """
    match = _HOST.fullmatch(text.lower())
    if match is None or int(match[2] or 0) > _MAX_PORT:
        return None
    return match[1], match[2] or ""


def is_loopback(host: str) -> bool:
    """Return whether ``host`` (a name or an IP address) is reachable from this computer only."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_secure_url(url: str) -> bool:
    """Return whether ``url`` is an https URL, or an http URL of a loopback host."""
    parts = urlsplit(url)
    if not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
