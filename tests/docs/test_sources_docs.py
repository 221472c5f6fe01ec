"""``docs/sources.md``: its source runs in a job, its keys are those that exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

from research_contract.configuration import read_configuration
from research_contract.records import SourceRef
from research_contract.services import KEYS, SCHEMES, ServiceSettings
from researcher_job.verification.verify import verify
from tests.repository import ROOT
from tests.researcher_job.jobs import WAIT, make_folder

TEXT = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
CODE = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.S)


def blocks(language: str) -> list[str]:
    return [code for kind, code in CODE if kind == language]


def test_the_example_is_quoted_by_a_job(tmp_path: Path) -> None:
    (tmp_path / "tickets.py").write_text(blocks("py")[0])
    ticket = {"id": "7", "title": "Printer", "text": "The printer needs the toner TN-247."}
    (tmp_path / "tickets.jsonl").write_text(json.dumps(ticket) + "\n")
    (tmp_path / "research.toml").write_text(blocks("toml")[1])
    folder = make_folder(
        tmp_path / "job",
        question="Which toner does the printer need?",
        sources=(SourceRef(name="tickets", uri="python:tickets:tickets"),),
    )
    options = ("--folder", folder.path, "--settings", tmp_path / "research.toml")
    done = subprocess.run(
        [sys.executable, "-m", "researcher_job", *map(str, (*options, "--cache", tmp_path / "c"))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
        timeout=WAIT,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert verify(folder.path).faults == ()
    (quote,) = folder.evidence()
    assert (quote.uri, quote.quote) == ("ticket:7", ticket["text"])


def test_the_configuration_is_one(tmp_path: Path) -> None:
    for toml in blocks("toml"):
        (tmp_path / "research.toml").write_text(toml)
        configured = read_configuration(tmp_path / "research.toml").sources
        assert all(one.service and not one.service.fault(here=False) for one in configured)


def test_keys_kinds_and_presets_are_described() -> None:
    prose = re.sub(r"```.*?```", "", TEXT, flags=re.S)
    described = set(re.findall(r"`([^`\n]+)`", prose))
    assert set(KEYS) <= described
    for kind in set(SCHEMES) - {"http"}:
        assert any(one.startswith(f"{kind}:") for one in described), kind
    presets = get_args(ServiceSettings.model_fields["preset"].annotation)
    assert set(presets) - {""} <= described
