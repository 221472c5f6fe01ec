"""Which addresses of the network a web page may be fetched from."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import anyio

from researcher_job.sources.document import Reason
from researcher_job.sources.services.base import ServiceFailed

_NAT64 = ip_network("64:ff9b::/96")
"""IPv6 addresses that translators send on to the IPv4 address in their last 32 bits (RFC 6052)."""


def is_open(address: str, *, loopback: bool) -> bool:
    """Return whether pages may be fetched from an IP address: it is one of the public network.

    An IPv6 address that carries an IPv4 address counts as both. ``loopback`` allows this machine.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    carried = _carried(found) if isinstance(found, IPv6Address) else []
    if loopback and found.is_loopback:
        return True
    return all(
        one.is_global and not one.is_multicast and not one.is_reserved
        for one in (*([] if carried else [found]), *carried)
    )


def _carried(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address stands for."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


async def open_address(host: str, port: int, *, loopback: bool) -> str:
    """Return an IP address of ``host`` that may be connected.

    The connection must be made to this very address: asked again, the name may give another one.

    Raises:
        ServiceFailed: the name is unknown, or all of its addresses are closed.
    """
    try:
        found = await anyio.getaddrinfo(host, port)
    except (OSError, UnicodeError) as error:
        raise ServiceFailed("Its name is not known to the network.", Reason.CALL_FAILED) from error
    addresses: Sequence[str] = list(dict.fromkeys(str(one[4][0]) for one in found))
    for address in addresses:
        if is_open(address, loopback=loopback):
            return address
    raise ServiceFailed("It is in a private network, which is never read.", Reason.PRIVATE)
