"""Settings of the server. The only reader of the environment and of ``research.toml``."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mcp_jobs_server import __version__
from mcp_jobs_server.core import environment
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.network import split_host
from research_contract.configuration import Configuration, ConfigurationError, read_configuration
from research_contract.processes import DATA_MARK, JOB_MARK
from research_contract.records import Limits, SourceRef
from research_contract.services import Service

KEYS = {
    "MCP_JOBS_DATA_DIR": "directory of all data (default: the user's data directory)",
    "MCP_JOBS_CONFIG": "path of research.toml",
    "MCP_JOBS_BACKEND": "where jobs run: local or lakeflow (default local)",
    "MCP_JOBS_VOLUME": "lakeflow: volume of the job folders, /Volumes/catalog/schema/volume",
    "MCP_JOBS_JOB_ID": "lakeflow: id of the deployed job that does the research",
    "MCP_JOBS_PRINCIPALS": "service principals that may call: application ids, comma-separated",
    "MCP_JOBS_HOSTS": "hosts by which clients reach this server over HTTP, comma-separated",
    "MCP_JOBS_RETENTION_DAYS": "days to keep an ended job; 0 for ever (default 0)",
    "MCP_JOBS_MAX_RUNNING": "maximum concurrent jobs on this machine (default 2)",
    "MCP_JOBS_MAX_MINUTES": "maximum active minutes of one job (default 30)",
    "MCP_JOBS_MAX_TOOL_CALLS": "maximum tool calls of one job (default 500)",
    "MCP_JOBS_MAX_TOKENS": "maximum model tokens of one job (default 2000000)",
    "MCP_JOBS_MAX_COST_USD": "maximum cost of one job in US dollars (default 5)",
    "MCP_JOBS_MAX_ACTIVE": "maximum active jobs of one owner; 0: no limit (default 0)",
    "MCP_JOBS_MAX_STARTS_A_DAY": "maximum starts of one owner in 24 hours; 0: no limit (default 0)",
    "MCP_JOBS_MAX_COST_A_DAY": "maximum cost of one owner in 24 hours; 0: no limit (default 0)",
    "MCP_JOBS_MAX_QUEUED": "maximum queued jobs of all owners; 0: no limit (default 0)",
    "MCP_JOBS_ALLOW_PATHS": "'any' lets a caller name any path on this machine",
    "MCP_JOBS_LOG_LEVEL": "log level on standard error (default WARNING)",
}
"""Every variable that is read, with its meaning, for error messages and the documentation."""


BACKENDS = ("local", "lakeflow")
_VOLUME = re.compile(r"[^/\s]{1,255}/[^/\s]{1,255}/[^/\s]{1,255}")

DEFAULT_CAPS = Limits(minutes=30, tool_calls=500, tokens=2_000_000, cost_usd=5)


@dataclass(frozen=True)
class Quotas:
    """Quotas of one owner, and the maximum of queued jobs of all owners; 0 means no limit."""

    active: int = 0
    starts_a_day: int = 0
    cost_a_day: float = 0
    queued: int = 0


@dataclass(frozen=True)
class Settings:
    """The settings of the server, resolved once at start.

    ``caps`` are upper bounds for the limits of every job. ``stop_grace_seconds`` is how long a
    stopped job may take to exit before it is killed; ``finish_grace_seconds`` is the same for a
    job that was told to finish with a report. ``report_seconds`` bounds writing a report from an
    existing job folder.

    ``services`` are those of ``sources`` that are services, by name.
    ``auth_table`` is the raw ``[auth]`` table; ``auth/auth_table.py`` parses it when serving
    starts. ``volume`` and ``job_id`` are set only if the backend is ``lakeflow``. ``hosts`` are the
    hosts by which HTTP clients reach the server, besides the loopback names. ``app`` is the name of
    the Databricks App that this process runs as ("" elsewhere), and ``app_port`` the port that the
    app must listen on.
    """

    data_dir: Path
    backend: str = "local"
    config: Path | None = None
    max_running: int = 2
    caps: Limits = DEFAULT_CAPS
    allow_any_path: bool = False
    sources: tuple[SourceRef, ...] = ()
    services: Mapping[str, Service] = field(default_factory=dict)
    audiences: Mapping[str, str] = field(default_factory=dict)
    volume: str = ""
    job_id: int = 0
    principals: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    retention_days: int = 0
    quotas: Quotas = Quotas()
    auth_table: Mapping[str, Any] = field(default_factory=dict)
    app: str = ""
    app_port: int = 8000
    stop_grace_seconds: float = 5.0
    finish_grace_seconds: float = 20.0
    report_seconds: float = 60.0
    log_level: str = "WARNING"
    owner: Owner = field(default_factory=Owner.local)

    @property
    def jobs_dir(self) -> Path:
        """Root of all job folders."""
        return self.data_dir / "jobs"

    @property
    def grants_file(self) -> Path:
        """File of the sources granted on the command line."""
        return self.data_dir / "sources.json"

    @property
    def profile(self) -> str:
        """Identifier of the environment in which jobs of this server run: a hash of interpreter,
        version, configuration, settings and the relevant environment variables."""
        parts = (
            *(sys.executable, os.path.realpath(sys.executable), sys.prefix, __version__),
            str(Path(__file__).parents[1]),
            *(str(self.config or ""), str(self.max_running), str(self.stop_grace_seconds)),
            *(str(self.finish_grace_seconds), str(self.report_seconds)),
            environment.digest(os.environ),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Names of the variables that look like secrets and are passed on to jobs."""
        return environment.secret_names(os.environ)


def load_settings(
    environ: Mapping[str, str] = os.environ, *, config: Path | None = None
) -> Settings:
    """Return the settings: ``environ`` overrides ``research.toml``, which overrides the defaults.

    Raises:
        InvalidArgument: a value is not valid for its variable or key, or a name is unknown.
    """
    known = {*KEYS, JOB_MARK, DATA_MARK}  # a server may be started by a job
    unknown = sorted(name for name in environ if name.startswith("MCP_JOBS_") and name not in known)
    if unknown:
        raise InvalidArgument(
            f"Unknown environment variable {unknown[0]}.",
            f"Known variables: {', '.join(KEYS)}.",
        )
    path = config or (Path(environ["MCP_JOBS_CONFIG"]) if environ.get("MCP_JOBS_CONFIG") else None)
    try:
        file = read_configuration(path) if path else Configuration()
    except ConfigurationError as error:
        raise InvalidArgument(error.message, error.hint) from error
    value = _Values(environ, file.server)
    if (backend := value.text("BACKEND", "local")) not in BACKENDS:
        raise InvalidArgument(
            f"MCP_JOBS_BACKEND is {backend!r}.", "It must be 'local' or 'lakeflow'."
        )
    lakeflow = backend == "lakeflow"
    return Settings(
        data_dir=Path(value.text("DATA_DIR", "") or default_data_dir()).expanduser().absolute(),
        backend=backend,
        config=path.absolute() if path else None,
        max_running=int(value.number("MAX_RUNNING", 2, least=1)),
        caps=Limits(
            minutes=value.number("MAX_MINUTES", 30, least=0.01),
            tool_calls=int(value.number("MAX_TOOL_CALLS", 500, least=1)),
            tokens=int(value.number("MAX_TOKENS", 2_000_000, least=1)),
            cost_usd=value.number("MAX_COST_USD", 5, least=0),
        ),
        allow_any_path=value.text("ALLOW_PATHS", "") == "any",
        sources=configured_sources(file, local=not lakeflow),
        services={one.name: one.service for one in file.sources if one.service},
        audiences={configured.name: configured.audience for configured in file.sources},
        volume=_volume(value.text("VOLUME", "")) if lakeflow else "",
        job_id=_job_id(value.text("JOB_ID", "")) if lakeflow else 0,
        principals=tuple(re.findall(r"[^\s,]+", value.text("PRINCIPALS", ""))),
        hosts=_hosts(value.text("HOSTS", "")),
        retention_days=int(value.number("RETENTION_DAYS", 0, least=0)),
        quotas=Quotas(
            active=int(value.number("MAX_ACTIVE", 0, least=0)),
            starts_a_day=int(value.number("MAX_STARTS_A_DAY", 0, least=0)),
            cost_a_day=value.number("MAX_COST_A_DAY", 0, least=0),
            queued=int(value.number("MAX_QUEUED", 0, least=0)),
        ),
        auth_table=file.auth,
        app=environ.get("DATABRICKS_APP_NAME", ""),
        app_port=int(environ.get("DATABRICKS_APP_PORT") or 8000),
        log_level=value.text("LOG_LEVEL", "WARNING").upper(),
    )


def configured_sources(file: Configuration, *, local: bool) -> tuple[SourceRef, ...]:
    """Return the sources of the configuration.

    Where jobs are ``local``, links in the path of a ``file:`` URI are followed now: what they lead
    to later is not granted.
    """
    sources = [configured.source for configured in file.sources]
    return tuple(_without_links(source) if local else source for source in sources)


def _without_links(source: SourceRef) -> SourceRef:
    if not source.uri.startswith("file:///"):
        return source
    text = unquote(source.uri.removeprefix("file://"))
    path = Path(text[1:] if os.name == "nt" else text)
    with suppress(OSError, RuntimeError, ValueError):  # a start says what is wrong with it
        return source.model_copy(update={"uri": path.resolve().as_uri()})
    return source


def default_data_dir() -> str:
    """Return the data directory of the current user."""
    from platformdirs import user_data_dir

    return user_data_dir("mcp-jobs-server", appauthor=False)


def _volume(text: str) -> str:
    """Return ``/Volumes/catalog/schema/volume``; ``catalog.schema.volume`` is accepted too.

    The result is in lower case, as Unity Catalog stores names.
    """
    names = text.strip().lower().removeprefix("/volumes/").strip("/").replace(".", "/")
    if not _VOLUME.fullmatch(names):
        raise InvalidArgument(
            f"MCP_JOBS_VOLUME is {text!r}.", "Write /Volumes/catalog/schema/volume."
        )
    return f"/Volumes/{names}"


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(re.findall(r"[^\s,]+", text))
    for host in hosts:
        if split_host(host) is None:
            raise InvalidArgument(
                f"MCP_JOBS_HOSTS contains {host!r}.",
                "Write hosts as they stand in a URL, each with or without a port, separated by"
                " commas: research.example.com, proxy:8443.",
            )
    return hosts


def _job_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**63:
        raise InvalidArgument(
            f"MCP_JOBS_JOB_ID is {text!r}.",
            "It must be the id of the deployed job; `databricks bundle summary` shows it.",
        )
    return int(text)


class _Values:
    """Looks up single settings: in the environment first, then in the ``[server]`` table."""

    def __init__(self, environ: Mapping[str, str], table: Mapping[str, Any]) -> None:
        known = {name.removeprefix("MCP_JOBS_").lower() for name in KEYS}
        unknown = sorted(set(table) - known)
        if unknown:
            raise InvalidArgument(
                f"Unknown key {unknown[0]!r} in [server].",
                f"Known keys: {', '.join(sorted(known))}.",
            )
        self._environ = environ
        self._table = table

    def text(self, name: str, default: str) -> str:
        return str(self._environ.get(f"MCP_JOBS_{name}") or self._table.get(name.lower(), default))

    def number(self, name: str, default: float, *, least: float) -> float:
        text = self.text(name, str(default))
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number < 1e12:
            raise InvalidArgument(
                f"MCP_JOBS_{name} is {text!r}.", f"It must be a number of at least {least:g}."
            )
        return number
