"""Who may import whom, and what starting the server loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.repository import ROOT
from tests.structure.imports import PACKAGES, Module, read_modules

ALLOWED = {
    "research_contract": {"research_contract"},
    "researcher_job": {"researcher_job", "research_contract"},
    "mcp_jobs_server": {"mcp_jobs_server", "research_contract"},
}
CONTRACT_LIBRARIES = {"pathspec", "pydantic", "snowballstemmer"}

LOADED = """
import sys
import mcp_jobs_server.__main__, mcp_jobs_server.transports.stdio, mcp_jobs_server.protocol.server
import mcp_jobs_server.app
print("\\n".join(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read_modules(ROOT)


@pytest.mark.parametrize("package", PACKAGES)
def test_server_and_job_share_the_contract_and_nothing_else(
    modules: Mapping[str, Module], package: str
) -> None:
    foreign = {
        (path, other)
        for path, module in modules.items()
        for other in module.imports
        if path.startswith(f"{package}/") and other.split("/")[0] not in ALLOWED[package]
    }
    assert foreign == set()


def test_the_contract_needs_few_small_libraries() -> None:
    imported: set[str] = set()
    for file in (ROOT / "research_contract").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    libraries = imported - set(sys.stdlib_module_names) - {"research_contract"}
    assert libraries <= CONTRACT_LIBRARIES


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
        "snowballstemmer",
    ],
)
def test_starting_the_server_loads_no_heavy_library(loaded: set[str], heavy: str) -> None:
    assert heavy not in {name.split(".")[0] for name in loaded}


def test_starting_the_server_loads_nothing_of_the_researcher(loaded: set[str]) -> None:
    assert {name for name in loaded if name.startswith("researcher_job")} == set()
