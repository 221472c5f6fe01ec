"""A message as Outlook saves it, written by hand: an OLE file of streams, one a property."""

from __future__ import annotations

import struct

_SECTOR, _SMALL = 512, 64
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_TEXT = 0x001F
_SUBJECT, _BODY, _SENDER, _ADDRESS = 0x0037, 0x1000, 0x0C1A, 0x0C1F


def outlook_message(subject: str, sender: str, address: str, body: str) -> bytes:
    """Write a message without recipients and attachments."""
    texts = {_SUBJECT: subject, _SENDER: sender, _ADDRESS: address, _BODY: body}
    properties = bytes(32) + b"".join(
        struct.pack("<HHIII", _TEXT, number, 6, 2 * len(text) + 2, 0)
        for number, text in texts.items()
    )
    streams = {"__properties_version1.0": properties}
    for number, text in texts.items():
        streams[f"__substg1.0_{number:04X}{_TEXT:04X}"] = text.encode("utf-16-le")
    return _compound(streams)


def _compound(streams: dict[str, bytes]) -> bytes:
    """Write an OLE file of small streams: two tables of sectors, the folder, then all of them."""
    small: list[int] = []
    entries: list[bytes] = []
    content = b""
    for number, (name, data) in enumerate(streams.items(), start=1):
        first, sectors = len(small), -(-len(data) // _SMALL)
        small += [*range(first + 1, first + sectors), _END]
        following = number + 1 if number < len(streams) else _FREE
        entries.append(_entry(name, 2, following=following, start=first, size=len(data)))
        content += data.ljust(sectors * _SMALL, b"\0")
    folder = -(-(len(streams) + 1) * 128 // _SECTOR)
    held = -(-len(content) // _SECTOR)
    start = 2 + folder
    chains = [_FAT, _END, *range(3, start), _END, *range(start + 1, start + held), _END]
    entries.insert(0, _entry("Root Entry", 5, child=1, start=start, size=len(content)))
    head = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, 1, 2, 0),
        *(4096, 1, 1, _END, 0),
    )
    tables = (chains, small)
    return (
        head
        + struct.pack("<109I", 0, *[_FREE] * 108)
        + b"".join(struct.pack(f"<{len(t)}I", *t).ljust(_SECTOR, b"\xff") for t in tables)
        + b"".join(entries).ljust(folder * _SECTOR, b"\0")
        + content.ljust(held * _SECTOR, b"\0")
    )


def _entry(
    name: str,
    kind: int,
    *,
    child: int = _FREE,
    following: int = _FREE,
    start: int = 0,
    size: int = 0,
) -> bytes:
    said = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ",
        *(said, len(said) + 2, kind, 1, _FREE, following, child, b"", 0, 0, 0, start, size),
    )
