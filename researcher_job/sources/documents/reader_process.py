"""The process that reads files for a job: may be killed at any moment, and is limited in memory.

Requests come as lines of JSON on standard input, answers go as frames to standard output: four
bytes of length, a line of JSON, and the text of the document, if there is one. An empty frame says
that the work goes on. It imports no more than reading needs, since it starts while somebody waits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any, BinaryIO

from researcher_job.sources.document import (
    Block,
    BlockKind,
    Context,
    Document,
    Inside,
    Reason,
    Unreadable,
)
from researcher_job.sources.documents.opening import read
from researcher_job.sources.readers import heartbeat, reader_for

MAX_MEMORY = 2_000_000_000
"""Bytes of address space. Linux keeps to it, macOS mostly does not, Windows has no such limit."""

MAX_CPU_SECONDS = 180
"""For one file. A process whose parent has died and that hangs ends itself by this."""

ALIVE_SECONDS = 1.0

_TOGETHER = 65_536
"""Bytes of answers about harmless files that may be sent at once."""


@dataclass(frozen=True)
class Asked:
    """A file to read, unless the SHA-256 (hex) of its content is one of ``known``."""

    path: str
    name: str
    known: Sequence[str] = ()


@dataclass(frozen=True)
class Extracted:
    """What came of a file: a document, why there is none, or ``None``: its content is known."""

    document: Document | Reason | None
    signature: str = ""
    sha256: str = ""
    changed_ns: int = 0


def extract(asked: Asked) -> Extracted:
    """Read one file. A reader's own failure is a reason like any other; never raises."""
    reader = reader_for(asked.name)
    if isinstance(reader, Reason):
        return Extracted(reader)
    try:
        opened = read(asked.path)
    except Unreadable as error:
        return Extracted(error.reason)
    sha256 = hashlib.sha256(opened.data).hexdigest()
    state = (opened.signature, sha256, opened.changed_ns)
    if sha256 in asked.known:
        return Extracted(None, *state)
    try:
        return Extracted(reader(opened.data, asked.name), *state)
    except Unreadable as error:
        return Extracted(error.reason, *state)
    except MemoryError:
        return Extracted(Reason.HUNGRY, *state)
    except Exception:  # noqa: BLE001 - a hostile file makes parsers raise anything at all
        return Extracted(Reason.CRASHED, *state)


def _alive(answers: BinaryIO) -> heartbeat.Tell:
    told = time.monotonic()

    def tell() -> None:
        nonlocal told
        if time.monotonic() - told >= ALIVE_SECONDS:
            told = time.monotonic()
            _send(answers, b"")
            answers.flush()

    return tell


def _send(answers: BinaryIO, frame: bytes) -> None:
    answers.write(struct.pack(">I", len(frame)))
    answers.write(frame)


def _requests(answers: BinaryIO) -> Iterator[tuple[Asked, bool]]:
    """Yield what is asked, and whether no reader can break down on it; else answers leave.

    A thread listens, so that the end of input ends a file half read.
    """
    queue: SimpleQueue[tuple[Asked, bool]] = SimpleQueue()

    def listen() -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in sys.stdin.buffer:
                *asked, harmless = json.loads(line)
                queue.put((Asked(*asked), harmless))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        if queue.empty():
            answers.flush()
        yield queue.get()


def _limit_memory(memory: int) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        least = memory if most == resource.RLIM_INFINITY else min(memory, most)
        resource.setrlimit(resource.RLIMIT_AS, (least, most))


def _limit_time() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        until = int(time.process_time()) + MAX_CPU_SECONDS
        if most == resource.RLIM_INFINITY or until < most:
            resource.setrlimit(resource.RLIMIT_CPU, (until, most))


def encode(extracted: Extracted) -> bytes:
    """Return ``extracted`` as a line of JSON and the text."""
    found = extracted.document
    said: list[object] | str | None = found.name if isinstance(found, Reason) else None
    text = ""
    if isinstance(found, Document):
        documents = [("", found), *found.inside]
        text = "".join(one.text for _, one in documents)
        said = [[name, len(one.text), one.title, one.blocks, one.gaps] for name, one in documents]
    state = (extracted.signature, extracted.sha256, extracted.changed_ns)
    return b"%b\n%b" % (json.dumps([said, *state]).encode(), text.encode())


def decode(frame: bytes) -> Extracted:
    """Return what ``encode`` made a frame of. Nothing that it says is run."""
    line, _, text = frame.partition(b"\n")
    said, *state = json.loads(line)
    if said is None:
        return Extracted(None, *state)
    if isinstance(said, str):
        return Extracted(Reason[said], *state)
    documents: list[Inside] = []
    decoded, done = text.decode(), 0
    for name, length, title, blocks, gaps in said:
        own = decoded[done : done + length]
        done += length
        found = [_block(*one) for one in blocks]
        documents.append(Inside(name, Document(title, own, found, tuple(gaps))))
    whole = replace(documents[0].document, inside=tuple(documents[1:]))
    return Extracted(whole, *state)


def _block(
    kind: BlockKind, start: int, end: int, locator: str, context: Sequence[Sequence[Any]]
) -> Block:
    return Block(kind, start, end, locator, tuple(Context(*one) for one in context))


def main(memory: int = MAX_MEMORY, *, encode: Callable[[Extracted], bytes] = encode) -> None:
    """Answer requests until standard input ends, with no more than ``memory`` bytes.

    ``encode`` makes the frames that the job reads.
    """
    answers = os.fdopen(os.dup(1), "wb", buffering=_TOGETHER)
    os.dup2(2, 1)  # what a library prints must not become an answer
    _limit_memory(memory)
    _send(answers, b"")  # it has begun
    answers.flush()
    heartbeat.tell_by(_alive(answers))
    for asked, harmless in _requests(answers):
        if not harmless:  # should it break down, only this one is to blame
            answers.flush()
        _limit_time()
        _send(answers, encode(extract(asked)))
