"""The process that parses documents gets no variable of the job but those that it needs."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from research_contract.processes import DATA_MARK, JOB_MARK
from researcher_job.sources.document import Document
from researcher_job.sources.documents.extraction import Extraction
from researcher_job.sources.documents.reader_process import Asked
from tests.researcher_job.files import pdf

NEEDED = {
    JOB_MARK: "20261128-abcdefghijklm",
    DATA_MARK: "/data",
    "TMPDIR": "/tmp",
    "LC_ALL": "C.UTF-8",
    "LD_LIBRARY_PATH": "/usr/lib/example",
}
SECRET = {
    "DATABRICKS_TOKEN": "dapi",
    "OPENAI_API_KEY": "sk-",
    "AWS_SESSION_TOKEN": "aws",
    "TOKEN_OF_ANA": "ana",
    "LC_SECRET": "in a name like those of a locale",
    "MCP_JOBS_CONFIG": "/etc/research.toml",
    "SSH_AUTH_SOCK": "/run/agent",
    "HTTPS_PROXY": "http://user:password@proxy",
}


def test_the_process_that_parses_documents_gets_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**NEEDED, **SECRET}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "a.pdf").write_bytes(pdf("The badger signs the paper."))
    before = psutil.Process().children()
    extraction = Extraction(expected=9)
    try:
        extraction.ask(Asked(str(tmp_path / "a.pdf"), "a.pdf"), size=1_000)
        (reader,) = set(psutil.Process().children()) - set(before)
        answer = None
        while answer is None:
            answer = extraction.answer(60)
        found = reader.environ()
    finally:
        extraction.close()
    assert isinstance(answer.document, Document)
    assert {name: found.get(name) for name in NEEDED} == NEEDED
    assert not found.keys() & SECRET.keys()
    assert not set(SECRET.values()) & set(found.values())
