"""The sources that jobs may read: configured, granted on the command line, or typed by a user."""

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
from mcp_jobs_server.sources.grants import (
    GrantsFile,
    fault_of,
    grantable_path,
    path_from_uri,
    printable,
)
from mcp_jobs_server.sources.names import (
    ADD_A_FOLDER,
    NAME,
    NO_SOURCE_FOR_CALLER,
    available_sources,
    check_name,
    check_patterns,
    check_text,
    find_by_name,
    free_name,
    grant_command,
    is_path,
    refuse_url,
    unknown_source,
)
from research_contract.patterns import files_of
from research_contract.records import SourceRef
from research_contract.services import is_service


class Sources:
    """The sources of this server.

    ``extra`` are sources that were named when the server was started. They are valid while it runs
    and take precedence over other sources of the same name.
    """

    def __init__(self, settings: Settings, *, extra: Sequence[SourceRef] = ()) -> None:
        self._settings = settings
        self._extra = tuple(extra)
        self._grants = GrantsFile(settings.grants_file)
        self._jobs_are_remote = settings.backend != "local"

    def all(self) -> tuple[SourceRef, ...]:
        """Return every source: configured, granted so far, and named at start.

        Remote jobs know only the sources of the configuration, so only those are returned then.

        Raises:
            InvalidArgument: the list of granted sources cannot be parsed.
        """
        if self._jobs_are_remote:
            return self._settings.sources
        by_name: dict[str, SourceRef] = {}
        for source in (*self._settings.sources, *self._grants.read()):
            by_name.setdefault(source.name.casefold(), source)
        by_name.update({source.name.casefold(): source for source in self._extra})
        return tuple(by_name.values())

    def granted(self) -> tuple[SourceRef, ...]:
        """Return the sources granted on the command line, which ``remove`` can revoke."""
        return self._grants.read()

    def add(
        self,
        name: str,
        directory: Path,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> SourceRef:
        """Grant a folder or file under a name; effective immediately in every process.

        Args:
            name: of the source.
            directory: the folder or file.
            include: patterns as in a ``.gitignore``: nothing else is read, if there are any.
            exclude: patterns of what is not read.

        Raises:
            InvalidArgument: the name or a pattern is not valid.
            Conflict: another source has the name.
            NotFound, NotGranted: the folder does not exist, or may never be read.
        """
        check_name(name)
        check_patterns((*include, *exclude))
        self._refuse_if_remote(self.all())
        uri = grantable_path(directory, self._settings).as_uri()
        source = SourceRef(name=name, uri=uri, include=tuple(include), exclude=tuple(exclude))
        with self._grants.changing() as granted:
            existing = find_by_name(name, (*self._settings.sources, *self._extra, *granted))
            if existing and existing != source:
                raise Conflict(
                    f"A source named '{existing.name}' exists already: {_location(existing)}.",
                    "Choose another name, or remove that source first.",
                )
            if not existing:
                granted.append(source)
        return source

    def remove(self, name: str) -> bool:
        """Revoke a grant; return ``False`` if no source has that name.

        Raises:
            Conflict: the source is configured in ``research.toml`` and cannot be removed here.
        """
        with self._grants.changing() as granted:
            source = find_by_name(name, granted)
            if source:
                granted.remove(source)
                return True
        if find_by_name(name, self._settings.sources):
            raise Conflict(
                f"'{printable(name)}' is configured in {self._settings.config}.",
                "Remove it there.",
            )
        return False

    def resolve(
        self,
        requested: Sequence[str],
        *,
        remote: bool,
        offered: Callable[[Sequence[SourceRef]], Sequence[SourceRef]] = tuple,
    ) -> tuple[SourceRef, ...]:
        """Return the sources that a caller named, without duplicates; all of them if none is named.

        A path inside a granted folder gives a narrower source. If all sources are used, those that
        are missing on disk, or lead elsewhere by now, are left out.

        Args:
            requested: names or paths.
            remote: whether the caller is on another machine, so that its paths have no meaning.
            offered: filters the sources that the caller may know about.

        Raises:
            NothingToSearch: none is named and none is configured.
            NotFound: no source has that name, or the path does not exist.
            NotGranted: the path is not granted; the hint is the command that grants it.
            InvalidArgument: the text cannot be a source.
        """
        sources = offered(self.all())
        if not sources and (self._jobs_are_remote or self.all()):
            raise NothingToSearch(*NO_SOURCE_FOR_CALLER)
        if requested:
            named = [self._resolve_one(text.strip(), sources, remote=remote) for text in requested]
            return tuple({files_of(source): source for source in named}.values())
        if not sources:
            raise NothingToSearch(
                "There is nothing to search: no source is configured, and the web cannot be"
                " searched.",
                ADD_A_FOLDER,
            )
        present: list[SourceRef] = []
        missing: list[NotFound | NotGranted] = []
        for source in sources:
            try:
                present.append(self._unmoved(source))
            except (NotFound, NotGranted) as error:
                missing.append(error)
        if not present and missing:
            raise missing[0]
        return tuple(present)

    def granted_again(
        self,
        source: SourceRef,
        *,
        offered: Callable[[Sequence[SourceRef]], Sequence[SourceRef]] = tuple,
    ) -> SourceRef | None:
        """Return the source of an earlier job as it is granted now; ``None``: it is not any more.

        Its place must be the same, without links, and lie in a source that is granted now.

        Args:
            source: the source as the earlier job recorded it.
            offered: filters the sources that the caller may know about.
        """
        granted = offered(self.all())
        if self._jobs_are_remote or is_service(source.uri):
            place = (source.name, source.uri)
            return next((one for one in granted if (one.name, one.uri) == place), None)
        try:
            path = path_from_uri(source.uri)
            if grantable_path(path, self._settings) != path:
                return None
        except (NotGranted, InvalidArgument):
            return None
        except NotFound:
            pass  # the job reads nothing there, and says that it is missing
        found = [(one, inside) for one in granted if (inside := _inside(path, one)) is not None]
        if not found:
            return source if self._settings.allow_any_path else None
        names = [_narrowed(*one) for one in found]
        return source if source in names else names[0]

    def granted_once(self, source: SourceRef) -> bool:
        """Return whether only this process grants the source: by ``extra``, or as any path."""
        if self._jobs_are_remote or is_service(source.uri):
            return False
        path = path_from_uri(source.uri)
        if any(_inside(path, one) is not None for one in self._extra):
            return True
        granted = any(_inside(path, one) is not None for one in self.all())
        return self._settings.allow_any_path and not granted

    def empty(self, sources: Sequence[SourceRef]) -> Sequence[str]:
        """Return what is wrong with each of these sources that has no file to read here."""
        if self._jobs_are_remote:
            return ()
        local = (one for one in sources if one.uri.startswith("file:"))
        faults = ((one.name, fault_of(path_from_uri(one.uri))) for one in local)
        return [f"The source '{name}' {fault}." for name, fault in faults if fault]

    def resolve_typed(self, texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[SourceRef, ...]]:
        """Split the texts that a local user typed into names of sources and folders to grant.

        A folder is typed as ``DIR`` or ``NAME=DIR``. A known name takes precedence over a folder
        of the same name; ``./name`` is always the folder.

        Raises:
            NotFound, NotGranted, InvalidArgument: a text is neither, or may never be read.
        """
        known = self.all()
        names = [text for text in texts if find_by_name(text, known)]
        folders: list[SourceRef] = []
        for text in texts:
            if text not in names:
                folders.append(self._typed_folder(text, (*known, *folders)))
        return tuple(names), tuple(folders)

    def _typed_folder(self, text: str, known: Sequence[SourceRef]) -> SourceRef:
        check_text(text)
        self._refuse_if_remote(known)
        refuse_url(text, known)
        path = path_from_uri(text) if text.startswith("file:") else Path(text)
        try:
            exists = path.expanduser().exists()
        except (OSError, RuntimeError):
            exists = False
        name, equals, directory = text.partition("=")
        if equals and NAME.fullmatch(name) and not exists:
            real = grantable_path(Path(directory), self._settings)
            taken = find_by_name(name, known)
            if taken and taken.uri != real.as_uri():
                raise Conflict(
                    f"A source named '{taken.name}' exists already.", "Choose another name."
                )
            return SourceRef(name=name, uri=real.as_uri())
        if not exists and not is_path(text):
            raise unknown_source(text, known)
        real = grantable_path(path, self._settings)
        same = next((source for source in known if source.uri == real.as_uri()), None)
        return same or SourceRef(name=free_name(real, known), uri=real.as_uri())

    def _refuse_if_remote(self, known: Sequence[SourceRef]) -> None:
        if self._jobs_are_remote:
            raise NotGranted(
                "Jobs of this server cannot read files on this computer.", available_sources(known)
            )

    def _resolve_one(self, text: str, sources: Sequence[SourceRef], *, remote: bool) -> SourceRef:
        check_text(text)
        if source := find_by_name(text, sources):
            return self._unmoved(source)
        refuse_url(text, sources)
        if not is_path(text):
            raise unknown_source(text, sources)
        if remote:
            raise NotGranted("This server cannot see your computer.", available_sources(sources))
        path = _absolute_path(text, sources)
        real = grantable_path(path, self._settings)
        for source in sources:
            inside = _inside(real, source)
            if inside is not None:
                return _narrowed(source, inside)
        if self._settings.allow_any_path:
            return SourceRef(name=free_name(real, sources), uri=real.as_uri())
        leads = "" if real == path else f" It leads to {printable(real)}."
        raise NotGranted(
            f"{printable(path)} is not granted.{leads}",
            f"To grant it, run: {grant_command(real, sources)}",
        )

    def _unmoved(self, source: SourceRef) -> SourceRef:
        """Return the source if it is still where it was granted.

        Remote jobs check their sources where they run, so those are returned as they are. Services
        are those of the configuration; whether they answer is found out by the job.

        Raises:
            NotFound: its folder is gone.
            NotGranted: it may never be read, or a link leads elsewhere since it was granted. Of a
                service: no word may be sent to it, or what it needs is not installed.
        """
        if is_service(source.uri):
            service = self._settings.services.get(source.name)
            if service and (fault := service.fault(here=not self._jobs_are_remote)):
                raise NotGranted(*fault)
            return source
        if self._jobs_are_remote:
            return source
        path = path_from_uri(source.uri)
        try:
            real = grantable_path(path, self._settings)
        except NotFound as error:
            raise NotFound(
                f"The folder of the source '{source.name}' is gone: {_location(source)}.",
                "Restore it, or remove the source and add it again.",
            ) from error
        if real != path:
            raise NotGranted(
                f"The source '{source.name}' leads to another place since it was granted:"
                f" {printable(real)}.",
                "Put its folder back, or remove the source and add the other place.",
            )
        return source


def _absolute_path(text: str, sources: Sequence[SourceRef]) -> Path:
    path = path_from_uri(text) if text.startswith("file:") else Path(text)
    if ".." in path.parts:
        raise InvalidArgument(f"The path {printable(text)} contains '..'.", "Pass it without.")
    if text.startswith("~"):
        try:
            path = path.expanduser()
        except RuntimeError as error:
            raise NotFound(f"There is no {printable(path)}.", "Check the path.") from error
    if not path.is_absolute():
        raise InvalidArgument(
            f"The path {printable(text)} is not absolute.",
            f"Pass an absolute path or a name. {available_sources(sources)}",
        )
    return path


def _inside(real: Path, source: SourceRef) -> Path | None:
    """Return ``real`` relative to the source (``.`` for the source itself); ``None`` if outside.

    The source is where it was granted: if there is a link by now, it is not followed.
    """
    if not source.uri.startswith("file:"):
        return None
    try:
        return real.relative_to(path_from_uri(source.uri))
    except (ValueError, InvalidArgument):
        return None


def _narrowed(source: SourceRef, inside: Path) -> SourceRef:
    """Return the part of a source at the path ``inside`` it."""
    if inside == Path():
        return source
    below = inside.as_posix()
    return source.model_copy(
        update={
            "name": f"{source.name}/{below}",
            "uri": (path_from_uri(source.uri) / inside).as_uri(),
            "part": below if source.include or source.exclude else "",
        }
    )


def _location(source: SourceRef) -> str:
    try:
        return printable(path_from_uri(source.uri))
    except InvalidArgument:
        return printable(source.uri)
