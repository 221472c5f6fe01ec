"""What ``make`` offers is explained, and hooks and continuous integration run the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import conftest
from tests.project.makefile import targets
from tests.repository import ROOT


def hooks() -> list[dict[str, Any]]:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    [local] = yaml.safe_load(text)["repos"]
    assert local["repo"] == "local"
    found: list[dict[str, Any]] = local["hooks"]
    return found


def test_hooks_run_exactly_what_make_check_runs() -> None:
    commands = targets()["check"]
    assert len(commands) > 3
    assert [hook["entry"] for hook in hooks()] == commands


def test_hooks_look_at_the_whole_repository() -> None:
    for hook in hooks():
        assert (hook["language"], hook["always_run"]) == ("system", True)
        assert hook["pass_filenames"] is False


def test_every_target_is_explained_and_made_each_time() -> None:
    explained = set(re.findall(r"make ([a-z-]+)", " ".join(targets()["help"])))
    named = set(targets()) - {"help"}
    assert explained == named
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    phony = re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == {*named, "help"}


def test_the_commands_of_ci_are_targets_or_programs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    made = re.findall(r"^make ([a-z-]+)", script, re.MULTILINE)
    assert made == ["check", "docs", "test"]
    assert set(made) <= set(targets())


MAKE = shutil.which("make")


@pytest.mark.skipif(MAKE is None, reason="make is not installed")
@pytest.mark.parametrize(("system", "scripts"), [("", "bin"), ("Windows_NT", "Scripts")])
def test_each_system_has_its_folder_of_programs(system: str, scripts: str, tmp_path: Path) -> None:
    for stamp in (".made", ".base", ".dev"):  # as if all were installed
        (tmp_path / stamp).touch()
    [first, *_] = would_run("check", f"VENV={tmp_path}", system=system)
    assert first == f"{tmp_path}/{scripts}/ruff format --check ."
    commands = would_run("check", f"VENV={tmp_path}/new", "PYTHON=python3.13", system=system)
    assert f"python3.13 -m venv {tmp_path}/new" in commands


def would_run(*words: str, system: str) -> list[str]:
    """Return the commands that ``make`` would run on the system."""
    assert MAKE is not None
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")  # these tests may be run by make
    environ = {name: text for name, text in os.environ.items() if name not in outer}
    done = subprocess.run(
        [MAKE, "--dry-run", *words],
        cwd=ROOT,
        env={**environ, "OS": system},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


# --- make test-fast -----------------------------------------------------------------------


def test_the_list_of_slow_tests_names_what_is_there() -> None:
    for entry in conftest.PROCESSES:
        file, _, function = entry.partition("::")
        assert (ROOT / "tests" / file).exists(), entry
        if function:
            text = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert f"def {function}(" in text, entry


@pytest.mark.parametrize(
    ("node", "slow"),
    [
        ("tests/browser/test_report_page.py::test_a[x]", True),
        ("tests/docs/test_docs.py::test_snippets_run[docs/python.md:6]", True),
        ("tests/docs/test_docs.py::test_links_lead_somewhere[README.md]", False),
        ("tests/docs/test_docs.py::test_snippets_run_not", False),
        ("tests/browser_like/test_x.py::test_a", False),
    ],
)
def test_tests_are_told_apart_by_folder_file_and_name(node: str, *, slow: bool) -> None:
    assert conftest.starts_processes(node) is slow


def test_fast_tests_leave_out_what_is_marked() -> None:
    assert targets()["test-fast"] == [f'{targets()["test"][0]} -m "not processes"']
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not processes"]
    found = subprocess.run(
        [*command, "tests/browser", "tests/structure"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "tests/structure/test_rooms.py" in found
    assert "tests/browser" not in found
