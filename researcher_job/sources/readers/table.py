"""CSV and TSV: rows below the names of their columns."""

from __future__ import annotations

import csv
from itertools import chain

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.rows import add_table, is_header
from researcher_job.sources.readers.text import text_document, title_of

_SAMPLE = 20_000
_DELIMITERS = ",;\t|"
_MAX_CELL = 1_000_000


def read(data: bytes, name: str) -> Document:
    """Read a table; its delimiter is the one that divides the first lines most evenly."""
    text = decode(data)
    csv.field_size_limit(_MAX_CELL)
    writer = DocumentWriter()
    try:
        lines = [line for line in text[:_SAMPLE].splitlines() if line.strip()][:20]
        records = csv.reader(
            text.splitlines(keepends=True),
            delimiter=max(
                _DELIMITERS, key=lambda mark: _evenness([line.count(mark) for line in lines])
            ),
        )
        first = next(records, [])
        heads = int(is_header(first))
        add_table(writer, chain([first], records), place="row {}", heads=heads)
    except csv.Error:  # a quotation mark that is never closed, for one
        return text_document(text, title_of(name))
    if not writer.units:
        raise Unreadable(Reason.EMPTY)
    return writer.document(title_of(name))


def _evenness(counts: list[int]) -> float:
    """Rate a delimiter: how many lines have it as often as the first one has."""
    if not counts or not counts[0]:
        return 0.0
    return sum(count == counts[0] for count in counts) / len(counts) + counts[0] / 1_000
