"""Reads ``research.toml``, the configuration file of the server and the job.

This module imports the standard library and pydantic only, because the server loads it at start.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from pydantic import Field, ValidationError

from research_contract.patterns import fault_of_pattern
from research_contract.records import Record, SourceRef
from research_contract.services import (
    KEYS as SERVICE_KEYS,
)
from research_contract.services import (
    Service,
    ServiceSettings,
    address_fault,
    is_secret,
    is_service,
)

TABLES = ("server", "auth", "researcher", "model", "sources")
_SOURCE_TEXTS = ("uri", "audience", "token")
_SOURCE_LISTS = ("include", "exclude")
_VOLUME = re.compile(r"[^/.\x00-\x20\x7f]{1,255}")


class ConfigurationError(ValueError):
    """The configuration is invalid: ``message`` says what is wrong, ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class ConfiguredSource(Record):
    """The table ``[sources.NAME]``.

    ``audience`` is the group whose members may use the source. Without one, nobody may in a shared
    deployment, where callers are identified, and the single user may elsewhere. ``token`` is a
    reference to the credential of the source (``secret:scope/key`` or ``env:NAME``), never the
    credential itself. ``include`` and ``exclude`` are the patterns of a ``SourceRef``, for folders;
    ``settings`` are the keys of a source that is a service.
    """

    name: str
    uri: str
    audience: str = ""
    token: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    settings: ServiceSettings = ServiceSettings()

    @property
    def source(self) -> SourceRef:
        return SourceRef(name=self.name, uri=self.uri, include=self.include, exclude=self.exclude)

    @property
    def service(self) -> Service | None:
        """The source as a service; ``None`` for folders and files."""
        if not is_service(self.uri):
            return None
        return Service(name=self.name, uri=self.uri, settings=self.settings, token=self.token)


class Configuration(Record):
    """The content of the file; the readers of the first four tables check their values."""

    server: dict[str, Any] = Field(default_factory=dict)
    auth: dict[str, Any] = Field(default_factory=dict)
    researcher: dict[str, Any] = Field(default_factory=dict)
    model: dict[str, Any] = Field(default_factory=dict)
    sources: tuple[ConfiguredSource, ...] = ()


def read_configuration(path: Path) -> Configuration:
    """Return the content of the file at ``path``.

    Raises:
        ConfigurationError: it cannot be read, is not TOML, or has an unknown table or key.
    """
    tables = _tables(path)
    return Configuration(
        server=tables.get("server", {}),
        auth=tables.get("auth", {}),
        researcher=tables.get("researcher", {}),
        model=tables.get("model", {}),
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
                "The tables are [server], [auth], [researcher], [model] and [sources.NAME].",
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
    uri, settings = said.get("uri"), {key: said[key] for key in SERVICE_KEYS if key in said}
    said = {key: value for key, value in said.items() if key not in settings}
    texts = (said.get(key, "") for key in _SOURCE_TEXTS)
    if not isinstance(uri, str) or not all(isinstance(one, str) for one in texts):
        raise ConfigurationError(
            f"[sources.{name}] needs the key uri, a text.",
            'Write for example uri = "file:///home/me/documents".',
        )
    if unknown := sorted(set(said) - {*_SOURCE_TEXTS, *_SOURCE_LISTS}):
        raise ConfigurationError(
            f"Unknown key {unknown[0]!r} in [sources.{name}].",
            "The keys are uri, audience, token, include and exclude; of services"
            f" {', '.join(SERVICE_KEYS)}, too.",
        )
    return ConfiguredSource(
        name=name,
        uri=_absolute(said["uri"], base),
        audience=said.get("audience", ""),
        token=_reference(name, said.get("token", "")),
        **{key: _patterns(name, key, said.get(key, [])) for key in _SOURCE_LISTS},
        settings=_settings(name, uri, settings),
    )


def _patterns(name: str, key: str, said: object) -> tuple[str, ...]:
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise ConfigurationError(
            f"The key {key} of [sources.{name}] is no list of texts.",
            f'Write for example {key} = ["*.md", "drafts/"].',
        )
    for pattern in said:
        if fault := fault_of_pattern(pattern):
            raise ConfigurationError(
                f"The pattern {pattern!r} in {key} of [sources.{name}] {fault}.",
                "Patterns are those of a .gitignore file.",
            )
    return tuple(said)


def _settings(name: str, uri: str, said: Mapping[str, Any]) -> ServiceSettings:
    if not is_service(uri):
        if said:
            raise ConfigurationError(
                f"The key {next(iter(said))!r} of [sources.{name}] is for services.",
                "Remove it: the source is a folder or file.",
            )
        return ServiceSettings()
    if fault := address_fault(uri):
        raise ConfigurationError(f"The uri of [sources.{name}] {fault}.")
    try:
        return ServiceSettings.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigurationError(
            f"[sources.{name}] cannot be used: {key}: {first['msg']}.".replace(": : ", ": ")
        ) from error


def _reference(name: str, token: str) -> str:
    if token and not is_secret(token):
        raise ConfigurationError(
            f"The token of [sources.{name}] does not name a secret.",
            'Secrets never stand in this file. Write token = "secret:scope/key" or "env:NAME".',
        )
    return token


def volume_path(uri: str) -> str | None:
    """Return the ``/Volumes/…`` path that the URI of a source names; ``None`` for other URIs.

    Accepted forms are ``volume:/catalog/schema/volume/path``, ``volume:catalog.schema.volume/path``
    and ``file:///Volumes/catalog/schema/volume/path``; the three names are returned in lower case.
    On macOS, where disks are mounted below ``/Volumes``, a file may look like the last form.

    Raises:
        ConfigurationError: it begins with ``volume:`` and names no volume.
    """
    named = uri.startswith("volume:")
    if not named and not uri.startswith(f"file://{_VOLUMES}"):
        return None
    rest = uri.removeprefix("volume:")
    said = _with_slashes(rest) if named else unquote(uri.removeprefix(f"file://{_VOLUMES}"))
    parts = [part for part in said.split("/") if part not in ("", ".")]
    if len(parts) >= 3 and ".." not in parts and all(map(_VOLUME.fullmatch, parts[:3])):
        return _VOLUMES + "/".join([*(part.lower() for part in parts[:3]), *parts[3:]])
    if not named:
        return None
    raise ConfigurationError(
        f"'{uri}' names no volume.", "Write volume:/catalog/schema/volume/path."
    )


_VOLUMES = "/Volumes/"


def _with_slashes(said: str) -> str:
    """Return ``catalog.schema.volume/path`` as a path with slashes."""
    if said.startswith("/"):
        return said.removeprefix("/Volumes")
    volume, _, path = said.partition("/")
    return f"{volume.replace('.', '/')}/{path}"


def _absolute(uri: str, base: Path) -> str:
    """Return ``uri``; a plain path, relative to the configuration file, becomes a ``file:`` URI."""
    if uri.startswith("volume:"):
        return f"volume:{(volume_path(uri) or '').removeprefix('/Volumes')}"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri):  # a single letter is a Windows drive
        return uri
    if uri.startswith(_VOLUMES):  # a volume: not resolved on this machine
        return PurePosixPath(posixpath.normpath(uri)).as_uri()
    return (base / Path(uri).expanduser()).resolve().as_uri()
