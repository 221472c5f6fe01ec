"""Which files of a source its own patterns leave out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pathspec import GitIgnoreSpec

from research_contract.records import SourceRef


@dataclass(frozen=True)
class Selection:
    """The patterns of a source.

    Those of ``exclude`` are matched with folders and files, those of ``include`` with files only,
    so that a file is found however deep it lies. They count from the folder above the source's
    root by ``part``.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    part: str = ""

    @classmethod
    def of(cls, source: SourceRef) -> Selection:
        return cls(source.include, source.exclude, source.part)

    def leaves_out_root(self, name: str, *, folder: bool) -> bool:
        """Whether the root itself is left out, or a folder that the patterns find above it.

        ``name`` is that of the root, which stands for the path of a file that was granted.
        """
        parts = self.part.split("/") if self.part else []
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        if any(self._leaves_out(path, folder=True) for path in above):
            return True
        return bool(parts or not folder) and self._leaves_out(self.part or name, folder=folder)

    def leaves_out(self, below: str, *, folder: bool) -> bool:
        """Whether the file or folder at ``below``, its path below the root, is left out."""
        return self._leaves_out(f"{self.part}/{below}" if self.part else below, folder=folder)

    def _leaves_out(self, path: str, *, folder: bool) -> bool:
        if self.exclude and self._excluded.check_file(path + "/" * folder).include:
            return True
        return bool(self.include) and not folder and not self._included.check_file(path).include

    @cached_property
    def _included(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines(self.include)

    @cached_property
    def _excluded(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines(self.exclude)
