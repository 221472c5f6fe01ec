"""Files that stand in another file, such as the attachments of an e-mail: read as it is."""

from __future__ import annotations

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Inside, Reason, Unreadable
from researcher_job.sources.readers import reader_for

_MAX_DEPTH = 3
_depth = 0


def add_attached(writer: DocumentWriter, data: bytes, name: str, within: str) -> None:
    """Read ``data``, a file called ``name`` in ``within``, as documents inside the written one.

    Behind it are those that it holds itself. What is not read becomes a gap.
    """
    global _depth  # noqa: PLW0603 - one process reads one file at a time
    reader = reader_for(name)
    if isinstance(reader, Reason) or _depth >= _MAX_DEPTH:
        why = reader.of(1) if isinstance(reader, Reason) else "file too deep inside others"
        writer.gaps.append(f"{name} is a {why}")
        return
    _depth += 1
    try:
        found = reader(data, f"{within}/{name}")
    except Unreadable as error:
        writer.gaps.append(f"{name} is a {error.reason.of(1)}")
        return
    finally:
        _depth -= 1
    if found.blocks:
        writer.inside.append(Inside(name, found))
    writer.inside += (Inside(f"{name}/{one.name}", one.document) for one in found.inside)
    writer.gaps += (f"{name}: {gap}" for gap in found.gaps)
