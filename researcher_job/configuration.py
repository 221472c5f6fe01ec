"""``research.toml``: what server and job read, each the tables that concern it.

Like ``contract`` it imports the standard library and pydantic only, and the server may import it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from researcher_job.contract import Record, Source

TABLES = ("server", "auth", "sources")
_SOURCE_KEYS = {"uri", "audience"}


class ConfigurationError(ValueError):
    """The file cannot be used: ``message`` says what is wrong, ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class ConfiguredSource(Record):
    """``[sources.NAME]``. ``audience`` is the group whose members may use the source.

    "" is nobody where callers are told apart (a shared deployment), and the one person who is
    there otherwise.
    """

    name: str
    uri: str
    audience: str = ""

    @property
    def source(self) -> Source:
        return Source(name=self.name, uri=self.uri)


class Configuration(Record):
    """The file, its values not yet checked by whom they are for."""

    server: dict[str, Any] = Field(default_factory=dict)
    auth: dict[str, Any] = Field(default_factory=dict)
    sources: tuple[ConfiguredSource, ...] = ()


def read_configuration(path: Path) -> Configuration:
    """Return what stands in the file at ``path``.

    Raises:
        ConfigurationError: it cannot be read, is no TOML, or holds what nobody reads.
    """
    tables = _tables(path)
    return Configuration(
        server=tables.get("server", {}),
        auth=tables.get("auth", {}),
        sources=_sources(tables.get("sources", {}), path.absolute().parent),
    )


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The configuration {path} cannot be read ({error.strerror}).",
            "Correct MCP_JOBS_CONFIG or create the file.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The configuration {path} is not valid TOML: {error}.") from error
    for name, value in found.items():
        if name not in TABLES:
            raise ConfigurationError(
                f"Unknown table [{name}] in {path}.",
                "The tables are [server], [auth] and [sources.NAME].",
            )
        if not isinstance(value, dict):
            raise ConfigurationError(
                f"'{name}' in {path} is a value, not a table.", f"Write [{name}] on a line alone."
            )
    return found


def _sources(tables: Mapping[str, Any], base: Path) -> tuple[ConfiguredSource, ...]:
    return tuple(_source(name, table, base) for name, table in tables.items())


def _source(name: str, table: object, base: Path) -> ConfiguredSource:
    said = table if isinstance(table, dict) else {}
    if not isinstance(said.get("uri"), str) or not all(isinstance(v, str) for v in said.values()):
        raise ConfigurationError(
            f"[sources.{name}] needs the key uri, a text.",
            'Write for example uri = "file:///home/me/documents".',
        )
    if unknown := sorted(set(said) - _SOURCE_KEYS):
        raise ConfigurationError(
            f"Unknown key {unknown[0]!r} in [sources.{name}].", "The keys are uri and audience."
        )
    return ConfiguredSource(
        name=name, uri=_absolute(said["uri"], base), audience=said.get("audience", "")
    )


def _absolute(uri: str, base: Path) -> str:
    """Take a plain path (relative to the configuration) for what it means: a ``file:`` URI."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri):  # one letter would be a Windows drive
        return uri
    return (base / Path(uri).expanduser()).resolve().as_uri()
