"""Checks of this machine: what jobs need, with the finding and advice of each check."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Literal

from mcp_jobs_server.backends.local.options import JOB_COMMAND
from mcp_jobs_server.core.errors import JobsError, NotFound
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.sources.grants import grantable_path, path_from_uri
from mcp_jobs_server.sources.registry import Sources
from research_contract.configuration import read_configuration
from research_contract.probes import LANGUAGE_MODELS, Checked, Probed
from research_contract.services import Service

WARN_BELOW_BYTES = 500_000_000
"""Less free space gives a warning: index and snapshots of a few thousand documents may not fit."""
BROKEN_BELOW_BYTES = 50_000_000

_PROBE_SECONDS = 300.0
_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")
_MAIN_REQUIREMENTS = (
    "mcp",
    "pydantic",
    "anyio",
    "uvicorn",
    "starlette",
    "psutil",
    "filelock",
    "rich",
)


@dataclass(frozen=True)
class Check:
    """The result of one check. ``advice`` says what to do if the state is not ``ok``."""

    name: str
    state: Literal["ok", "warning", "broken"]
    found: str
    advice: str = ""

    def fields(self) -> dict[str, object]:
        return asdict(self)


def local_checks(settings: Settings) -> list[Check]:
    """Run all checks of this machine. Temporary files are the only change, and are removed.

    Checks that matter only to local jobs are left out if jobs run on Databricks.
    """
    if settings.backend == "lakeflow":
        return [check for part in (_python, _dependencies, _settings) for check in part(settings)]
    table = read_configuration(settings.config).model if settings.config else {}
    asked = _asked(settings) if settings.services or table else {}
    all_checks: tuple[Callable[[Settings], Iterator[Check]], ...] = (
        _python,
        _data_directory,
        _space,
        _sqlite,
        _database,
        _locks,
        _runner,
        _dependencies,
        _vectors,
        partial(_language_models, table=table, asked=asked),
        partial(_sources, asked=asked),
        _settings,
    )
    return [check for part in all_checks for check in part(settings)]


def _python(settings: Settings) -> Iterator[Check]:
    del settings
    yield Check("Python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _data_directory(settings: Settings) -> Iterator[Check]:
    directory = settings.data_dir
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=directory, prefix=".doctor") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        advice = "Make it writable, or set MCP_JOBS_DATA_DIR to a directory that is."
        found = f"{directory} cannot be written ({error.strerror})"
        yield Check("data directory", "broken", found, advice)
        return
    yield Check("data directory", "ok", str(directory))


def _space(settings: Settings) -> Iterator[Check]:
    parents = (settings.data_dir, *settings.data_dir.parents)
    free = shutil.disk_usage(next(path for path in parents if path.is_dir())).free
    found = f"{free / 1e9:,.1f} GB"
    if free < BROKEN_BELOW_BYTES:
        yield Check("free space", "broken", found, "Free some space to let jobs write reports.")
    elif free < WARN_BELOW_BYTES:
        yield Check("free space", "warning", found, "Large sources may not fit.")
    else:
        yield Check("free space", "ok", found)


def _sqlite(settings: Settings) -> Iterator[Check]:
    del settings
    advice = "Use a Python whose SQLite was built with FTS5, such as one from python.org."
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute("create virtual table t using fts5(text)")
            database.execute("insert into t values ('research')")
            database.execute("select text from t where t match 'research'").fetchone()
    except sqlite3.Error as error:
        yield Check("SQLite", "broken", f"{sqlite3.sqlite_version}: {error}", advice)
        return
    yield Check("SQLite", "ok", f"{sqlite3.sqlite_version} with FTS5")


def _database(settings: Settings) -> Iterator[Check]:
    """Read the job database, to report damage or a newer version."""
    from mcp_jobs_server.backends.local.paths import DataPaths
    from mcp_jobs_server.backends.local.rebuild import unlisted
    from mcp_jobs_server.backends.local.store.database import Database

    paths = DataPaths(settings.data_dir)
    database = Database(paths)
    if not database.exists and not any(paths.jobs.glob("*/*/*")):
        yield Check("job database", "ok", "none yet; the first job creates it")
        return
    try:
        with database.read() as reader:
            jobs = reader.execute("SELECT count(*) FROM jobs").fetchone()[0]
        lost = len(unlisted(database, paths))
    except JobsError as error:
        yield Check("job database", "broken", error.message, error.hint)
    else:
        found = f"{jobs} job{'' if jobs == 1 else 's'}"
        if lost:
            found = f"{found}; {lost} job folders are not listed"
            advice = "To list them again: mcp-jobs-server jobs rebuild"
            yield Check("job database", "warning", found, advice)
        else:
            yield Check("job database", "ok", found)
    finally:
        database.close()


def _locks(settings: Settings) -> Iterator[Check]:
    """Locks that do not exclude, as on some network drives, would let two runners run one job."""
    from filelock import FileLock, Timeout

    path = settings.data_dir / f".doctor-{os.getpid()}.lock"
    advice = "Set MCP_JOBS_DATA_DIR to a directory on a local disk."
    try:
        with FileLock(path), FileLock(path, timeout=0):
            yield Check("locks", "broken", "two processes can hold a lock at the same time", advice)
    except Timeout:
        yield Check("locks", "ok", "one holder at a time")
    except OSError as error:
        yield Check("locks", "broken", f"cannot be acquired ({error.strerror})", advice)
    finally:
        with suppress(OSError):
            path.unlink()


def _runner(settings: Settings) -> Iterator[Check]:
    from mcp_jobs_server.backends.local.locks import is_held
    from mcp_jobs_server.backends.local.paths import DataPaths

    paths = DataPaths(settings.data_dir)
    try:
        held_locks = [lock for lock in sorted(paths.locks.glob("runner-*.lock")) if is_held(lock)]
    except OSError as error:
        advice = "Make the data directory writable, or set MCP_JOBS_DATA_DIR to one that is."
        yield Check("runner", "broken", f"cannot be found ({error.strerror})", advice)
        return
    running = paths.runner_lock(settings.profile) in held_locks
    others = len(held_locks) - running
    found = "running" if running else "not running; it starts with the next job"
    found += f"; {others} with other configurations" if others else ""
    yield Check("runner", "ok", found)


def _dependencies(settings: Settings) -> Iterator[Check]:
    del settings
    try:
        lines = importlib.metadata.requires("mcp-jobs-server") or []
        matches = (_REQUIREMENT.match(line) for line in lines if "extra ==" not in line)
        required = sorted(match[0] for match in matches if match)
    except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
        required = list(_MAIN_REQUIREMENTS)
    versions, missing = [], []
    for name in required:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        advice = "Install mcp-jobs-server again."
        yield Check("dependencies", "broken", f"missing: {', '.join(missing)}", advice)
    else:
        yield Check("dependencies", "ok", ", ".join(versions))


def _vectors(settings: Settings) -> Iterator[Check]:
    """Yield whether jobs compare what is meant, too; they also work without."""
    del settings
    try:
        found = f"wordllama {importlib.metadata.version('wordllama')}"
    except importlib.metadata.PackageNotFoundError:
        found = "not installed: jobs compare words only; pip install 'mcp-jobs-server[semantic]'"
    yield Check("vectors", "ok", found)


def _language_models(
    settings: Settings, *, table: Mapping[str, object], asked: Mapping[str, Checked]
) -> Iterator[Check]:
    """Yield which language models jobs use, by name; without any, jobs find and do not write."""
    del settings
    if not table:
        found = "none: research.toml has no table [model], so jobs find and do not write"
        try:
            found += f"; pydantic-ai-slim {importlib.metadata.version('pydantic-ai-slim')}"
        except importlib.metadata.PackageNotFoundError:
            found += "; to use one, pip install 'mcp-jobs-server[model]'"
        yield Check(LANGUAGE_MODELS, "ok", found)
        return
    checked = asked.get(LANGUAGE_MODELS)
    found = checked.said if checked else "the job did not say which models it uses"
    if checked and checked.ok:
        yield Check(LANGUAGE_MODELS, "ok", found)
    else:
        yield Check(LANGUAGE_MODELS, "broken", found, "Correct [model] in research.toml.")


def _sources(settings: Settings, *, asked: Mapping[str, Checked]) -> Iterator[Check]:
    try:
        sources = Sources(settings).all()
    except JobsError as error:
        yield Check("sources", "broken", error.message, error.hint)
        return
    if not sources:
        advice = 'Add a folder: mcp-jobs-server sources add documents "/path/to/folder"'
        yield Check("sources", "warning", "none", advice)
    for source in sources:
        name = f"source {source.name}"
        if service := settings.services.get(source.name):
            yield _service(name, service, asked)
        else:
            yield _source(name, source.uri, settings)


def _asked(settings: Settings) -> dict[str, Checked]:
    """Return what a probe of the job says: only the job can ask services and read ``[model]``."""
    command = [*JOB_COMMAND, "--probe", "--json", "--config", str(settings.config)]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_PROBE_SECONDS, check=False, text=True
        )
        return {one.name: one for one in Probed.model_validate_json(done.stdout).checks}
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}


def _service(name: str, service: Service, asked: Mapping[str, Checked]) -> Check:
    if fault := service.fault(here=True):
        return Check(name, "broken", *fault)
    checked = asked.get(name)
    if checked and checked.ok:
        return Check(name, "ok", f"{service.uri}: {checked.said}")
    found = checked.said if checked else "the job did not say whether it can be asked"
    return Check(name, "broken", f"{service.uri}: {found}", "Correct it in research.toml.")


def _source(name: str, uri: str, settings: Settings) -> Check:
    try:
        path = grantable_path(path_from_uri(uri), settings)
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            with path.open("rb") as file:
                file.read(1)
    except NotFound:
        return Check(name, "broken", f"{uri} is gone", "Restore it, or remove the source.")
    except JobsError as error:
        return Check(name, "broken", error.message, "Remove the source, or name another folder.")
    except OSError as error:
        found = f"{uri} cannot be read ({error.strerror})"
        return Check(name, "broken", found, "Give your account permission to read it.")
    return Check(name, "ok", str(path))


def _settings(settings: Settings) -> Iterator[Check]:
    caps = settings.caps
    found = (
        f"configuration {settings.config or 'none'}; backend {settings.backend};"
        f" at most {settings.max_running} concurrent jobs, each at most {caps.minutes:g} minutes,"
        f" {caps.tool_calls} tool calls, {caps.tokens} tokens, ${caps.cost_usd:g};"
        f" any path allowed: {'yes' if settings.allow_any_path else 'no'}"
    )
    yield Check("settings", "ok", found)
