"""Settings of the server. The only reader of the environment and of ``research.toml``."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_jobs_server import __version__, surroundings
from mcp_jobs_server.errors import InvalidArgument
from mcp_jobs_server.models import Owner
from researcher_job.contract import Limits, Source

KEYS = {
    "MCP_JOBS_DATA_DIR": "directory of all data (default: the user's data directory)",
    "MCP_JOBS_CONFIG": "path of research.toml",
    "MCP_JOBS_BACKEND": "where jobs run: local",
    "MCP_JOBS_MAX_RUNNING": "jobs that run at one time on this machine (default 2)",
    "MCP_JOBS_MAX_MINUTES": "most active minutes of one job (default 30)",
    "MCP_JOBS_MAX_TOOL_CALLS": "most tool calls of one job (default 500)",
    "MCP_JOBS_MAX_TOKENS": "most model tokens of one job (default 2000000)",
    "MCP_JOBS_MAX_COST_USD": "most US dollars of one job (default 5)",
    "MCP_JOBS_ALLOW_PATHS": "'any' lets a caller name any path of this machine",
    "MCP_JOBS_LOG_LEVEL": "level of the log on standard error (default WARNING)",
}
"""Every variable that is read, with its meaning; shown by ``doctor`` and the documentation."""

JOB_MARK = "MCP_JOBS_JOB"
DATA_MARK = "MCP_JOBS_DATA"
"""Marks that runners leave in the environment of what they start, to find it again: the job's
id, the data directory. Nobody sets them, and a server started by a job ignores them."""


DEFAULT_CAPS = Limits(minutes=30, tool_calls=500, tokens=2_000_000, cost_usd=5)


@dataclass(frozen=True)
class Settings:
    """All that the server can be told, resolved once at start.

    ``caps`` bound the limits of every job; ``stop_grace_seconds`` is how long a stopped job
    may take to end by itself before it is killed, ``finish_grace_seconds`` how long one that
    was asked for its report; ``report_seconds`` bounds writing a report from a folder.
    """

    data_dir: Path
    backend: str = "local"
    config: Path | None = None
    max_running: int = 2
    caps: Limits = DEFAULT_CAPS
    allow_any_path: bool = False
    sources: tuple[Source, ...] = ()
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
        """File of the sources that were granted on the command line."""
        return self.data_dir / "sources.json"

    @property
    def profile(self) -> str:
        """Name of the surroundings a job of this server runs in: interpreter, version,
        configuration, settings and what it can notice of the environment."""
        parts = (
            *(sys.executable, os.path.realpath(sys.executable), sys.prefix, __version__),
            str(Path(__file__).parent),
            *(str(self.config or ""), str(self.max_running), str(self.stop_grace_seconds)),
            *(str(self.finish_grace_seconds), str(self.report_seconds)),
            surroundings.digest(os.environ),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Names of the variables that look like secrets, which a job of this server is given."""
        return surroundings.secret_names(os.environ)


def load(environ: Mapping[str, str] = os.environ, *, config: Path | None = None) -> Settings:
    """Return the settings from ``environ`` above ``research.toml`` above the defaults.

    Raises:
        InvalidArgument: a value is not what its variable or key needs, or a key is unknown.
    """
    known = {*KEYS, JOB_MARK, DATA_MARK}
    unknown = sorted(name for name in environ if name.startswith("MCP_JOBS_") and name not in known)
    if unknown:
        raise InvalidArgument(
            f"Unknown environment variable {unknown[0]}.",
            f"The known ones are {', '.join(KEYS)}.",
        )
    named = config or (Path(environ["MCP_JOBS_CONFIG"]) if environ.get("MCP_JOBS_CONFIG") else None)
    file = _read(named) if named else {}
    value = _Values(environ, file.get("server", {}))
    if (backend := value.text("BACKEND", "local")) != "local":
        raise InvalidArgument(f"MCP_JOBS_BACKEND is {backend!r}.", "It must be 'local'.")
    return Settings(
        data_dir=Path(value.text("DATA_DIR", "") or default_data_dir()).expanduser().absolute(),
        backend=backend,
        config=named.absolute() if named else None,
        max_running=int(value.number("MAX_RUNNING", 2, least=1)),
        caps=Limits(
            minutes=value.number("MAX_MINUTES", 30, least=0.01),
            tool_calls=int(value.number("MAX_TOOL_CALLS", 500, least=1)),
            tokens=int(value.number("MAX_TOKENS", 2_000_000, least=1)),
            cost_usd=value.number("MAX_COST_USD", 5, least=0),
        ),
        allow_any_path=value.text("ALLOW_PATHS", "") == "any",
        sources=_sources(file.get("sources", {}), base=named.absolute().parent if named else None),
        log_level=value.text("LOG_LEVEL", "WARNING").upper(),
    )


def default_data_dir() -> str:
    from platformdirs import user_data_dir

    return user_data_dir("mcp-jobs-server", appauthor=False)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgument(
            f"The configuration {path} cannot be read ({error.strerror}).",
            "Correct MCP_JOBS_CONFIG or create the file.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"The configuration {path} is not valid TOML: {error}.") from error
    unknown = sorted(set(found) - {"server", "sources"})
    if unknown:
        raise InvalidArgument(
            f"Unknown table [{unknown[0]}] in {path}.",
            "The tables are [server] and [sources.NAME].",
        )
    for name, value in found.items():
        if not isinstance(value, dict):
            raise InvalidArgument(
                f"'{name}' in {path} is a value, not a table.", f"Write [{name}] on a line alone."
            )
    return found


def _sources(tables: Mapping[str, Any], *, base: Path | None) -> tuple[Source, ...]:
    found = []
    for name, table in tables.items():
        uri = table.get("uri") if isinstance(table, dict) else None
        if not isinstance(uri, str) or set(table) - {"uri"}:
            raise InvalidArgument(
                f"[sources.{name}] needs exactly one key, uri.",
                'Write for example uri = "file:///home/me/documents".',
            )
        found.append(Source(name=name, uri=_absolute(uri, base)))
    return tuple(found)


def _absolute(uri: str, base: Path | None) -> str:
    """Take a plain path (relative to the configuration) for what it means: a ``file:`` URI."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri):  # one letter would be a Windows drive
        return uri
    return ((base or Path.cwd()) / Path(uri).expanduser()).resolve().as_uri()


class _Values:
    """One setting after the other: the environment first, the ``[server]`` table second."""

    def __init__(self, environ: Mapping[str, str], table: Mapping[str, Any]) -> None:
        known = {name.removeprefix("MCP_JOBS_").lower() for name in KEYS}
        unknown = sorted(set(table) - known)
        if unknown:
            raise InvalidArgument(
                f"Unknown key {unknown[0]!r} in [server].",
                f"The keys are {', '.join(sorted(known))}.",
            )
        self._environ = environ
        self._table = table

    def text(self, name: str, default: str) -> str:
        return str(self._environ.get(f"MCP_JOBS_{name}") or self._table.get(name.lower(), default))

    def number(self, name: str, default: float, *, least: float) -> float:
        said = self.text(name, str(default))
        try:
            number = float(said)
        except ValueError:
            number = float("nan")
        if not least <= number < 1e12:
            raise InvalidArgument(
                f"MCP_JOBS_{name} is {said!r}.", f"It must be a number of at least {least:g}."
            )
        return number
