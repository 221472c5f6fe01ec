"""What a repository itself leaves out: ``.gitignore`` files and ``.git/info/exclude``."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from research_contract.patterns import MAX_PATTERNS, fault_of_pattern
from researcher_job.sources.documents.opening import open_file

MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class _Level:
    """Patterns of one file, for paths below ``base`` (absolute, ends with a separator)."""

    base: str
    spec: GitIgnoreSpec


@dataclass(frozen=True)
class Ignored:
    """The rules in force in one folder; the innermost that matches decides, as in git."""

    levels: tuple[_Level, ...] = ()

    def leaves_out(self, path: str, *, folder: bool) -> bool:
        """Whether the file or folder at ``path`` (absolute) is left out by its repository."""
        for level in self.levels:
            said = path[len(level.base) :].replace(os.sep, "/") + ("/" if folder else "")
            decided = level.spec.check_file(said).include
            if decided is not None:
                return decided
        return False

    def inside(self, folder: str, names: Iterable[str]) -> Ignored:
        """Return the rules in force inside ``folder``, which holds ``names``.

        A folder with a ``.git`` is a repository of its own, for which outer rules do not count.
        Outside repositories a ``.gitignore`` says nothing.
        """
        base = folder.rstrip(os.sep) + os.sep
        names = frozenset(names)
        rules = self
        if ".git" in names:
            rules = Ignored((_Level(base, _spec(f"{base}.git/info/exclude")),))
        if rules.levels and ".gitignore" in names:
            rules = Ignored((_Level(base, _spec(f"{base}.gitignore")), *rules.levels))
        return rules


def rules_above(root: str) -> Ignored:
    """Return the rules of the repository around ``root`` (absolute, free of links).

    None where the repository leaves ``root`` itself out: a person named it all the same.
    """
    above = _ancestors(root)
    rules = Ignored()
    for folder, inner in zip(above, [*above[1:], root], strict=True):
        names = [name for name in (".git", ".gitignore") if os.path.lexists(f"{folder}/{name}")]
        rules = rules.inside(folder, names)
        if rules.leaves_out(inner, folder=True):
            return Ignored()
    return rules


def _ancestors(root: str) -> list[str]:
    found: list[str] = []
    folder = root
    while (parent := os.path.dirname(folder)) != folder:  # noqa: PTH120 - a walk is all strings
        found.append(parent)
        folder = parent
    return found[::-1]


def _spec(path: str) -> GitIgnoreSpec:
    lines = _read(path).decode("utf-8", "replace").splitlines()[:MAX_PATTERNS]
    return GitIgnoreSpec.from_lines(line for line in lines if not fault_of_pattern(line))


def _read(path: str) -> bytes:
    """Return what stands in the file, nothing where it is no regular file of sound size.

    A file behind a link is not read: what it says belongs to another place.
    """
    try:
        descriptor = open_file(path)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_BYTES:
            return b""
        return file.read(MAX_BYTES)
