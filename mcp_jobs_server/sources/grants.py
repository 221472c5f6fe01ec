"""What may be granted to jobs at all, and the file of what a person granted.

Some places are never granted, whoever asks: a drive's root, a whole home folder, hidden paths,
credentials, secrets of the system, and our own data.
"""

from __future__ import annotations

import json
import os
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mcp_jobs_server.core.errors import (
    InvalidArgument,
    JobsError,
    NewerVersion,
    NotFound,
    NotGranted,
    Unavailable,
)
from mcp_jobs_server.core.settings import Settings
from research_contract.files import write_whole
from research_contract.records import SourceRef

FORMAT_VERSION = 1
_LOCK_SECONDS = 10
_NO_ROOM = "Free some space and check that you may write there."

_SYSTEM = ("etc", "proc", "sys", "dev", "boot", "run/secrets", "private/etc", "windows")
_HOMES_OF_ALL = ("home", "users", "var/home", "export/home")
_PASSWORDS = (
    "library/keychains",
    "library/application support/google/chrome",
    "library/application support/firefox",
    "appdata/roaming/microsoft",
    "appdata/roaming/mozilla",
    "appdata/local/google/chrome",
)
"""Places below a home folder, not hidden, where programs keep passwords and sessions."""
_CREDENTIAL_FOLDERS = frozenset({"keychains", "keyrings"})
_CREDENTIAL_ENDINGS = (".pem", ".key", ".p12", ".pfx", ".kdbx", ".keychain", ".keychain-db", ".jks")
_CREDENTIAL_STARTS = ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")


def grant(path: Path, settings: Settings) -> Path:
    """Return the real place of ``path``, all links followed, if it may be granted at all.

    Raises:
        NotFound: there is no such file or folder.
        NotGranted: it lies where no job may ever read; the error says why.
    """
    real = real_path(path)
    if why := _forbidden(real, settings):
        raise NotGranted(
            f"{shown(path)} cannot be a source: {why}.", "Name a folder of documents instead."
        )
    return real


def real_path(path: Path) -> Path:
    """Return the absolute path with every link followed.

    Raises:
        NotFound: there is no such file or folder.
        NotGranted: it cannot be followed: a loop of links, a folder that may not be entered.
    """
    try:
        return path.expanduser().resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"There is no {shown(path)}.", "Check the path.") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise NotGranted(
            f"{shown(path)} cannot be opened.",
            "Check the path, its links and that your account may read it.",
        ) from error


def path_from_uri(uri: str) -> Path:
    """Return the path that a ``file:`` URI names.

    Raises:
        InvalidArgument: it is not a URI of a file on this machine.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = urlsplit("")
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or "\0" in path:
        raise InvalidArgument(
            f"'{shown(uri)}' is not a folder or file of this machine.",
            "Sources are folders and files, such as file:///home/me/documents.",
        )
    return Path(path[1:] if os.name == "nt" else path)


def shown(value: object) -> str:
    """Show a name or path in a message: on one line, without control characters, not too long."""
    text = "".join(char if char.isprintable() else "�" for char in str(value))
    return text if len(text) <= 200 else text[:199] + "…"


# --- places that are never granted --------------------------------------------------------


def _forbidden(real: Path, settings: Settings) -> str:
    """Say why no job may read ``real``; "" where one may.

    Compared without regard to case: many file systems have none.
    """
    if real.parent == real:
        return "it is the root of a drive"
    path, data = _folded(real), _folded(settings.data_dir.resolve())
    if _whole_home(path):
        return "it is a whole home folder"
    if any(_overlap(path, _folded(real.anchor) / place) for place in _SYSTEM):
        return "it belongs to the system"
    if path.is_relative_to(data) or _visible_within(data, path):
        return "it holds the data of this server"
    if any(part.startswith(".") for part in _own_parts(path)):
        return "hidden files and folders are never read"
    return "credentials are never read" if _credential(path) else ""


def _folded(path: Path | str) -> Path:
    return Path(str(path).casefold())


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _whole_home(path: Path) -> bool:
    if any(home.is_relative_to(path) for home in _homes()):
        return True
    everyone = [Path(path.anchor) / place for place in _HOMES_OF_ALL]
    return path in everyone or path.parent in everyone


def _homes() -> frozenset[Path]:
    """Return the home folders of the people with an account on this machine."""
    own = {_folded(Path.home().resolve())}
    try:
        import pwd
    except ImportError:
        return frozenset(own)
    people = (user for user in pwd.getpwall() if user.pw_uid == 0 or user.pw_uid >= 500)
    homes = {_folded(user.pw_dir) for user in people}
    return frozenset(own | {home for home in homes if home.parent != home})


def _visible_within(inner: Path, outer: Path) -> bool:
    """Tell whether ``outer`` holds ``inner`` and a walk that skips hidden folders gets there."""
    if not inner.is_relative_to(outer):
        return False
    return not any(part.startswith(".") for part in inner.relative_to(outer).parts)


def _own_parts(path: Path) -> Sequence[str]:
    """Return the parts of a path that a person chose.

    Libraries are public wherever they are installed, and environments often lie in hidden
    folders (``.venv``): of a path among the running program's libraries, only the part below
    the folder of libraries counts.
    """
    for key in ("purelib", "platlib"):
        libraries = _folded(Path(sysconfig.get_path(key)).resolve())
        if path.is_relative_to(libraries) and path != libraries:
            return path.relative_to(libraries).parts
    return path.parts[1:]


def _credential(path: Path) -> bool:
    if any(_overlap(path, home / place) for home in _homes() for place in _PASSWORDS):
        return True
    if not _CREDENTIAL_FOLDERS.isdisjoint(path.parts):
        return True
    return path.name.endswith(_CREDENTIAL_ENDINGS) or path.name.startswith(_CREDENTIAL_STARTS)


# --- the file of grants -------------------------------------------------------------------


class GrantsFile:
    """``sources.json``: the sources a person granted. Read anew whenever it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[tuple[int, int, int] | None, tuple[SourceRef, ...]] = (None, ())

    def read(self) -> tuple[SourceRef, ...]:
        """Return the granted sources; none where there is no file.

        Raises:
            InvalidArgument: the file was edited by hand and cannot be understood.
            NewerVersion: a newer version wrote it.
        """
        try:
            stat = self._path.stat()
            version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if version != self._seen[0]:
                self._seen = (version, self._parse(self._path.read_bytes()))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unavailable(
                f"The list of sources {shown(self._path)} cannot be read ({error.strerror}).",
                "Check that your account may read it.",
            ) from error
        return self._seen[1]

    @contextmanager
    def changing(self) -> Iterator[list[SourceRef]]:
        """Give the list to change, alone; it is written whole when the block ends well.

        Raises:
            Unavailable: another process holds the list, or it cannot be written.
        """
        from filelock import FileLock, Timeout

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(f"{self._path}.lock", timeout=_LOCK_SECONDS):
                sources = list(self.read())
                yield sources
                self._write(sources)
        except Timeout as error:
            raise Unavailable(
                "Another process is changing the list of sources.", "Try again."
            ) from error
        except OSError as error:
            raise Unavailable(
                f"The list of sources {shown(self._path)} cannot be written ({error.strerror}).",
                _NO_ROOM,
            ) from error

    def _write(self, sources: Sequence[SourceRef]) -> None:
        listed = [source.model_dump() for source in sources]
        text = json.dumps({"format_version": FORMAT_VERSION, "sources": listed}, indent=2)
        write_whole(self._path, text.encode() + b"\n")

    def _parse(self, data: bytes) -> tuple[SourceRef, ...]:
        try:
            raw = json.loads(data)
            if raw["format_version"] > FORMAT_VERSION:
                raise self._newer()
            return tuple(SourceRef.model_validate(one) for one in raw["sources"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidArgument(
                f"The list of sources {shown(self._path)} cannot be understood.",
                "Correct it, or delete it and add the sources again.",
            ) from error

    def _newer(self) -> JobsError:
        return NewerVersion(
            f"The list of sources {shown(self._path)} was written by a newer version.",
            "Upgrade mcp-jobs-server.",
        )
