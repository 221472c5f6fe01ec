"""What documents of office programs have in common: zip files of XML."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from researcher_job.sources.document import Reason, Unreadable

MAX_UNPACKED = 200_000_000
MAX_MEMBERS = 10_000
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The beginning of an OLE file: what Office makes of a document with a password."""

_HEAD = 4_096
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.I)
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_TYPES = "[Content_Types].xml"
_TWINS = (
    (
        re.compile(
            rb"application/vnd\.(?:ms-word\.(?:document|template)\.macroEnabled(?:Template)?"
            rb"|openxmlformats-officedocument\.wordprocessingml\.template)\.main\+xml"
        ),
        b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    ),
    (
        re.compile(
            rb"application/vnd\.(?:ms-powerpoint\.(?:presentation|slideshow|template)\.macroEnabled"
            rb"|openxmlformats-officedocument\.presentationml\.(?:slideshow|template))\.main\+xml"
        ),
        b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    ),
)
"""Types of documents with macros and of templates, which the libraries refuse, and usual ones."""


def opened(data: bytes, broken: Reason) -> bytes:
    """Return ``data`` as the libraries know it, unless it unpacks to more than is reasonable.

    Nothing is unpacked before its size is checked; ``zipfile`` never unpacks more of a member than
    it declares. No office program writes a document type, which is where entities that grow
    without bounds are declared. Namespaces of strict Office Open XML become the usual ones.

    Raises:
        Unreadable: it is too large, needs a password, or is no sound archive (``broken``).
    """
    if data.startswith(COMPOUND):
        raise Unreadable(Reason.LOCKED_OFFICE)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _usual(archive) if _is_unusual(archive, broken) else data
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise Unreadable(broken) from error


def _is_unusual(archive: zipfile.ZipFile, broken: Reason) -> bool:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise Unreadable(Reason.INFLATED)
    unusual = False
    for member in members:
        if (
            member.filename.lower().endswith((".xml", ".rels"))
            and "META-INF/" not in member.filename
        ):
            with archive.open(member) as part:
                head = part.read(_HEAD)
                if _DOCTYPE.search(head):
                    raise Unreadable(broken)
                unusual = unusual or _STRICT.search(head) is not None
                if member.filename == _TYPES:
                    types = head + part.read()
                    unusual = unusual or any(twin.search(types) for twin, _ in _TWINS)
    return unusual


def _usual(archive: zipfile.ZipFile) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as usual:
        for member in archive.infolist():
            part = archive.read(member)
            if member.filename.lower().endswith((".xml", ".rels")):
                part = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", part)
            if member.filename == _TYPES:
                for twin, plain in _TWINS:
                    part = twin.sub(plain, part)
            usual.writestr(member.filename, part)
    return buffer.getvalue()
