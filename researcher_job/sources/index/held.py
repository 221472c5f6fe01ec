"""Documents that indexes of other sources hold already, by the content of their files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from researcher_job.sources.document import Block, Context, Document, Inside
from researcher_job.sources.index.draft import VERSION
from researcher_job.sources.index.index import as_read_only

_MOST_INDEXES = 20
"""So many are looked into, those used last."""

_MOST_EACH = 3
"""Files of the same name and size that are remembered."""

_FILES = """
SELECT address, signature, sha256 FROM files WHERE reason IS NULL
AND (SELECT value FROM facts WHERE name = 'version') = ?
"""
_DOCUMENTS = """
SELECT documents.id, documents.address, title, tail, gaps
FROM files JOIN documents ON documents.id BETWEEN document AND document + documents - 1
WHERE files.address = ? AND sha256 = ? ORDER BY documents.id
"""
_BLOCKS = """
SELECT kind, start, stop, locator, context, lead, body FROM blocks WHERE document = ? ORDER BY id
"""

Wanted = tuple[str, int]
"""The name of a file, without its folder and quoted as in an address, and its size in bytes."""


@dataclass(frozen=True)
class _Place:
    index: Path
    address: str
    sha256: str


class Held:
    """Of the ``wanted`` files, those whose documents may stand in one of ``indexes``.

    A file is known by its name, size and SHA-256, wherever it lies: what readers make of it depends
    on nothing else. Indexes of another version, or gone, hold nothing.
    """

    def __init__(self, indexes: Sequence[Path], wanted: Iterable[Wanted]) -> None:
        self._places: dict[Wanted, list[_Place]] = {one: [] for one in wanted}
        for index in indexes[:_MOST_INDEXES] if self._places else ():
            for address, signature, sha256 in _rows(index, _FILES, VERSION):
                held = self._places.get(wanted_by(address, int(signature.partition(".")[0])))
                if held is not None and len(held) < _MOST_EACH:
                    held.append(_Place(index, address, sha256))

    def hashes(self, wanted: Wanted) -> Sequence[str]:
        """Return the SHA-256 (hex) of what is held under this name and of this size."""
        return [one.sha256 for one in self._places.get(wanted, ())]

    def take(self, wanted: Wanted, sha256: str) -> Document | None:
        """Return the document of this content; ``None`` if it is gone, which is then forgotten."""
        places = self._places.get(wanted, [])
        for place in [one for one in places if one.sha256 == sha256]:
            if document := _document(place):
                return document
            places.remove(place)
        return None


def most_alike(indexes: Sequence[Path], files: Collection[Wanted]) -> Path | None:
    """Return the index that holds most of ``files``, here with their whole addresses.

    ``None`` where none holds half of them: to take those out would cost more than it saves.
    """
    shared = {
        index: sum(
            (address, int(signature.partition(".")[0])) in files
            for address, signature, _ in _rows(index, _FILES, VERSION)
        )
        for index in indexes[:_MOST_INDEXES]
    }
    best = max(shared, key=shared.__getitem__, default=None)
    return best if best and 2 * shared[best] > len(files) else None


def wanted_by(address: str, size: int) -> Wanted:
    """Return what is known of the file at ``address`` before it is opened."""
    return address.rpartition("/")[2], size


def _document(place: _Place) -> Document | None:
    found: list[Inside] = []
    rows = list(_rows(place.index, _DOCUMENTS, place.address, place.sha256))
    for number, address, title, tail, _ in rows:
        parts: list[str] = []
        blocks: list[Block] = []
        for kind, start, stop, locator, context, lead, body in _rows(place.index, _BLOCKS, number):
            parts += (lead, body)
            spans = tuple(Context(*one) for one in json.loads(context))
            blocks.append(Block(kind, start, stop, locator, spans))
        name = unquote(address.removeprefix(place.address).removeprefix("#"))
        found.append(Inside(name, Document(title, "".join((*parts, tail)), blocks)))
    if not found:
        return None
    # A file of which only the files inside it have text has no document of its own.
    own = found.pop(0).document if not found[0].name else Document("", "", ())
    return Document(own.title, own.text, own.blocks, tuple(json.loads(rows[0][-1])), tuple(found))


def _rows(index: Path, statement: str, *values: object) -> Iterator[tuple[Any, ...]]:
    try:
        with closing(sqlite3.connect(as_read_only(index), uri=True)) as database:
            yield from database.execute(statement, values)
    except sqlite3.DatabaseError:
        return
