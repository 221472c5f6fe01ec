"""Who may import whom, and what starting the server loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LOADED = """
import sys
import mcp_jobs_server.__main__, mcp_jobs_server.stdio, mcp_jobs_server.server
import mcp_jobs_server.backend
print("\\n".join(sorted(sys.modules)))
"""


def imported(package: str) -> Iterator[tuple[str, str]]:
    """Yield each module of a package with each name it imports, wherever in the file."""
    for file in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((str(file), alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((str(file), f"{node.module}.{alias.name}") for alias in node.names)


SHARED = ("contract", "contract_files", "configuration")
"""Modules of the researcher that the server may import."""


def test_the_server_knows_nothing_of_the_researcher_but_what_they_share() -> None:
    foreign = {
        name.split(".")[1]
        for _, name in imported("mcp_jobs_server")
        if name.startswith("researcher_job.")
    }
    assert foreign <= set(SHARED)


def test_the_researcher_knows_nothing_of_the_server() -> None:
    foreign = [found for found in imported("researcher_job") if found[1].startswith("mcp_jobs")]
    assert foreign == []


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that a started server has loaded, from a process of its own."""
    run = [sys.executable, "-c", LOADED]
    found = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(found.stdout.split())


@pytest.mark.parametrize(
    "heavy",
    [
        "databricks",
        "pypdf",
        "docx",
        "lxml",
        "rich",
        "markdown_it",
        "mlflow",
        "requests",
        "numpy",
        "wordllama",
    ],
)
def test_starting_the_server_loads_no_heavy_library(loaded: set[str], heavy: str) -> None:
    assert heavy not in {name.split(".")[0] for name in loaded}


def test_starting_the_server_loads_only_the_contract_of_the_researcher(loaded: set[str]) -> None:
    ours = {name for name in loaded if name.startswith("researcher_job")}
    assert ours == {"researcher_job", *(f"researcher_job.{name}" for name in SHARED)}
