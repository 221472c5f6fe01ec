"""Each library that the packages import is declared, and each declared one is imported."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.bundle.pins import CONSTRAINTS, pins_of
from tests.project.pinned import main, unpinned
from tests.repository import ROOT
from tests.structure.imports import PACKAGES

NEEDED_BY_LIBRARIES = {"lxml-html-clean"}
"""Imported by a library that names it by an extra which is gone: trafilatura needs it."""


def imported(root: Path) -> Iterator[str]:
    """Yield the names of libraries that modules below ``root`` import, for types only too."""
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0]


def distributions(names: set[str]) -> set[str]:
    """Return the distributions that hold these libraries; a name that none holds stays itself."""
    known = packages_distributions()
    libraries = names - set(sys.stdlib_module_names) - set(PACKAGES)
    return {canonicalize_name(found) for name in libraries for found in known.get(name, [name])}


def metadata() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(*lists: Iterable[str]) -> dict[str, Requirement]:
    found = [Requirement(line) for lines in lists for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def declared() -> dict[str, Requirement]:
    """Return the requirements of the package and of its extras by name."""
    project = metadata()["project"]
    return requirements(project["dependencies"], *project["optional-dependencies"].values())


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    names = {name for package in PACKAGES for name in imported(ROOT / package)}
    assert distributions(names) == set(declared()) - NEEDED_BY_LIBRARIES


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "import typing\nfrom . import b\nfrom pydantic import x\n"
        "if typing.TYPE_CHECKING:\n    import yaml\n"
        "def f():\n    from jwt.api import y\n    import os.path, nowhere.at_all\n"
    )
    found = distributions(set(imported(tmp_path)))
    assert found == {"pydantic", "pyyaml", "pyjwt", "nowhere"}


def test_libraries_before_their_first_release_have_an_upper_bound() -> None:
    tested = pins_of(CONSTRAINTS)
    early = {name for name in declared() if tested[name].startswith("0.")}
    assert {"databricks-sdk", "uvicorn"} <= early
    assert [name for name in early if not has_upper_bound(declared()[name])] == []


def test_libraries_that_change_with_their_major_version_have_an_upper_bound() -> None:
    for name in ("mcp", "pydantic", "pydantic-core", "starlette", "anyio", "httpx2", "pypdf"):
        assert has_upper_bound(declared()[name]), name


def has_upper_bound(requirement: Requirement) -> bool:
    return any(part.operator in ("<", "<=", "==", "~=") for part in requirement.specifier)


def test_everything_declared_is_pinned_in_its_range() -> None:
    groups = requirements(*metadata()["dependency-groups"].values())
    tested = pins_of(CONSTRAINTS)
    for name, requirement in (*declared().items(), *groups.items()):
        assert tested[name] in requirement.specifier, requirement


def test_everything_that_the_tests_run_with_is_pinned() -> None:
    assert main() == 0


@pytest.mark.parametrize(
    ("constraints", "fault"),
    [
        ("PyYAML==6.0.4\nanyio==4.16.0\n", []),
        ("pyyaml==6.0.4\n", ["anyio==4.16.0"]),
        ("pyyaml==6.0.3\nanyio==4.16.0\n", ["PyYAML==6.0.4"]),
    ],
)
def test_what_has_no_pin_is_named(constraints: str, fault: list[str]) -> None:
    installed = [("PyYAML", "6.0.4"), ("anyio", "4.16.0"), ("pip", "23.2.1")]
    assert unpinned(constraints, installed) == fault
