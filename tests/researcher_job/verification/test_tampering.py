"""A thousand random tamperings are all found, and no unchanged folder has a fault."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from research_contract import records
from research_contract.files import NewerFormat
from researcher_job.core.errors import RequestUnreadable
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.manifest import hash_files, seal
from researcher_job.testing import FakeSource
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import TEXTS, make_folder, outcome_of, run_job

TIMES = 1_000
SEED = 20260301
LETTERS = "abcdefgh0123456789 .–ü"

Tamper = Callable[[JobFolder, random.Random], None]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    """Return a folder with carried evidence, a table, a change and several steps."""
    root = tmp_path_factory.mktemp("tampering")
    texts = {
        **TEXTS,
        "prices": "Retention:\n\n| Log | Price |\n| --- | --- |\n| Retention log | 5 |",
    }
    first = make_folder(root / "first")
    run_job(first, FakeSource(texts))
    second = make_folder(
        root / "second",
        job_id="20260302-bbbbbbbbbbbbb",
        refresh_of="20260301-aaaaaaaaaaaaa",
        earlier="../first",
    )
    changed = {**texts, "logs": texts["logs"].replace("thirty", "sixty")}
    run_job(second, FakeSource(changed))
    return second


def other(said: str, choose: random.Random) -> str:
    """Change one character of ``said`` at a random position."""
    at = choose.randrange(len(said))
    fresh = choose.choice([letter for letter in LETTERS if letter != said[at]])
    return said[:at] + fresh + said[at + 1 :]


def evidence(change: Callable[[dict[str, Any], random.Random], None]) -> Tamper:
    """Change one evidence record in the segments, in ``evidence.jsonl``, or in both."""

    def tamper(folder: JobFolder, choose: random.Random) -> None:
        parts = sorted(folder.file(records.EVIDENCE_SEGMENTS).iterdir())
        files = choose.choice([parts, [folder.file(records.EVIDENCE)], None])
        number = choose.randrange(len(folder.evidence()))
        seed = choose.random()
        for path in files or [*parts, folder.file(records.EVIDENCE)]:
            lines = path.read_bytes().split(b"\n")
            if number < len(lines) - 1:
                record = json.loads(lines[number])
                change(record, random.Random(seed))  # noqa: S311 - tests must repeat
                lines[number] = json.dumps(record, ensure_ascii=False).encode()
                path.write_bytes(b"\n".join(lines))

    return tamper


def text_field(name: str) -> Tamper:
    def change(record: dict[str, Any], choose: random.Random) -> None:
        record[name] = other(record[name], choose) if record[name] else "x"

    return evidence(change)


def number_field(name: str) -> Tamper:
    def change(record: dict[str, Any], choose: random.Random) -> None:
        record[name] += choose.choice([-3, -2, -1, 1, 2, 40])

    return evidence(change)


def file_text(*patterns: str) -> Tamper:
    """Change one character of a file that matches a pattern."""

    def tamper(folder: JobFolder, choose: random.Random) -> None:
        paths = sorted(path for pattern in patterns for path in folder.path.glob(pattern))
        path = choose.choice(paths)
        path.write_text(other(path.read_text(encoding="utf-8"), choose), encoding="utf-8")

    return tamper


def step(folder: JobFolder, choose: random.Random) -> None:
    """Remove, duplicate or swap steps."""
    path = choose.choice(sorted(folder.file(records.STEPS).iterdir()))
    lines = path.read_bytes().splitlines(keepends=True)
    at = choose.randrange(len(lines) - 1)
    done = choose.choice(["drop", "double", "swap"])
    if done == "drop":
        del lines[at]
    elif done == "double":
        lines.insert(at, lines[at])
    else:
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    path.write_bytes(b"".join(lines))


def citation(folder: JobFolder, choose: random.Random) -> None:
    """Change the number of one citation in ``report.md`` or ``report.html``."""
    path = folder.file(choose.choice([records.REPORT, records.REPORT_HTML]))
    text = path.read_text(encoding="utf-8")
    place = choose.choice(list(re.finditer(r"\[(\d+)\]", text)))
    fresh = choose.choice([n for n in (1, 2, 3, 4, 99) if n != int(place[1])])
    path.write_text(text[: place.start()] + f"[{fresh}]" + text[place.end() :], encoding="utf-8")


def outcome_field(folder: JobFolder, choose: random.Random) -> None:
    """Change one value of the outcome at any depth."""
    path = folder.file(records.OUTCOME)
    said = json.loads(path.read_bytes())
    inside: Any = said
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = choose.choice(keys)
        if isinstance(inside[key], dict | list) and inside[key]:
            inside = inside[key]
            continue
        break
    value = inside[key]
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        inside[key] = "x"
    elif isinstance(value, str):
        inside[key] = other(value, choose) if value else "x"
    else:
        inside[key] = value + 1
    path.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")


def named_hash(folder: JobFolder, choose: random.Random) -> None:
    """Change one hash in the outcome."""
    path = folder.file(records.OUTCOME)
    text = path.read_text(encoding="utf-8")
    found = choose.choice(list(re.finditer("[0-9a-f]{64}", text)))
    fresh = other(found[0], choose)
    path.write_text(text[: found.start()] + fresh + text[found.end() :], encoding="utf-8")


def files_of(folder: JobFolder) -> list[Path]:
    left_alone = {records.STATUS, ".lock"}
    return sorted(
        path for path in folder.path.rglob("*") if path.is_file() and path.name not in left_alone
    )


def missing_file(folder: JobFolder, choose: random.Random) -> None:
    choose.choice(files_of(folder)).unlink()


def extra_file(folder: JobFolder, choose: random.Random) -> None:
    place = choose.choice([path.parent for path in files_of(folder)])
    (place / f"{choose.randrange(10**8):08d}{choose.choice(['.jsonl', '.txt', ''])}").write_bytes(
        choose.choice([b"", b"x", b"{}\n"])
    )


def swapped_files(folder: JobFolder, choose: random.Random) -> None:
    one, two = choose.sample(files_of(folder), 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


TAMPERINGS: dict[str, Tamper] = {
    "quote": text_field("quote"),
    "paragraph": text_field("paragraph"),
    "locator": text_field("locator"),
    "title": text_field("title"),
    "source": text_field("source"),
    "address": text_field("uri"),
    "snapshot hash": text_field("snapshot"),
    "origin": text_field("carried_from"),
    "start": number_field("start"),
    "end": number_field("end"),
    "evidence number": number_field("n"),
    "question": number_field("question"),
    "snapshot": file_text("snapshots/*.txt"),
    "step text": file_text("steps/*.jsonl"),
    "task": file_text("work/tasks/*.json", "work/changes.json"),
    "report": file_text("report.md", "report.html", "progress.md"),
    "request": file_text("request.json"),
    "step": step,
    "citation": citation,
    "outcome field": outcome_field,
    "hash": named_hash,
    "missing file": missing_file,
    "extra file": extra_file,
    "swapped files": swapped_files,
}


def is_found(root: Path) -> bool:
    try:
        return bool(verify(root).faults)
    except (RequestUnreadable, NewerFormat):
        return True


def test_the_original_has_everything_to_tamper_with(original: JobFolder) -> None:
    assert verify(original.path).faults == ()
    assert any(item.carried_from for item in original.evidence())
    assert (original.path / records.CHANGES).exists()
    assert len(original.evidence()) >= 4


def test_each_of_a_thousand_tamperings_is_found(original: JobFolder, tmp_path: Path) -> None:
    missed = []
    for number in range(TIMES):
        kind = list(TAMPERINGS)[number % len(TAMPERINGS)]
        folder = JobFolder(tmp_path / str(number))
        shutil.copytree(original.path, folder.path)
        TAMPERINGS[kind](folder, random.Random(SEED + number))  # noqa: S311 - tests must repeat
        if not is_found(folder.path):
            missed.append(f"{number}: {kind}")
        shutil.rmtree(folder.path)
    assert missed == []


def recompute_hashes(folder: JobFolder) -> None:
    """Recompute all hashes, as an informed attacker would."""
    outcome = outcome_of(folder)
    files = hash_files(folder.path)
    _, data = seal(outcome.model_copy(update={"files": files}))
    folder.file(records.OUTCOME).write_bytes(data)


CONTENT = (
    "quote", "paragraph", "snapshot hash", "start", "end", "evidence number", "snapshot",
    "step", "locator", "title", "source",
)  # fmt: skip
"""Changes that are compared with other content, so recomputed hashes do not hide them."""


@pytest.mark.parametrize("kind", CONTENT)
def test_recomputed_hashes_do_not_hide_changed_content(
    original: JobFolder, tmp_path: Path, kind: str
) -> None:
    missed = []
    for number in range(15):
        folder = JobFolder(tmp_path / str(number))
        shutil.copytree(original.path, folder.path)
        TAMPERINGS[kind](folder, random.Random(SEED + number))  # noqa: S311 - tests must repeat
        recompute_hashes(folder)
        if not is_found(folder.path):
            missed.append(number)
    assert missed == []


@pytest.mark.parametrize(
    ("name", "before"),
    [
        (records.REPORT, "\n> Purchases "),
        (records.REPORT, "] “Purchases "),
        (records.REPORT_HTML, '<blockquote dir="auto">Purchases '),
        (records.REPORT_HTML, '<mark id="c3">Purchases '),
        (records.OUTCOME, "“Purchases "),
    ],
)
def test_a_quote_changed_in_a_report_is_found_despite_recomputed_hashes(
    original: JobFolder, tmp_path: Path, name: str, before: str
) -> None:
    folder = JobFolder(tmp_path / "copy")
    shutil.copytree(original.path, folder.path)
    path = folder.file(name)
    text = path.read_text(encoding="utf-8")
    fresh = text.replace(f"{before}above 500", f"{before}above 900")
    assert fresh != text
    path.write_text(fresh, encoding="utf-8")
    recompute_hashes(folder)
    assert is_found(folder.path)


@pytest.mark.parametrize(
    ("question", "problem"),
    [(1, "names quote 1 of another question"), (40, "belongs to no question")],
)
def test_a_quote_moved_to_another_question_is_found_despite_recomputed_hashes(
    original: JobFolder, tmp_path: Path, question: int, problem: str
) -> None:
    folder = JobFolder(tmp_path / "copy")
    shutil.copytree(original.path, folder.path)
    for path in [*folder.file(records.EVIDENCE_SEGMENTS).iterdir(), folder.file(records.EVIDENCE)]:
        text = path.read_text(encoding="utf-8")
        fresh = text.replace('"n":1,"question":0', f'"n":1,"question":{question}')
        path.write_text(fresh, encoding="utf-8")
    recompute_hashes(folder)
    assert problem in {fault.problem for fault in verify(folder.path).faults}


@pytest.mark.parametrize(("said", "really"), [("answered", "partial"), ("partial", "answered")])
def test_an_outcome_that_contradicts_its_results_is_found(
    original: JobFolder, tmp_path: Path, said: str, really: str
) -> None:
    folder = JobFolder(tmp_path / "copy")
    shutil.copytree(original.path, folder.path)
    outcome = outcome_of(folder)
    asked = [one.model_copy(update={"state": really}) for one in outcome.questions]
    changed = outcome.model_copy(update={"outcome": said, "questions": tuple(asked)})
    folder.file(records.OUTCOME).write_bytes(seal(changed)[1])
    assert f"says {said}, which does not match the results of its questions" in {
        fault.problem for fault in verify(folder.path).faults
    }


@pytest.mark.parametrize("place", ["elsewhere", "with a blank/and ümlaut", "a" * 100])
def test_an_unchanged_folder_is_verified_in_any_place(
    original: JobFolder, tmp_path: Path, place: str
) -> None:
    shutil.copytree(original.path, tmp_path / place)
    assert verify(tmp_path / place).faults == ()
