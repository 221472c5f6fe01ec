"""Rules for paths that may be granted to jobs, and the file of granted sources.

Some places are never granted: the root of a drive, a whole home folder, hidden paths, credentials,
system folders, and the data of this server.
"""

from __future__ import annotations

import json
import os
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mcp_jobs_server.core.errors import (
    InvalidArgument,
    NewerVersion,
    NotFound,
    NotGranted,
    Unavailable,
)
from mcp_jobs_server.core.settings import Settings
from research_contract.files import write_whole
from research_contract.records import SourceRef
from research_contract.text.safe import one_line

FORMAT_VERSION = 2
"""Version of the list of granted sources. Version 1 had no patterns, and is written without any:
a reader of that version would read what they leave out."""

_LOCK_SECONDS = 10

_MOST_FOLDERS = 1_000
_SYSTEM = ("etc", "proc", "sys", "dev", "boot", "run/secrets", "private/etc", "windows")
_HOME_PARENTS = ("home", "users", "var/home", "export/home")
_PASSWORD_STORES = (
    "library/keychains",
    "library/application support/google/chrome",
    "library/application support/firefox",
    "appdata/roaming/microsoft",
    "appdata/roaming/mozilla",
    "appdata/local/google/chrome",
)
"""Non-hidden folders below a home folder in which programs keep passwords and sessions."""

_CREDENTIAL_FOLDERS = frozenset({"keychains", "keyrings"})
_KEY_SUFFIXES = (".pem", ".key", ".p12", ".pfx", ".kdbx", ".keychain", ".keychain-db", ".jks")
_KEY_PREFIXES = ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")


def grantable_path(path: Path, settings: Settings) -> Path:
    """Return the real path of ``path``, with all links followed, if it may be granted.

    Raises:
        NotFound: there is no such file or folder.
        NotGranted: no job may ever read there; the error gives the reason.
    """
    real = real_path(path)
    if reason := _forbidden(real, settings):
        raise NotGranted(
            f"{printable(path)} cannot be a source: {reason}.",
            "Name a folder of documents instead.",
        )
    return real


def real_path(path: Path) -> Path:
    """Return the absolute path with every link followed.

    Raises:
        NotFound: there is no such file or folder.
        NotGranted: the path cannot be followed: a loop of links, or a folder without permission.
    """
    try:
        return path.expanduser().resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"There is no {printable(path)}.", "Check the path.") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise NotGranted(
            f"{printable(path)} cannot be opened.",
            "Check the path, its links, and that your account may read it.",
        ) from error


def fault_of(path: Path) -> str:
    """Return why a job would find no file at ``path``: "" if there is one, or if nothing is there.

    At most 1,000 folders are looked into; with more, there is one.
    """
    if path.is_dir():
        errors: list[OSError] = []
        folders = islice(os.walk(path, onerror=errors.append), _MOST_FOLDERS)
        for count, (_, inner, names) in enumerate(folders, start=1):
            inner[:] = [name for name in inner if not name.startswith(".")]
            if count == _MOST_FOLDERS or any(not name.startswith(".") for name in names):
                return ""
        return "cannot be read by your account" if errors else "has no file to read"
    is_locked = path.exists() and not os.access(path, os.R_OK)
    return "cannot be read by your account" if is_locked else ""


def path_from_uri(uri: str) -> Path:
    """Return the path that a ``file:`` URI names.

    Raises:
        InvalidArgument: ``uri`` is not a URI of a file on this machine.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = urlsplit("")
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or "\0" in path:
        raise InvalidArgument(
            f"'{printable(uri)}' is not a folder or file of this machine.",
            "Sources are folders and files, such as file:///home/me/documents.",
        )
    return Path(path[1:] if os.name == "nt" else path)


def printable(value: object) -> str:
    """Return a name or path for a message: visible, on one line, at most 200 characters."""
    return one_line(str(value), most=200)


# --- places that are never granted --------------------------------------------------------


def _forbidden(real: Path, settings: Settings) -> str:
    """Return why no job may read ``real``; "" if a job may.

    Paths are compared without case, since many file systems ignore case.
    """
    if real.parent == real:
        return "it is the root of a drive"
    path, data = _folded(real), _folded(settings.data_dir.resolve())
    everyone = [Path(path.anchor) / place for place in _HOME_PARENTS]
    is_home = path in everyone or path.parent in everyone
    if is_home or any(home.is_relative_to(path) for home in _homes()):
        return "it is a whole home folder"
    if any(_overlap(path, _folded(real.anchor) / place) for place in _SYSTEM):
        return "it belongs to the system"
    if path.is_relative_to(data):
        return "it holds the data of this server"
    # A walk skips hidden folders, so it cannot reach data below a hidden folder.
    if data.is_relative_to(path) and not _hidden(data.relative_to(path).parts):
        return "it holds the data of this server"
    if _hidden(_chosen_parts(path)):
        return "hidden files and folders are never read"
    return "credentials are never read" if _is_credential(path) else ""


def _hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith(".") for part in parts)


def _folded(path: Path | str) -> Path:
    return Path(str(path).casefold())


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _homes() -> frozenset[Path]:
    """Return the home folders of the accounts of people on this machine."""
    own = {_folded(Path.home().resolve())}
    try:
        import pwd
    except ImportError:
        return frozenset(own)
    people = (user for user in pwd.getpwall() if user.pw_uid == 0 or user.pw_uid >= 500)
    homes = {_folded(user.pw_dir) for user in people}
    return frozenset(own | {home for home in homes if home.parent != home})


def _chosen_parts(path: Path) -> Sequence[str]:
    """Return the parts of a path to check for hidden names.

    Installed libraries are public, and virtual environments are often in hidden folders
    (``.venv``). So for a path among the libraries of this program, only the parts below the
    library folder are checked.
    """
    for key in ("purelib", "platlib"):
        libraries = _folded(Path(sysconfig.get_path(key)).resolve())
        if path.is_relative_to(libraries) and path != libraries:
            return path.relative_to(libraries).parts
    return path.parts[1:]


def _is_credential(path: Path) -> bool:
    if any(_overlap(path, home / place) for home in _homes() for place in _PASSWORD_STORES):
        return True
    if not _CREDENTIAL_FOLDERS.isdisjoint(path.parts):
        return True
    return path.name.endswith(_KEY_SUFFIXES) or path.name.startswith(_KEY_PREFIXES)


# --- the file of grants -------------------------------------------------------------------


@dataclass(eq=False)
class GrantsFile:
    """``sources.json``: the sources granted on the command line. Read again whenever it changed."""

    path: Path
    _cached: tuple[tuple[int, int, int] | None, tuple[SourceRef, ...]] = field(
        default_factory=lambda: (None, ()), init=False
    )

    def read(self) -> tuple[SourceRef, ...]:
        """Return the granted sources; none if there is no file.

        Raises:
            InvalidArgument: the file cannot be parsed, for example after a manual edit.
            NewerVersion: a newer version wrote the file.
            Unavailable: the file cannot be read.
        """
        try:
            stat = self.path.stat()
            version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if version != self._cached[0]:
                self._cached = (version, self._parse(self.path.read_bytes()))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unavailable(
                f"The list of sources {printable(self.path)} cannot be read ({error.strerror}).",
                "Check that your account may read it.",
            ) from error
        return self._cached[1]

    @contextmanager
    def changing(self) -> Iterator[list[SourceRef]]:
        """Yield the list to change, under a lock; it is written if the block ends without error.

        Raises:
            Unavailable: another process holds the lock, or the list cannot be written.
        """
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS):
                sources = list(self.read())
                yield sources
                data = {
                    "format_version": (
                        FORMAT_VERSION if any(one.include or one.exclude for one in sources) else 1
                    ),
                    "sources": [source.model_dump() for source in sources],
                }
                write_whole(self.path, json.dumps(data, indent=2).encode() + b"\n")
        except Timeout as error:
            raise Unavailable(
                "Another process is changing the list of sources.", "Try again."
            ) from error
        except OSError as error:
            raise Unavailable(
                f"The list of sources {printable(self.path)} cannot be written ({error.strerror}).",
                "Free some space and check that your account may write there.",
            ) from error

    def _parse(self, data: bytes) -> tuple[SourceRef, ...]:
        try:
            raw = json.loads(data)
            if raw["format_version"] > FORMAT_VERSION:
                raise NewerVersion(
                    f"The list of sources {printable(self.path)} was written by a newer version.",
                    "Upgrade mcp-jobs-server.",
                )
            return tuple(SourceRef.model_validate(source) for source in raw["sources"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidArgument(
                f"The list of sources {printable(self.path)} cannot be parsed.",
                "Correct it, or delete it and add the sources again.",
            ) from error
