"""The lines of a PDF put together: headings, paragraphs, tables, columns in reading order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.readers.pdf_lines import Line
from researcher_job.sources.readers.rows import add_table

_LARGER = 1.12
"""Letters so many times as large as those of most of the text make a heading."""

_MAX_HEADING = 120
_MAX_SHORT = 40
"""Characters of a heading, and of one that ends in a full stop."""

_WIDE_GAP = 1.35
"""A distance of lines so many times the usual one divides paragraphs."""

_REPEATED = 3
"""Pages on which a first or last line must stand to be a header or footer."""

_ENDS = 2
"""Lines at the top and at the bottom of a page that may be a header or footer."""

_NUMBERS = re.compile(r"\d{1,9}")
_FEWEST = 3
"""Lines side by side from which on they are columns."""

_WORDS = 2.5
_FULL = 0.6
"""Of columns of prose: words in a line, and the share of its width that most lines fill."""

_ALIGNED = 12.0
"""Points by which the beginnings of lines in one column differ at most."""


def compose(writer: DocumentWriter, pages: Sequence[tuple[int, list[Line]]]) -> None:
    """Append the pages, each with its number; what stands on top or below of many only once."""
    levels = _levels([line for _, lines in pages for line in lines])
    counts = Counter(
        form
        for number, lines in pages
        for form in {
            form for line in (*lines[:_ENDS], *lines[-_ENDS:]) for form in _forms(line.text, number)
        }
    )
    enough = min(_REPEATED, max(len(pages), 2))
    # The forms of the first and last lines that stand on several pages.
    running = frozenset(form for form, count in counts.items() if count >= enough)
    told: set[str] = set()
    for number, lines in pages:
        place = f"page {number}"
        kept = []
        for index, line in enumerate(lines):
            forms = _forms(line.text, number) & running
            if forms and min(index, len(lines) - 1 - index) < _ENDS:
                if forms & told:
                    continue
                told |= forms
            kept.append(line)
        for part in _in_columns(kept):
            _add(writer, part, levels, place)


def _levels(lines: Sequence[Line]) -> dict[float, int]:
    """Return the level of a heading for each size of letters that is larger than most."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    if not sizes:
        return {}
    usual = sizes.most_common(1)[0][0]
    larger = sorted((size for size in sizes if size >= usual * _LARGER), reverse=True)
    levels = {size: min(level, 5) for level, size in enumerate(larger, start=1)}
    return {**levels, usual: 0}


def _forms(said: str, number: int) -> set[str]:
    """Return a line as it is, and with each of its numbers as the distance from its page's."""
    return {said} | {
        f"{said[: found.start()]}#{int(found[0]) - number}{said[found.end() :]}"
        for found in _NUMBERS.finditer(said[:_MAX_HEADING])
    }


def _in_columns(lines: list[Line]) -> Iterator[list[Line]]:
    """Yield the lines in reading order, in parts: of columns side by side one after the other."""
    pairs = [line for line in lines if len(line.pieces) == 2]
    gutter = _gutter(pairs)
    if gutter is None:
        yield lines
        return
    left: list[Line] = []
    right: list[Line] = []
    apart: list[Line] = []
    for line in lines:
        if len(line.pieces) == 2 and abs(line.pieces[1].left - gutter) <= _ALIGNED:
            for piece, column in zip(line.pieces, (left, right), strict=True):
                column.append(Line((piece,), line.bottom, line.size, line.bold))
        elif line.left >= gutter - _ALIGNED:
            right.append(line)
        elif line.pieces[-1].right < gutter:
            left.append(line)
        else:
            yield from (part for part in (apart, left, right) if part)
            left, right, apart = [], [], [line]
    yield from (part for part in (apart, left, right) if part)


def _gutter(pairs: Sequence[Line]) -> float | None:
    """Return where the second column of prose begins, ``None`` where there are not two."""
    if len(pairs) < _FEWEST:
        return None
    second = Counter(round(line.pieces[1].left / _ALIGNED) for line in pairs).most_common(1)[0]
    gutter = second[0] * _ALIGNED
    inside = [line for line in pairs if abs(line.pieces[1].left - gutter) <= _ALIGNED]
    margin = min(line.left for line in inside)
    widest = max(line.pieces[0].right for line in inside) - margin
    words = [[len(piece.text.split()) for piece in line.pieces] for line in inside]
    full = sum(line.pieces[0].right - margin > _FULL * widest for line in inside)
    prose = all(sum(column) / len(inside) >= _WORDS for column in zip(*words, strict=True))
    return gutter if prose and full * 3 >= len(inside) * 2 and len(inside) >= _FEWEST else None


def _add(
    writer: DocumentWriter, lines: Sequence[Line], levels: dict[float, int], place: str
) -> None:
    at = 0
    gaps = sorted(
        gap
        for one, other in pairwise(lines)
        if 0 < (gap := one.bottom - other.bottom) < 4 * one.size
    )
    pitch = gaps[len(gaps) // 3] if gaps else 0.0  # the usual distance of lines
    while at < len(lines):
        stop = _table_end(lines, at)
        if stop - at > 1 and (rows := _rows(lines[at:stop])):
            add_table(writer, rows, place=place)
            at = stop
            continue
        level = _heading_level(lines, at, levels, pitch)
        stop = at + 1
        while stop < len(lines) and not _divides(lines, stop, levels, pitch, level):
            stop += 1
        said = [line.text for line in lines[at:stop]]
        if level:
            writer.add("heading", " ".join(said), level=level, place=place)
        else:
            writer.add_text("\n".join(said), place=place)
        at = stop


def _heading_level(lines: Sequence[Line], at: int, levels: dict[float, int], pitch: float) -> int:
    """Return the level of the heading at ``at``, 0 where there is none."""
    line = lines[at]
    sentence = line.text.endswith(".") and len(line.text) > _MAX_SHORT
    if sentence or len(line.text) > _MAX_HEADING or not any(map(str.isalpha, line.text)):
        return 0
    if level := levels.get(round(line.size, 1), 0):
        return level
    following = lines[at + 1] if at + 1 < len(lines) else None
    stands_out = line.bold and following is not None and not following.bold
    alone = not at or lines[at - 1].bottom - line.bottom > _WIDE_GAP * pitch
    ends = line.text.rstrip()[-1] in ".,;"
    return 6 if stands_out and alone and not ends and len(line.pieces) == 1 else 0


def _divides(
    lines: Sequence[Line], at: int, levels: dict[float, int], pitch: float, level: int
) -> bool:
    """Whether another element begins at ``at``, behind one of ``level``."""
    line, before = lines[at], lines[at - 1]
    if level != _heading_level(lines, at, levels, pitch) or level == 6:
        return True
    gap = before.bottom - line.bottom
    larger = max(line.size, before.size) * (_WIDE_GAP if level else 1)
    return gap > _WIDE_GAP * max(pitch, larger) or gap < -larger or _table_end(lines, at) - at > 1


def _table_end(lines: Sequence[Line], at: int) -> int:
    """Return the index behind the last line of the table that begins at ``at``, else ``at``."""
    stop = at
    while stop < len(lines):
        several = len(lines[stop].pieces) > 1
        indented = stop > at and lines[stop].left > lines[at].left + _ALIGNED
        if not several and not (indented and len(lines[stop].pieces) == 1):
            break
        stop += 1
    return stop if sum(len(line.pieces) > 1 for line in lines[at:stop]) > 1 else at


def _rows(lines: Sequence[Line]) -> list[list[str]]:
    """Return the rows of a table, its columns told by what stands above each other."""
    columns: list[tuple[float, float]] = []
    for piece in sorted(piece for line in lines for piece in line.pieces):
        if columns and piece.left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], piece.right))
        else:
            columns.append((piece.left, piece.right))
    rows: list[list[str]] = []
    for line in lines:
        cells = [
            " ".join(piece.text for piece in line.pieces if column[0] <= piece.left < column[1])
            for column in columns
        ]
        if rows and len(line.pieces) == 1 and not cells[0]:  # what had no room above
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return rows if len(columns) > 1 else []
