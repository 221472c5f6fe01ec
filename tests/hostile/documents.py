"""Real documents that hold a hostile text in one place each."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from html import escape
from pathlib import Path

import docx
import openpyxl

PLACES = ("file name", "title", "heading", "cell", "subject", "alt text", "metadata", "body")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def topic(number: int) -> str:
    """Return a word that only the documents of one hostile text hold."""
    return f"marsh{'abcdefghijklmnopqrstuvwxyz'[number]}"


def write_documents(folder: Path, number: int, text: str) -> None:
    """Write a document for each place, and a file that nobody can read with the text as name."""
    for place, write in _WRITERS.items():
        said = f"The warden of {topic(number)} wrote of the {place} and the old sluice."
        write(folder, f"{number}-{place.replace(' ', '-')}", text, said)
    (folder / _file_name(f"{number} scan {text}", ".pdf")).write_bytes(b"%PDF-1.4\n%%EOF\n")


def _file_name(text: str, suffix: str) -> str:
    name = text.replace("/", "\N{DIVISION SLASH}").replace("\0", "")
    while len(name.encode()) > 200:
        name = name[:-1]
    return name + suffix


def _in_name(folder: Path, name: str, text: str, said: str) -> None:
    (folder / _file_name(f"{name} {text}", ".md")).write_text(said, encoding="utf-8")


def _in_title(folder: Path, name: str, text: str, said: str) -> None:
    page = f"<html><head><title>{escape(text)}</title></head><body><p>{said}</p></body></html>"
    (folder / f"{name}.html").write_text(page, encoding="utf-8")


def _in_heading(folder: Path, name: str, text: str, said: str) -> None:
    line = " ".join(text.split())
    (folder / f"{name}.md").write_text(f"# {name}\n\n## {line}\n\n{said}\n", encoding="utf-8")


def _in_cell(folder: Path, name: str, text: str, said: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    plain = _NOT_IN_XML.sub(" ", text)
    sheet.append(["Place", f"Head {plain}"])
    sheet.append([said, plain])
    book.save(folder / f"{name}.xlsx")


def _in_subject(folder: Path, name: str, text: str, said: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "warden@marsh.example", "all@marsh.example"
    message["Subject"] = " ".join(
        re.sub("[\r\n\x85\u2028\u2029\x0b\x0c\x1c-\x1e]", " ", text).split()
    )
    message.set_content(said)
    (folder / f"{name}.eml").write_bytes(bytes(message))


def _in_alt_text(folder: Path, name: str, text: str, said: str) -> None:
    line = " ".join(text.split())
    (folder / f"{name}.md").write_text(f"{said} ![{line}](a.png)\n", encoding="utf-8")


def _in_metadata(folder: Path, name: str, text: str, said: str) -> None:
    document = docx.Document()
    document.core_properties.title = _NOT_IN_XML.sub(" ", text)[:200]
    document.core_properties.author = document.core_properties.title
    document.add_paragraph(said)
    data = io.BytesIO()
    document.save(data)
    (folder / f"{name}.docx").write_bytes(data.getvalue())


def _in_body(folder: Path, name: str, text: str, said: str) -> None:
    begin = said.removesuffix(".")
    (folder / f"{name}.txt").write_text(f"{begin}: {text}\n", encoding="utf-8")


_WRITERS: Mapping[str, Callable[[Path, str, str, str], None]] = dict(
    zip(
        PLACES,
        (
            _in_name,
            _in_title,
            _in_heading,
            _in_cell,
            _in_subject,
            _in_alt_text,
            _in_metadata,
            _in_body,
        ),
        strict=True,
    )
)
