"""What lies in a folder: which files may be read, and which may not and why."""

from __future__ import annotations

import errno
import os
import re
import stat
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from research_contract import records
from research_contract.text.safe import one_line
from research_contract.text.unseen import BREAKS
from researcher_job.sources.document import Reason
from researcher_job.sources.documents import opening
from researcher_job.sources.documents.ignore import Ignored, rules_above
from researcher_job.sources.documents.opening import MAX_BYTES, changed_ns, look, signature
from researcher_job.sources.documents.selection import Selection

_CREDENTIALS = re.compile(
    r"id_(?:rsa|dsa|ecdsa|ed25519).*|.*\.(?:pem|key|p12|pfx|ppk|kdbx|keystore|jks|env)"
    r"|credentials.*|.*[_-]credentials\..*|secrets\.(?:json|ya?ml|toml|ini)"
)
_MACHINE_MADE = frozenset({"__pycache__", "node_modules"})
_OF_A_JOB = frozenset({records.STATUS, records.RUN, records.STEPS, records.OUTCOME, records.ENDED})
_BREAKS = re.compile(f"[\n\r\t{BREAKS}]")
_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*")
_PACKAGE = re.compile(r".*\.(?:dist|egg)-info", re.S)
_OF_INSTALLERS = re.compile(
    r"(?:record(?:\.jws|\.p7s)?|wheel|installer|requested|direct_url\.json|(?:not-)?zip-safe"
    r"|(?:top_level|entry_points|requires|sources|dependency_links|namespace_packages)\.txt)"
)
"""What installers write beside a package, for programs only."""

_MARKERS = frozenset({"__init__.py", "py.typed"})
"""Files that say by being there what they have to say, where they are empty."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file below a source's root; ``reason`` is set where it must not be opened.

    ``name`` is its relative path with ``/``, fit to be shown; ``address`` the same, quoted for
    a URI. Of a source that is itself a file ``name`` is the file's, ``address`` empty.
    ``signature`` changes when the file does; ``changed_ns`` is when it did last.
    """

    path: str
    name: str
    address: str
    size: int = 0
    signature: str = ""
    changed_ns: int = 0
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be listed: where, its path below the root (ends with ``/``), its rules."""

    path: str
    below: str
    ignored: Ignored


def walk(
    root: Path, *, avoid: Path | None = None, selection: Selection | None = None
) -> Iterator[Found]:
    """Yield the files at or below ``root``, those of a folder in the order of their names.

    Not found at all, and so not counted, are hidden files and folders, names that look like
    credentials, what the repository around a file leaves out by its ``.gitignore``, job
    folders, folders and files that programs keep for themselves (``__pycache__``,
    ``node_modules``, lists of installers), ``avoid``, and links to what lies inside ``root``,
    which is found where it is. Links are never followed, special files never opened. ``root``
    must be absolute and free of links: if its path leads through one, nothing is found there.
    What ``selection`` leaves out is found, with that reason, and a folder is not looked into.
    """
    top = str(root)
    selection = selection or Selection()
    try:
        about = look(top)
    except OSError as error:
        yield _unlisted(root, _Folder(top, "", Ignored()), error)
        return
    is_folder = stat.S_ISDIR(about.st_mode)
    if selection.leaves_out_root(root.name, folder=is_folder):
        yield Found(top, _shown(root.name), "", reason=Reason.LEFT_OUT)
        return
    if not is_folder:
        yield _look(top, root.name, "", about)
        return
    folders = [_Folder(top, "", rules_above(top))]
    while folders:
        inner: list[_Folder] = []
        for found in _listed(root, folders.pop(), str(avoid) if avoid else None, selection):
            if isinstance(found, Found):
                yield found
            else:
                inner.append(found)
        folders.extend(reversed(inner))


def _listed(
    root: Path, folder: _Folder, avoid: str | None, selection: Selection
) -> Iterator[Found | _Folder]:
    with ExitStack() as stack:
        try:
            place = stack.enter_context(opening.folder(folder.path))
            with os.scandir(place) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield _unlisted(root, folder, error)
            return
        yield from _entries(root, folder, entries, avoid, selection)


def _entries(
    root: Path,
    folder: _Folder,
    entries: Sequence[os.DirEntry[str]],
    avoid: str | None,
    selection: Selection,
) -> Iterator[Found | _Folder]:
    names = {entry.name for entry in entries}
    if _is_job(names):
        return
    rules = folder.ignored.inside(folder.path, names)
    of_package = _PACKAGE.fullmatch(folder.path.lower()) is not None
    for entry in entries:
        path = f"{folder.path.rstrip(os.sep)}{os.sep}{entry.name}"
        if _ignored(entry.name, of_package=of_package) or path == avoid:
            continue
        is_folder = entry.is_dir(follow_symlinks=False)
        if rules.levels and rules.leaves_out(path, folder=is_folder):
            continue
        below = folder.below + entry.name
        if selection.leaves_out(below, folder=is_folder):
            name = f"{_shown(below)}{'/' * is_folder}"
            yield Found(path, name, _quoted(below), reason=Reason.LEFT_OUT)
        elif is_folder:
            yield _Folder(path, f"{below}/", rules)
        elif (found := _entry(root, below, path, entry)) is not None:
            yield found


def _unlisted(root: Path, folder: _Folder, error: OSError) -> Found:
    deep = error.errno == errno.ENAMETOOLONG
    reason = Reason.DEEP_FOLDER if deep else Reason.FORBIDDEN_FOLDER
    below = folder.below.rstrip("/")
    return Found(folder.path, _shown(below or root.name), _quoted(below), reason=reason)


def _entry(root: Path, below: str, path: str, entry: os.DirEntry[str]) -> Found | None:
    if entry.is_symlink():
        return _link(root, below, path)
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError:
        return Found(path, _shown(below), _quoted(below), reason=Reason.GONE)
    if not about.st_size and entry.name in _MARKERS:
        return None
    return _look(path, below, below, about)


def _link(root: Path, below: str, path: str) -> Found | None:
    reason = Reason.LINK_OUT
    try:
        if Path(path).resolve(strict=True).is_relative_to(root):
            return None
    except (OSError, RuntimeError):  # RuntimeError: how Python 3.11 and 3.12 report a loop
        reason = Reason.BROKEN_LINK
    return Found(path, _shown(below), _quoted(below), reason=reason)


def _look(path: str, name: str, below: str, about: os.stat_result) -> Found:
    reason = None
    if not stat.S_ISREG(about.st_mode):
        reason = Reason.SPECIAL
    elif about.st_size > MAX_BYTES:
        reason = Reason.TOO_LARGE
    return Found(
        path=path,
        name=_shown(name),
        address=_quoted(below),
        size=about.st_size,
        signature=signature(about),
        changed_ns=changed_ns(about),
        reason=reason,
    )


def _shown(below: str) -> str:
    """Return a path fit to be shown: on one line, in valid Unicode, steering nothing."""
    if below.isascii() and below.isprintable():
        return below
    said = os.fsencode(below).decode("utf-8", "replace")
    return one_line(_BREAKS.sub(lambda found: f"<U+{ord(found[0]):04X}>", said))


def _quoted(below: str) -> str:
    return below if _PLAIN.fullmatch(below) else urllib.parse.quote(os.fsencode(below))


def _ignored(name: str, *, of_package: bool) -> bool:
    lower = name.lower()
    if (
        lower.startswith(".")
        or lower in _MACHINE_MADE
        or (of_package and _OF_INSTALLERS.fullmatch(lower))
    ):
        return True
    return _CREDENTIALS.fullmatch(lower) is not None


def _is_job(names: set[str]) -> bool:
    return records.REQUEST in names and not names.isdisjoint(_OF_A_JOB)
