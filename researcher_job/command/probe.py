"""Tests what jobs need where this process runs: as its identity, from its network."""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

import psutil

from research_contract.configuration import Configuration, ConfiguredSource
from research_contract.records import Checked, Probed
from researcher_job.command.policy import source_path
from researcher_job.command.secrets import read_secret, workspace
from researcher_job.core.errors import JobError, error_kind
from researcher_job.core.settings import Researcher
from researcher_job.records.storage import Storage
from researcher_job.sources.documents.walk import walk

CHECK_SECONDS = 60.0
"""A test that takes longer is given up."""

MOST_FILES = 100_000
"""More files of a source are not counted."""

_CONNECT_SECONDS = 10.0


def probe(
    configuration: Configuration, folder: Path | None, storage: Storage, *, run_id: str = ""
) -> Probed:
    """Test everything that is configured, one after the other; never raises.

    ``folder`` is where job folders are, or will be: a file is written, read and deleted there.
    """
    now = time.time()
    begun = now - psutil.Process().create_time()
    tests = _tests(configuration, folder, storage)
    return Probed(
        run_id=run_id,
        started_seconds=round(max(begun, 0.0), 3),
        checks=tuple(_checked(name, test) for name, test in tests),
        at=datetime.fromtimestamp(now, UTC),
    )


Test = Callable[[], str]
"""Returns what to say of what is well; raises where it is not."""


def _tests(
    configuration: Configuration, folder: Path | None, storage: Storage
) -> Iterator[tuple[str, Test]]:
    if folder:
        yield "volume", partial(_volume, folder, storage)
    model = str(configuration.researcher.get("model", Researcher().model))
    if model:
        yield f"model {model}", partial(_model, model)
    for source in configuration.sources:
        yield f"source {source.name}", partial(_source, source)
        if source.token:
            yield f"secret of {source.name}", partial(_secret, source.token)
        if address := _address(source):
            yield f"egress to {address[0]}", partial(_egress, *address)


class _Missing(JobError):
    """What was tested is not there; the text says what."""

    safe_to_log = True


def _checked(name: str, test: Test) -> Checked:
    """Run one test in a thread of its own, which is left behind where it hangs."""
    answers: SimpleQueue[str | BaseException] = SimpleQueue()

    def answer() -> None:
        try:
            answers.put(test())
        except Exception as error:  # noqa: BLE001 - any failure is a result
            answers.put(error)

    begun = time.monotonic()
    Thread(target=answer, daemon=True).start()
    try:
        said = answers.get(timeout=CHECK_SECONDS)
    except Empty:
        said = TimeoutError()
    seconds = round(time.monotonic() - begun, 3)
    if isinstance(said, str):
        return Checked(name=name, ok=True, said=said, seconds=seconds)
    plain = isinstance(said, JobError) and said.safe_to_log
    return Checked(
        name=name, ok=False, said=str(said) if plain else error_kind(said), seconds=seconds
    )


def _volume(folder: Path, storage: Storage) -> str:
    path = folder / f"probe-{secrets.token_hex(8)}.txt"
    data = secrets.token_bytes(64)
    storage.write(path, data)
    try:
        if path.name not in {one.name for one in folder.iterdir()}:
            raise _Missing("A file that was written is not listed.")
        if path.read_bytes() != data:
            raise _Missing("A file that was written reads otherwise.")
    finally:
        path.unlink()
    return "written, listed, read and deleted"


def _model(name: str) -> str:
    workspace().api_client.do(
        "POST",
        f"/serving-endpoints/{name}/invocations",
        body={"messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 5},
    )
    return "answers"


def _source(source: ConfiguredSource) -> str:
    place = source_path(source.source)
    if place is None:
        raise _Missing("Sources of this kind cannot be read yet.")
    root = place.resolve(strict=True)
    found = list(islice(walk(root), MOST_FILES))
    readable = [one for one in found if one.reason is None]
    if not readable:
        raise _Missing(f"{len(found)} files found, none of which may be read.")
    with open(readable[0].path, "rb") as file:  # noqa: PTH123 - a path of the walk
        file.read(1)
    return f"{len(readable)} file{'' if len(readable) == 1 else 's'} found"


def _secret(reference: str) -> str:
    read_secret(reference)
    return f"{reference} can be read"


def _address(source: ConfiguredSource) -> tuple[str, int] | None:
    """Return host and port of a source that is reached by https."""
    parts = urlsplit(source.uri)
    if parts.scheme not in ("https", "mcp+https") or not parts.hostname:
        return None
    return parts.hostname, parts.port or 443


def _egress(host: str, port: int) -> str:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=host) as secured,
    ):
        return f"connected ({secured.version()})"
