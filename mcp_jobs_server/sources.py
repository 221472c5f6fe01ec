"""What jobs may read: sources that are configured, granted or typed by a person."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from mcp_jobs_server.errors import (
    Conflict,
    InvalidArgument,
    NotFound,
    NotGranted,
    NothingToSearch,
)
from mcp_jobs_server.grants import GrantsFile, grant, path_of, real_path, shown
from mcp_jobs_server.settings import Settings
from researcher_job.contract import Source

__all__ = ["Sources", "grant", "grant_command"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):", re.ASCII)
_LONGEST = 2000
_SHOWN_NAMES = 12


class Sources:
    """The sources of this server.

    ``extra`` are those a person named when starting it; they hold as long as it runs and go
    before others of the same name.
    """

    def __init__(self, settings: Settings, *, extra: Sequence[Source] = ()) -> None:
        self._settings = settings
        self._extra = tuple(extra)
        self._grants = GrantsFile(settings.grants_file)

    def all(self) -> tuple[Source, ...]:
        """Return every source: configured, granted so far, named at start.

        Raises:
            InvalidArgument: the list of granted sources was edited and cannot be understood.
        """
        found: dict[str, Source] = {}
        for source in (*self._settings.sources, *self._grants.read()):
            found.setdefault(source.name.casefold(), source)
        found.update({source.name.casefold(): source for source in self._extra})
        return tuple(found.values())

    def granted(self) -> tuple[Source, ...]:
        """Return the sources of the file of grants, which ``remove`` can take back."""
        return self._grants.read()

    def add(self, name: str, directory: Path) -> Source:
        """Grant a folder or file under a name, effective at once in every process.

        Raises:
            InvalidArgument: the name is none.
            Conflict: another source has the name.
            NotFound, NotGranted: there is no such folder, or it may never be read.
        """
        check_name(name)
        source = Source(name=name, uri=grant(directory, self._settings).as_uri())
        with self._grants.changing() as granted:
            there = _named(name, (*self._settings.sources, *self._extra, *granted))
            if there and (there.uri, there.name) != (source.uri, name):
                raise Conflict(
                    f"There is a source named '{there.name}' already: {_place(there)}.",
                    "Choose another name, or remove that one first.",
                )
            if not there:
                granted.append(source)
        return source

    def remove(self, name: str) -> bool:
        """Take a grant back; ``False``: no source has that name.

        Raises:
            Conflict: the source is configured elsewhere and cannot be removed here.
        """
        with self._grants.changing() as granted:
            there = _named(name, granted)
            if there:
                granted.remove(there)
                return True
        if _named(name, self._settings.sources):
            raise Conflict(
                f"'{shown(name)}' is configured in {self._settings.config}.", "Remove it there."
            )
        return False

    def resolve(self, named: Sequence[str], *, remote: bool) -> tuple[Source, ...]:
        """Return the sources that a caller named, each once; all of them where none is named.

        A path inside a granted folder gives a narrower source. ``remote``: the caller is on
        another machine, so its paths mean nothing here.

        Raises:
            NothingToSearch: none is named and none configured.
            NotFound: no source has that name, or the path does not exist.
            NotGranted: nobody granted that path; the hint is the command that does.
            InvalidArgument: what is named cannot be a source.
        """
        sources = self.all()
        if not sources and not (named and self._settings.allow_any_path and not remote):
            self._refuse_urls(named)
            self._nothing(named, remote=remote)
        if not named:
            return self._present(sources)
        found = [self._one(text.strip(), sources, remote=remote) for text in named]
        return tuple({source.uri: source for source in found}.values())

    def typed(self, texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[Source, ...]]:
        """Part what a person typed into names of sources and folders, which are thereby granted.

        A folder is typed as ``DIR`` or ``NAME=DIR``; a known name goes before a folder called
        the same (``./name`` is always the folder).

        Raises:
            NotFound, NotGranted, InvalidArgument: it is neither, or may never be read.
        """
        known = self.all()
        names = [text for text in texts if _named(text, known)]
        folders: list[Source] = []
        for text in texts:
            if text not in names:
                folders.append(self._typed_folder(text, (*known, *folders)))
        return tuple(names), tuple(folders)

    # --- one name -------------------------------------------------------------------------

    def _typed_folder(self, text: str, known: Sequence[Source]) -> Source:
        _check_text(text)
        _refuse_url(text, known)
        name, equals, directory = text.partition("=")
        path = path_of(text) if text.startswith("file:") else Path(text)
        if equals and NAME.fullmatch(name) and not path.expanduser().exists():
            if taken := _named(name, known):
                raise Conflict(
                    f"There is a source named '{taken.name}' already.", "Choose another."
                )
            return Source(name=name, uri=grant(Path(directory), self._settings).as_uri())
        if _is_name(text) and not path.exists():
            raise _unknown(text, known)
        real = grant(path, self._settings)
        return Source(name=_free_name(real, known), uri=real.as_uri())

    def _one(self, text: str, sources: Sequence[Source], *, remote: bool) -> Source:
        _check_text(text)
        if source := _named(text, sources):
            return self._checked(source)
        _refuse_url(text, sources)
        if not _is_path(text):
            raise _unknown(text, sources)
        if remote:
            raise NotGranted("This server cannot see your computer.", _listed(sources))
        return self._narrowed(_absolute(text, sources), sources)

    def _narrowed(self, path: Path, sources: Sequence[Source]) -> Source:
        real = grant(path, self._settings)
        for source in sources:
            if source.uri.startswith("file:") and (inside := _inside(real, path_of(source.uri))):
                return _below(source, inside, real)
        if self._settings.allow_any_path:
            return Source(name=_free_name(real, sources), uri=real.as_uri())
        leads = "" if real == path else f" It leads to {shown(real)}."
        raise NotGranted(
            f"{shown(path)} is not granted.{leads}",
            f"To grant it, run: {grant_command(real, sources)}",
        )

    def _checked(self, source: Source) -> Source:
        """Return the source at its real place; links may have changed since it was granted."""
        return Source(name=source.name, uri=self._real(source).as_uri())

    def _real(self, source: Source) -> Path:
        try:
            return grant(path_of(source.uri), self._settings)
        except NotFound as error:
            raise NotFound(
                f"The folder of the source '{source.name}' is gone: {_place(source)}.",
                "Put it back, or remove the source and add it again.",
            ) from error

    def _present(self, sources: Sequence[Source]) -> tuple[Source, ...]:
        """Return the sources that are there; a job over all of them goes on without the others."""
        found: list[Source] = []
        gone: NotFound | None = None
        for source in sources:
            try:
                found.append(self._checked(source))
            except NotFound as error:
                gone = gone or error
        if not found and gone:
            raise gone
        return tuple(found)

    def _refuse_urls(self, named: Iterable[str]) -> None:
        for text in named:
            _check_text(text)
            _refuse_url(text, ())

    def _nothing(self, named: Sequence[str], *, remote: bool) -> None:
        paths = [text for text in named if _is_path(text)]
        if paths and not remote:
            self._narrowed(_absolute(paths[0], ()), ())
        if paths:
            raise NotGranted("This server cannot see your computer.", _listed(()))
        raise NothingToSearch(
            "There is nothing to search: no source is configured, and the web cannot be searched.",
            'Add a folder of documents: mcp-jobs-server sources add documents "/path/to/folder"',
        )


def check_name(name: str) -> None:
    """Raise ``InvalidArgument`` unless ``name`` can be the name of a source."""
    if not NAME.fullmatch(name):
        odd = _odd_character(name)
        raise InvalidArgument(
            f"'{shown(name)}' cannot be the name of a source{odd}.",
            "A name has 1 to 64 letters (a-z), digits, '.', '_' and '-', a letter or digit first.",
        )


def grant_command(real: Path, sources: Sequence[Source] = ()) -> str:
    """Return the command that grants ``real``, ready to paste into a shell."""
    path = f'"{real}"' if os.name == "nt" else shlex.quote(str(real))
    return f"mcp-jobs-server sources add {_free_name(real, sources)} {path}"


def _named(name: str, sources: Iterable[Source]) -> Source | None:
    wanted = name.casefold()
    return next((source for source in sources if source.name.casefold() == wanted), None)


def _check_text(text: str) -> None:
    if not text.strip() or len(text) > _LONGEST:
        raise InvalidArgument(
            f"A source has 1 to {_LONGEST:,} characters, not {len(text):,}.",
            "Pass the name of a source or a path.",
        )
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise InvalidArgument(
            f"The source '{shown(text)}' holds control characters.", "Pass it without them."
        )


def _refuse_url(text: str, sources: Sequence[Source]) -> None:
    scheme = _SCHEME.match(text)
    if not scheme or scheme[1].lower() == "file":
        return
    said = (
        "The web cannot be searched"
        if scheme[1].lower() in ("http", "https")
        else (f"'{scheme[1]}:' sources cannot be searched")
    )
    raise InvalidArgument(f"{said} from here: {shown(text)}.", _listed(sources))


def _is_path(text: str) -> bool:
    return text.startswith(("~", ".", "file:")) or "/" in text or "\\" in text


def _is_name(text: str) -> bool:
    return not _is_path(text)


def _absolute(text: str, sources: Sequence[Source]) -> Path:
    path = path_of(text) if text.startswith("file:") else Path(text)
    if ".." in path.parts:
        raise InvalidArgument(f"The path {shown(text)} holds '..'.", "Pass it without.")
    if text.startswith("~"):
        path = _expanded(path)
    if not path.is_absolute():
        raise InvalidArgument(
            f"The path {shown(text)} is not a whole path.",
            f"Pass it from the root on, or a name. {_listed(sources)}",
        )
    return path


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise NotFound(f"There is no {shown(path)}.", "Check the path.") from error


def _inside(real: Path, root: Path) -> Path | None:
    """Return the part of ``real`` below ``root`` (``.`` for the root itself), if it is there."""
    try:
        return real.relative_to(real_path(root))
    except (ValueError, NotFound, NotGranted):
        return None


def _below(source: Source, inside: Path, real: Path) -> Source:
    name = source.name if inside == Path() else f"{source.name}/{inside.as_posix()}"
    return Source(name=name, uri=real.as_uri())


def _unknown(text: str, sources: Sequence[Source]) -> NotFound:
    folded = {source.name.casefold(): source.name for source in sources}
    near = difflib.get_close_matches(text.casefold(), folded, n=1, cutoff=0.5)
    guess = f"Did you mean '{folded[near[0]]}'? " if near else ""
    odd = _odd_character(text)
    return NotFound(f"There is no source '{shown(text)}'{odd}.", f"{guess}{_listed(sources)}")


def _odd_character(text: str) -> str:
    """Name a character that only looks like one of a name's, such as a Cyrillic letter."""
    import unicodedata

    odd = next((char for char in text if not char.isascii()), "")
    if not odd:
        return ""
    called = unicodedata.name(odd, f"U+{ord(odd):04X}")
    return f" (it holds '{shown(odd)}', {called})"


def _listed(sources: Sequence[Source]) -> str:
    if not sources:
        return "No source is configured here."
    names = ", ".join(source.name for source in sources[:_SHOWN_NAMES])
    more = f" and {len(sources) - _SHOWN_NAMES} more" if len(sources) > _SHOWN_NAMES else ""
    return f"The sources here: {names}{more}."


def _free_name(real: Path, sources: Iterable[Source]) -> str:
    """Propose a name for a folder, made of its own name, that no other source has."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", real.name.lower()).strip("-._")[:60] or "documents"
    taken = {source.name.casefold() for source in sources}
    numbered = (f"{plain}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (plain, *numbered) if name not in taken)


def _place(source: Source) -> str:
    try:
        return shown(path_of(source.uri))
    except InvalidArgument:
        return shown(source.uri)
