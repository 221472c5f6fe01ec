"""Folders are read for what they are: every file is either read or said not to be."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import anyio
import pytest
from pypdf import PdfReader, PdfWriter

from research_contract import records
from research_contract.records import Coverage, SourceRef
from researcher_job.sources.base import Query
from researcher_job.sources.document import Reason, clean
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.documents.walk import walk
from tests.researcher_job.files import (
    hanging_pdf,
    inflated_word,
    opened,
    pdf,
    reasons,
    source,
    word,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def listed(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def short(path: Path) -> str:
    """Return ``path`` in a form that fits the address of a socket."""
    return os.path.relpath(path)


async def test_every_kind_is_read_and_found_at_its_place(folder: Path, cache: Path) -> None:
    (folder / "guide.md").write_text("# Guide\n\n## Setup\n\nThe zebra installs the server.\n")
    (folder / "notes.txt").write_text("The walrus keeps the notes.\n")
    (folder / "page.html").write_text(
        "<title>Page</title><script>otter()</script><h1>Top</h1><p>The otter reads pages.</p>"
    )
    (folder / "paper.pdf").write_bytes(pdf("Nothing here.", "The badger signs the paper."))
    (folder / "rules.docx").write_bytes(word())
    (folder / "LICENSE").write_text("The lemur may use this without a fee.\n")
    library = await opened(folder, cache)
    places = {
        "zebra": ("guide.md", "Guide", "Guide > Setup"),
        "walrus": ("notes.txt", "notes.txt", "line 1"),
        "otter": ("page.html", "Page", "Top"),
        "badger": ("paper.pdf", "paper.pdf", "page 2"),
        "norway": ("rules.docx", "Travel rules", "Travel rules > Trains"),
        "lemur": ("LICENSE", "LICENSE", "line 1"),
    }
    for word_, (name, title, locator) in places.items():
        (passage,) = await library.search(Query(word_), limit=5)
        assert (passage.uri, passage.source) == ((folder / name).as_uri(), "docs")
        assert (passage.title, passage.locator) == (title, locator)
        snapshot = await library.snapshot(passage.snapshot)
        assert snapshot[passage.start : passage.end] == passage.text
        assert "otter()" not in snapshot
    assert library.coverage == Coverage(found=6, read=6)


async def test_what_cannot_be_read_is_counted_with_its_reason(folder: Path, cache: Path) -> None:
    locked = PdfWriter(clone_from=PdfReader(folder_file(folder, "p.pdf", pdf("A secret page."))))
    (folder / "p.pdf").unlink()
    locked.encrypt("password", algorithm="RC4-128")
    locked.write(folder / "locked.pdf")
    folder_file(folder, "broken.pdf", b"%PDF-1.7\n" + os.urandom(400))
    folder_file(folder, "scan.pdf", pdf("", ""))
    folder_file(folder, "broken.docx", word()[:-400])
    folder_file(folder, "bomb.docx", inflated_word())
    folder_file(folder, "empty.md", b"  \n")
    folder_file(folder, "disguised.txt", bytes(range(256)) * 20)
    folder_file(folder, "picture.png", b"\x89PNG")
    folder_file(folder, "tool", b"#!/bin/sh\nrm -rf everything\n")
    folder_file(folder, "deep.html", b"<div>" * 100_000 + b"far below")
    folder_file(folder, "fine.md", b"All is well with this one.")
    library = await opened(folder, cache)
    assert reasons(library.coverage) == {
        "PDF that needs a password": ("locked.pdf",),
        "broken PDF": ("broken.pdf",),
        "scanned PDF without text": ("scan.pdf",),
        "broken Word document": ("broken.docx",),
        "document that unpacks to over 200 MB": ("bomb.docx",),
        "empty file": ("empty.md",),
        "binary file": ("disguised.txt",),
        "picture": ("picture.png",),
        "file of a kind that is not read": ("tool",),
        "web page without text": ("deep.html",),
    }
    assert library.coverage.read == 1


def folder_file(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


async def test_nothing_but_regular_files_inside_the_folder_is_opened(
    folder: Path, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside.md").write_text("The heron is outside.")
    (folder / "out.md").symlink_to(tmp_path / "outside.md")
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "fine.md").write_text("The heron is inside.")
    (folder / "again.md").symlink_to(folder / "fine.md")
    os.mkfifo(folder / "fifo.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(short(folder / "socket.txt"))
        with (folder / "huge.md").open("wb") as huge:
            huge.truncate(1_000_000_000)
        with anyio.fail_after(60):
            library = await opened(folder, cache)
    assert reasons(library.coverage) == {
        "links out of the folder": ("out.md", "up"),
        "broken link": ("loop.md",),
        "special files": ("fifo.md", "socket.txt"),
        "file over 50 MB": ("huge.md",),
    }
    (huge_file,) = (found for found in walk(folder) if found.name == "huge.md")
    assert huge_file.reason is Reason.TOO_LARGE  # known without opening it
    (only,) = await library.search(Query("heron"), limit=9)
    assert only.text == "The heron is inside."


async def test_hidden_files_credentials_and_job_folders_are_not_even_found(
    folder: Path, cache: Path
) -> None:
    for name in (".env", "id_rsa", "server.pem", "prod.key", "credentials.txt", "aws.kdbx"):
        (folder / name).write_text("secret heron")
    for name in (".git", "__pycache__", "job"):
        (folder / name).mkdir()
        (folder / name / "a.md").write_text("secret heron")
    (folder / "job" / records.REQUEST).write_text("{}")
    (folder / "job" / records.STATUS).write_text("{}")
    (folder / "fine.md").write_text("An open heron.")
    inner_cache = folder / "cache"
    for _ in range(2):
        library = await opened(folder, inner_cache)
        assert library.coverage == Coverage(found=1, read=1)
    assert [one.text for one in await library.search(Query("heron"), limit=9)] == ["An open heron."]


async def test_files_without_permission_are_counted(folder: Path, cache: Path) -> None:
    (folder / "shut.md").write_text("Shut.")
    (folder / "shut.md").chmod(0)
    if os.access(folder / "shut.md", os.R_OK):
        pytest.skip("this account may read every file, whatever its mode")
    library = await opened(folder, cache)
    assert reasons(library.coverage) == {"file that may not be opened": ("shut.md",)}


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
async def test_a_file_that_fails_while_it_is_read_is_counted(cache: Path) -> None:
    library = await opened(Path(f"/proc/{os.getpid()}/mem"), cache)
    assert reasons(library.coverage) == {"file that may not be opened": ("mem",)}


async def test_encodings_and_control_characters(folder: Path, cache: Path) -> None:
    (folder / "latin.txt").write_bytes("Der Käse ist über alles gut.".encode("latin-1"))
    (folder / "wide.txt").write_bytes("Le château est très loin.".encode("utf-16"))
    (folder / "mostly.txt").write_bytes("Ünïcödé wörds évèrywhère. ".encode() * 9 + b"\xff fjord.")
    (folder / "nul.md").write_bytes(b"A stray \x00NUL in the magpie\x1b sentence.\r\n" + b"x " * 99)
    library = await opened(folder, cache)
    texts = [
        (await library.search(Query(one), limit=1))[0].text
        for one in ("kase", "chateau", "fjord", "magpie")
    ]
    assert texts[0] == "Der Käse ist über alles gut."
    assert texts[1] == "Le château est très loin."
    assert texts[2].startswith("Ünïcödé wörds")
    assert texts[3].startswith("A stray NUL in the magpie sentence.\nx x")


async def test_text_is_made_fit_for_utf_8() -> None:
    assert clean("a\ud800b\r\nc\x0cd\ufeff\te\x85f") == "a\ufffdb\nc\n\nd\te\nf"


async def test_a_line_without_end_is_divided(folder: Path, cache: Path) -> None:
    (folder / "line.txt").write_text("word " * 100_000 + "pelican " + "x" * 100_000)
    library = await opened(folder, cache)
    (passage,) = await library.search(Query("pelican"), limit=5)
    assert len(passage.text) <= 1_500


async def test_one_file_may_be_a_source(folder: Path, cache: Path) -> None:
    path = folder / "ä b.md"
    path.write_text("The stork stands alone.")
    library = await opened(path, cache)
    (passage,) = await library.search(Query("stork"), limit=5)
    assert passage.uri == path.as_uri()
    assert library.coverage == Coverage(found=1, read=1)


async def test_sources_that_are_missing_or_of_another_kind_are_counted(
    folder: Path, cache: Path
) -> None:
    (folder / "a.md").write_text("Here.")
    sources = [
        source(folder),
        source(folder / "gone", "gone"),
        SourceRef(name="web", uri="https://example.org/"),
        SourceRef(name="share", uri="file://elsewhere/share"),
    ]
    library = await open_documents(sources, cache_dir=cache)
    assert reasons(library.coverage) == {
        "missing source": ("gone",),
        "sources that cannot be searched yet": ("web", "share"),
    }


async def test_coverage_is_told_while_files_are_read(folder: Path, cache: Path) -> None:
    for number in range(200):
        (folder / f"{number}.md").write_text(f"Number {number}.\n")
    (folder / "slow.pdf").write_bytes(hanging_pdf(100))  # seconds, on any machine
    told: list[Coverage] = []

    async def reading(coverage: Coverage, name: str) -> bool:
        told.append(coverage)
        return False

    await open_documents([source(folder)], cache_dir=cache, reading=reading)
    assert (told[-1].found, told[-1].reached) == (201, 201)
    assert len(told) > 1
    assert 0 < told[0].read < 201
    assert set(reasons(told[0])) <= {"file not reached yet", "files not reached yet"}
    assert told[0].reached == told[0].read
    assert len(told) < 100  # not once a file
