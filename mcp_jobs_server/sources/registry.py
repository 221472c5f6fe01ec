"""What jobs may read: sources that are configured, granted or typed by a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mcp_jobs_server.core.errors import (
    Conflict,
    InvalidArgument,
    NotFound,
    NotGranted,
    NothingToSearch,
)
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.sources.grants import GrantsFile, grant, path_from_uri, real_path, shown
from mcp_jobs_server.sources.names import (
    ADD_A_FOLDER,
    NAME,
    NONE_FOR_YOU,
    check_name,
    check_text,
    free_name,
    grant_command,
    is_path,
    listed,
    named,
    refuse_url,
    unknown,
)
from research_contract.records import SourceRef

__all__ = ["Sources", "grant", "grant_command"]


class Sources:
    """The sources of this server.

    ``extra`` are those a person named when starting it; they hold as long as it runs and go
    before others of the same name.
    """

    def __init__(self, settings: Settings, *, extra: Sequence[SourceRef] = ()) -> None:
        self._settings = settings
        self._extra = tuple(extra)
        self._grants = GrantsFile(settings.grants_file)
        self._away = settings.backend != "local"

    def all(self) -> tuple[SourceRef, ...]:
        """Return every source: configured, granted so far, named at start.

        Where jobs run elsewhere it is those of the configuration, which they read as well.

        Raises:
            InvalidArgument: the list of granted sources was edited and cannot be understood.
        """
        if self._away:
            return self._settings.sources
        found: dict[str, SourceRef] = {}
        for source in (*self._settings.sources, *self._grants.read()):
            found.setdefault(source.name.casefold(), source)
        found.update({source.name.casefold(): source for source in self._extra})
        return tuple(found.values())

    def granted(self) -> tuple[SourceRef, ...]:
        """Return the sources of the file of grants, which ``remove`` can take back."""
        return self._grants.read()

    def add(self, name: str, directory: Path) -> SourceRef:
        """Grant a folder or file under a name, effective at once in every process.

        Raises:
            InvalidArgument: the name is none.
            Conflict: another source has the name.
            NotFound, NotGranted: there is no such folder, or it may never be read.
        """
        check_name(name)
        self._refuse_away(self.all())
        source = SourceRef(name=name, uri=grant(directory, self._settings).as_uri())
        with self._grants.changing() as granted:
            there = named(name, (*self._settings.sources, *self._extra, *granted))
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
            there = named(name, granted)
            if there:
                granted.remove(there)
                return True
        if named(name, self._settings.sources):
            raise Conflict(
                f"'{shown(name)}' is configured in {self._settings.config}.", "Remove it there."
            )
        return False

    def resolve(
        self,
        asked: Sequence[str],
        *,
        remote: bool,
        offered: Callable[[Sequence[SourceRef]], Sequence[SourceRef]] = tuple,
    ) -> tuple[SourceRef, ...]:
        """Return the sources that a caller named, each once; all of them where none is named.

        A path inside a granted folder gives a narrower source. ``remote``: the caller is on
        another machine, so its paths mean nothing here. ``offered`` returns those of the sources
        that the caller may know of: the others are not there.

        Raises:
            NothingToSearch: none is named and none configured.
            NotFound: no source has that name, or the path does not exist.
            NotGranted: nobody granted that path; the hint is the command that does.
            InvalidArgument: what is named cannot be a source.
        """
        sources = offered(self.all())
        if not sources and (self._away or self.all()):
            raise NothingToSearch(*NONE_FOR_YOU)
        if asked:
            found = [self._one(text.strip(), sources, remote=remote) for text in asked]
            return tuple({source.uri: source for source in found}.values())
        if sources:
            return self._present(sources)
        raise NothingToSearch(
            "There is nothing to search: no source is configured, and the web cannot be searched.",
            ADD_A_FOLDER,
        )

    def typed(self, texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[SourceRef, ...]]:
        """Part what a person typed into names of sources and folders, which are thereby granted.

        A folder is typed as ``DIR`` or ``NAME=DIR``; a known name goes before a folder called
        the same (``./name`` is always the folder).

        Raises:
            NotFound, NotGranted, InvalidArgument: it is neither, or may never be read.
        """
        known = self.all()
        names = [text for text in texts if named(text, known)]
        folders: list[SourceRef] = []
        for text in texts:
            if text not in names:
                folders.append(self._typed_folder(text, (*known, *folders)))
        return tuple(names), tuple(folders)

    # --- one name -------------------------------------------------------------------------

    def _typed_folder(self, text: str, known: Sequence[SourceRef]) -> SourceRef:
        check_text(text)
        self._refuse_away(known)
        refuse_url(text, known)
        name, equals, directory = text.partition("=")
        path = path_from_uri(text) if text.startswith("file:") else Path(text)
        if _is_there(path):
            return self._granted_folder(path, known)
        if equals and NAME.fullmatch(name):
            return self._named_folder(name, Path(directory), known)
        if not is_path(text):
            raise unknown(text, known)
        return self._granted_folder(path, known)

    def _refuse_away(self, known: Sequence[SourceRef]) -> None:
        if self._away:
            raise NotGranted("Jobs of this server cannot see this computer.", listed(known))

    def _granted_folder(self, path: Path, known: Sequence[SourceRef]) -> SourceRef:
        real = grant(path, self._settings)
        same = next((source for source in known if source.uri == real.as_uri()), None)
        return same or SourceRef(name=free_name(real, known), uri=real.as_uri())

    def _named_folder(self, name: str, path: Path, known: Sequence[SourceRef]) -> SourceRef:
        source = SourceRef(name=name, uri=grant(path, self._settings).as_uri())
        taken = named(name, known)
        if taken and taken.uri != source.uri:
            raise Conflict(f"There is a source named '{taken.name}' already.", "Choose another.")
        return source

    def _one(self, text: str, sources: Sequence[SourceRef], *, remote: bool) -> SourceRef:
        check_text(text)
        if source := named(text, sources):
            return self._checked(source)
        refuse_url(text, sources)
        if not is_path(text):
            raise unknown(text, sources)
        if remote:
            raise NotGranted("This server cannot see your computer.", listed(sources))
        return self._narrowed(_absolute(text, sources), sources)

    def _narrowed(self, path: Path, sources: Sequence[SourceRef]) -> SourceRef:
        real = grant(path, self._settings)
        for source in sources:
            if source.uri.startswith("file:") and (
                inside := _inside(real, path_from_uri(source.uri))
            ):
                return _below(source, inside, real)
        if self._settings.allow_any_path:
            return SourceRef(name=free_name(real, sources), uri=real.as_uri())
        leads = "" if real == path else f" It leads to {shown(real)}."
        raise NotGranted(
            f"{shown(path)} is not granted.{leads}",
            f"To grant it, run: {grant_command(real, sources)}",
        )

    def _checked(self, source: SourceRef) -> SourceRef:
        """Return the source at its real place; links may have changed since it was granted.

        A source of jobs that run elsewhere is looked at there, by the job.
        """
        if self._away:
            return source
        return SourceRef(name=source.name, uri=self._real(source).as_uri())

    def _real(self, source: SourceRef) -> Path:
        try:
            return grant(path_from_uri(source.uri), self._settings)
        except NotFound as error:
            raise NotFound(
                f"The folder of the source '{source.name}' is gone: {_place(source)}.",
                "Put it back, or remove the source and add it again.",
            ) from error

    def _present(self, sources: Sequence[SourceRef]) -> tuple[SourceRef, ...]:
        """Return the sources that are there; a job over all of them goes on without the others."""
        found: list[SourceRef] = []
        gone: NotFound | None = None
        for source in sources:
            try:
                found.append(self._checked(source))
            except NotFound as error:
                gone = gone or error
        if not found and gone:
            raise gone
        return tuple(found)


def _absolute(text: str, sources: Sequence[SourceRef]) -> Path:
    path = path_from_uri(text) if text.startswith("file:") else Path(text)
    if ".." in path.parts:
        raise InvalidArgument(f"The path {shown(text)} holds '..'.", "Pass it without.")
    if text.startswith("~"):
        path = _expanded(path)
    if not path.is_absolute():
        raise InvalidArgument(
            f"The path {shown(text)} is not a whole path.",
            f"Pass it from the root on, or a name. {listed(sources)}",
        )
    return path


def _is_there(path: Path) -> bool:
    try:
        return path.expanduser().exists()
    except (OSError, RuntimeError):
        return False


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


def _below(source: SourceRef, inside: Path, real: Path) -> SourceRef:
    name = source.name if inside == Path() else f"{source.name}/{inside.as_posix()}"
    return SourceRef(name=name, uri=real.as_uri())


def _place(source: SourceRef) -> str:
    try:
        return shown(path_from_uri(source.uri))
    except InvalidArgument:
        return shown(source.uri)
