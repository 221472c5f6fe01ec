"""The probe: tests what jobs need, with the identity and from the network of this process."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

import anyio
import psutil

from research_contract.configuration import Configuration, ConfiguredSource
from research_contract.probes import LANGUAGE_MODELS, Checked, Probed
from research_contract.records import Limits
from research_contract.services import Service
from researcher_job.command.policy import source_path
from researcher_job.core.errors import JobError, error_kind
from researcher_job.core.plural import counted
from researcher_job.core.secrets import read_secret, workspace
from researcher_job.core.settings import Researcher
from researcher_job.models.base import ModelFailure
from researcher_job.models.configured import configured_models
from researcher_job.models.hosted import HostedModel
from researcher_job.models.settings import read_model_table
from researcher_job.records.storage import Storage
from researcher_job.sources.documents.opening import open_file
from researcher_job.sources.documents.walk import walk
from researcher_job.sources.mcp.server import McpServer
from researcher_job.sources.opener import open_service
from researcher_job.sources.services.base import ServiceFailed

CHECK_SECONDS = 60.0
"""A test that takes longer is abandoned and counts as failed."""

MOST_FILES = 100_000
"""Most files of a source that are counted."""

_CONNECT_SECONDS = 10.0

Test = Callable[[], str]
"""Returns a short description of success; raises an error on failure."""


class ProbeFailed(JobError):
    """A test of the probe failed; the message gives the reason."""

    safe_to_log = True


def probe(
    configuration: Configuration, folder: Path | None, storage: Storage, *, run_id: str = ""
) -> Probed:
    """Test everything that is configured, one after the other; never raises.

    ``folder`` is the place of job folders: a file is written, read and deleted there.
    """
    now = time.time()
    startup = now - psutil.Process().create_time()
    return Probed(
        run_id=run_id,
        started_seconds=round(max(startup, 0.0), 3),
        checks=tuple(_check(name, test) for name, test in _tests(configuration, folder, storage)),
        at=datetime.fromtimestamp(now, UTC),
    )


def _tests(
    configuration: Configuration, folder: Path | None, storage: Storage
) -> Iterator[tuple[str, Test]]:
    """Yield the name and the function of each test."""
    if folder:
        yield "volume", partial(_test_volume, folder, storage)
    model = str(configuration.researcher.get("model", Researcher().model))
    if model:
        yield f"model {model}", partial(_test_model, model)
    if configuration.model:
        yield LANGUAGE_MODELS, partial(_test_language_models, configuration.model)
    for source in configuration.sources:
        yield f"source {source.name}", partial(_test_source, source)
        if source.token:
            yield f"secret of {source.name}", partial(_test_secret, source.token)
        address = urlsplit(source.uri)
        if address.scheme in ("https", "mcp+https") and (host := address.hostname):
            yield f"egress to {host}", partial(_test_egress, host, address.port or 443)


def _check(name: str, test: Test) -> Checked:
    """Run one test in its own thread, which is abandoned if it hangs."""
    results: SimpleQueue[str | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            results.put(test())
        except Exception as error:  # noqa: BLE001 - any failure is a result
            results.put(error)

    started = time.monotonic()
    Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=CHECK_SECONDS)
    except Empty:
        result = TimeoutError()
    seconds = round(time.monotonic() - started, 3)
    if isinstance(result, str):
        return Checked(name=name, ok=True, said=result, seconds=seconds)
    safe = isinstance(result, JobError) and result.safe_to_log
    said = str(result) if safe else error_kind(result)
    return Checked(name=name, ok=False, said=said, seconds=seconds)


def _test_volume(folder: Path, storage: Storage) -> str:
    path = folder / f"probe-{secrets.token_hex(8)}.txt"
    data = secrets.token_bytes(64)
    storage.write(path, data)
    try:
        if path.name not in {entry.name for entry in folder.iterdir()}:
            raise ProbeFailed("A file that was written is not listed.")
        if path.read_bytes() != data:
            raise ProbeFailed("A file that was written has different contents when read.")
    finally:
        path.unlink()
    return "written, listed, read and deleted"


def _test_model(name: str) -> str:
    workspace().api_client.do(
        "POST",
        f"/serving-endpoints/{name}/invocations",
        body={"messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 5},
    )
    return "answers"


def _test_language_models(table: Mapping[str, object]) -> str:
    """Name the models of ``[model]``, of which none is called: a call may cost something.

    Their prices must be known, because every job of a server has a limit in dollars.
    """
    found = read_model_table(table)
    models = configured_models(found, Limits(cost_usd=1)) if found else None
    roles: dict[str, list[str]] = {}
    for role, priced in models.by_role.items() if models else ():
        for one in priced:
            try:
                if isinstance(one.model, HostedModel):
                    one.model.load()
            except ModelFailure as failure:
                raise ProbeFailed(f"{failure}.") from failure
        roles.setdefault(", else ".join(one.model.name for one in priced), []).append(role)
    return "; ".join(f"{', '.join(named)}: {name}" for name, named in roles.items())


def _test_source(source: ConfiguredSource) -> str:
    if source.service:
        return anyio.run(_asked, source.service)
    path = source_path(source.source)
    if path is None:
        raise ProbeFailed("Sources of this kind cannot be read yet.")
    files = list(islice(walk(path.resolve(strict=True)), MOST_FILES))
    readable = [file for file in files if file.reason is None]
    if not readable:
        raise ProbeFailed(f"{counted(len(files), 'file')} found, none of which may be read.")
    with os.fdopen(open_file(readable[0].path), "rb") as file:
        file.read(1)
    return f"{counted(len(readable), 'file')} found"


async def _asked(service: Service) -> str:
    """Ask a service what it can do; no word of a question is sent, and no page is opened."""
    if fault := service.fault(here=True):
        raise ProbeFailed(" ".join(fault))
    opened = open_service(service)
    try:
        if isinstance(opened, McpServer):
            tools = await opened.tools()
            return f"calls {tools.search}" + (f" and {tools.fetch}" if tools.fetch else "")
        return "can be asked" if service.scheme in ("search", "python") else "can be opened"
    except ServiceFailed as error:
        raise ProbeFailed(str(error)) from error
    finally:
        await opened.close()


def _test_secret(reference: str) -> str:
    read_secret(reference)
    return f"{reference} can be read"


def _test_egress(host: str, port: int) -> str:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=host) as secured,
    ):
        return f"connected ({secured.version()})"
