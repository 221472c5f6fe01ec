"""What Word documents, workbooks and presentations have in common: zip files of XML."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from researcher_job.sources.document import Reason, Unreadable

MAX_UNPACKED = 200_000_000
MAX_MEMBERS = 10_000
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The beginning of an OLE file: what Office makes of a document with a password."""

_HEAD = 4_096
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.I)


def check(data: bytes, broken: Reason) -> None:
    """Refuse what unpacks to more than is reasonable, before any of it is unpacked.

    ``zipfile`` never unpacks more of a member than it declares. No office program writes a
    document type, which is where entities that grow without bounds are declared.

    Raises:
        Unreadable: it is too large, needs a password, or is no sound archive (``broken``).
    """
    if data.startswith(_COMPOUND):
        raise Unreadable(Reason.LOCKED_OFFICE)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _check_members(archive, broken)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise Unreadable(broken) from error


def _check_members(archive: zipfile.ZipFile, broken: Reason) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise Unreadable(Reason.INFLATED)
    for member in members:
        if member.filename.lower().endswith((".xml", ".rels")):
            with archive.open(member) as part:
                if _DOCTYPE.search(part.read(_HEAD)):
                    raise Unreadable(broken)
