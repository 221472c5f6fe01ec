"""JSON and lines of JSON: each record a paragraph, values behind their names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers import code
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.text import title_of

_LINES = frozenset({".jsonl", ".ndjson"})
_HEAD = 1_000_000
_COMMENTED = re.compile(r"^[^\S\n]*(?://|/\*)|[,{\[\d\"]\s*(?://|/\*)|,\s*[}\]]", re.M)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|(\"(?:\\.|[^\"\\])*+\"?|/\*.*)", re.S)
_TRAILING = re.compile(r"(\"(?:\\.|[^\"\\])*+\"?)|,(?=\s*[}\]])", re.S)
_MAX_DEPTH = 30
_MAX_RECORD = 1_500
"""Characters; a larger object is said in its parts."""


class _HoldsRecords(Exception):
    """A list inside holds more than plain values, so that each of them is a record of its own."""


def read(data: bytes, name: str) -> Document:
    """Read JSON (one value) or, by its suffix, JSON lines (a value a line)."""
    text = decode(data)
    if _is_commented(text, name):
        return code.read(data, name)
    writer = DocumentWriter()
    if PurePosixPath(name.lower()).suffix in _LINES:
        for number, value in _values(text):
            _add(writer, value, f"record on line {number}")
    else:
        _add(writer, _parsed(text), "$")
    if not writer.units:
        raise Unreadable(Reason.EMPTY)
    return writer.document(title_of(name))


def _is_commented(text: str, name: str) -> bool:
    """Whether it is JSON for people, with comments: they say what the values mean, as in code."""
    suffix = PurePosixPath(name.lower()).suffix
    if suffix == ".json5" or (suffix != ".jsonc" and not _COMMENTED.search(text[:_HEAD])):
        return suffix == ".json5"
    plain = _COMMENT.sub(lambda found: found[1] or "", text)
    try:
        json.loads(_TRAILING.sub(lambda found: found[1] or "", plain))
    except (ValueError, RecursionError):
        return False
    return True


def _values(text: str) -> Iterator[tuple[int, Any]]:
    """Yield the sound lines; where not even one is sound, the file is broken."""
    sound = False
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = _parsed(line)
        except Unreadable:
            continue
        sound = True
        yield number, value
    if not sound:
        raise Unreadable(Reason.BROKEN_JSON)


def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        return json.loads(text, parse_int=str, parse_float=str)  # as written; no huge numbers
    except (ValueError, RecursionError) as error:
        raise Unreadable(Reason.BROKEN_JSON) from error


def _add(writer: DocumentWriter, value: object, place: str, depth: int = 0) -> None:
    """Add ``value`` as one paragraph where it is short, else its parts.

    ``place`` is its path as of JSONPath (RFC 9535), so that common tools find it.
    """
    still_reading()
    if (said := _short(value)) is not None:
        writer.add("field", said, place=place)
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        rest = {name: inner for name, inner in value.items() if isinstance(inner, dict | list)}
        plain = {name: inner for name, inner in value.items() if name not in rest}
        writer.add("field", "; ".join(_pairs(plain, "")), place=place)
        for name, inner in rest.items():
            _add(writer, inner, f"{place}.{name}", depth + 1)
    elif isinstance(value, list) and depth < _MAX_DEPTH:
        for number, inner in enumerate(value):
            _add(writer, inner, f"{place}[{number}]", depth + 1)
    else:
        writer.add("field", json.dumps(value, ensure_ascii=False), place=place)


def _short(value: object) -> str | None:
    """Return ``value`` on one line, ``None`` where that is too long or holds a list of records."""
    parts: list[str] = []
    length = 0
    try:
        for part in _pairs(value, ""):
            parts.append(part)
            length += len(part) + 2
            if length > _MAX_RECORD:
                return None
    except _HoldsRecords:
        return None
    return "; ".join(parts)


def _pairs(value: object, name: str, depth: int = 0) -> Iterator[str]:
    """Yield ``name: value`` for each value inside, names joined by dots."""
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        for inner_name, inner in value.items():
            yield from _pairs(inner, f"{name}.{inner_name}" if name else inner_name, depth + 1)
    elif isinstance(value, list) and depth < _MAX_DEPTH:
        if any(isinstance(item, dict | list) for item in value):
            raise _HoldsRecords
        yield _labelled(name, ", ".join(filter(None, map(_scalar, value))))
    else:
        yield _labelled(name, _scalar(value))


def _labelled(name: str, said: str) -> str:
    return f"{name}: {said}" if name else said


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
