"""The figures that ``make map`` prints stay within bounds, and the map sees what it measures."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.repository import ROOT
from tests.structure.imports import PACKAGES, Module, read_modules
from tests.structure.rooms import MOST_MODULES, Place, folders, place

MOST_ROOMS = {"": 8, "mcp_jobs_server": 23, "researcher_job": 16}
"""Most rooms of a place; "" is the repository as a whole."""

MOST_FLOORS = 4
"""Most floors of the repository as a whole."""

MOST_LINES = 400
"""Most lines of a file in the packages."""


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read_modules(ROOT)


# --- the packages -------------------------------------------------------------------------


@pytest.mark.parametrize("path", MOST_ROOMS)
def test_places_have_few_rooms(modules: Mapping[str, Module], path: str) -> None:
    assert 0 < len(place(modules, path).floors) <= MOST_ROOMS[path]


def test_the_whole_has_few_floors(modules: Mapping[str, Module]) -> None:
    assert place(modules).height <= MOST_FLOORS


def test_no_place_has_a_circle(modules: Mapping[str, Module]) -> None:
    places = [place(modules, path) for path in ("", *folders(modules))]
    assert {found.path: found.circles for found in places if found.circles} == {}


def test_large_folders_give_a_reason(modules: Mapping[str, Module]) -> None:
    assert large_folders_without_reason(modules) == []


def test_every_folder_has_a_docstring(modules: Mapping[str, Module]) -> None:
    assert [path for path in folders(modules) if not docstring(modules, path)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_root_modules_hold_only_a_docstring_and_a_version(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert {ast.unparse(node).split(" = ")[0] for node in tree.body[1:]} <= {"__version__"}


def test_files_are_short(modules: Mapping[str, Module]) -> None:
    long = {path: found.lines for path, found in modules.items() if found.lines > MOST_LINES}
    assert long == {}


def docstring(modules: Mapping[str, Module], folder: str) -> str:
    found = modules.get(f"{folder}/__init__.py")
    return found.docstring if found else ""


def large_folders_without_reason(modules: Mapping[str, Module]) -> list[str]:
    """Return the folders with many modules whose docstring is a single line."""
    count = Counter(path.rpartition("/")[0] for path in modules if "__init__" not in path)
    large = [folder for folder, modules_there in count.items() if modules_there > MOST_MODULES]
    return sorted(folder for folder in large if "\n" not in docstring(modules, folder))


# --- the map itself, on small trees -------------------------------------------------------


def tree(root: Path, files: Mapping[str, str]) -> dict[str, Module]:
    """Write ``files`` below ``root``, each folder with an ``__init__``, and read the modules."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        for folder in file.relative_to(root).parents:
            if folder.name and f"{folder.as_posix()}/__init__.py" not in files:
                (root / folder / "__init__.py").write_text('"""Folder."""\n', encoding="utf-8")
    return read_modules(root)


def server(root: Path, **files: str) -> Place:
    """Return the map of a made-up server package with these modules."""
    named = {f"mcp_jobs_server/{name}.py": text for name, text in files.items()}
    return place(tree(root, named), "mcp_jobs_server")


def test_a_module_stands_one_floor_above_what_it_imports(tmp_path: Path) -> None:
    found = server(
        tmp_path,
        top="from mcp_jobs_server import middle\nimport json\n",
        middle="import mcp_jobs_server.bottom\n",
        bottom="",
        beside="from . import bottom\n",
    )
    floors = {"top.py": 3, "middle.py": 2, "beside.py": 2, "bottom.py": 1}
    assert found.floors == floors
    assert found.height == 3
    assert found.circles == ()


def test_rooms_are_folders_and_modules(tmp_path: Path) -> None:
    files = {
        "mcp_jobs_server/cli/parser.py": "from mcp_jobs_server.core.errors import Error\n",
        "mcp_jobs_server/core/errors.py": "Error = OSError\n",
        "mcp_jobs_server/app.py": "import researcher_job.job\n",
        "researcher_job/job.py": "",
    }
    found = place(tree(tmp_path, files), "mcp_jobs_server")
    assert found.arrows == {
        "cli": frozenset({"core"}),
        "core": frozenset(),
        "app.py": frozenset(),
    }
    assert place(tree(tmp_path, files)).arrows["mcp_jobs_server"] == {"researcher_job"}


def test_a_circle_is_seen(tmp_path: Path) -> None:
    found = server(
        tmp_path,
        one="from mcp_jobs_server.two import x\n",
        two="from mcp_jobs_server.three import x\n",
        three="from mcp_jobs_server.one import x\n",
        above="from mcp_jobs_server.one import x\n",
    )
    assert found.circles == (("one.py", "three.py", "two.py"),)
    assert found.floors == {"one.py": 1, "two.py": 1, "three.py": 1, "above.py": 2}


@pytest.mark.parametrize(
    "back",
    [
        "import typing\nif typing.TYPE_CHECKING:\n    from mcp_jobs_server import one\n",
        "def call() -> None:\n    from mcp_jobs_server.one import x\n",
        "class A:\n    async def call(self) -> None:\n        import mcp_jobs_server.one as it\n",
        "try:\n    from .one import x\nexcept ImportError:\n    x = None\n",
    ],
    ids=["for types only", "in a function", "in a method", "guarded and relative"],
)
def test_imports_count_wherever_they_stand(tmp_path: Path, back: str) -> None:
    found = server(tmp_path, one="import mcp_jobs_server.two\n", two=back)
    assert found.circles == (("one.py", "two.py"),)


def test_a_circle_inside_a_folder_is_seen_there_only(tmp_path: Path) -> None:
    files = {
        "researcher_job/report/page.py": "from researcher_job.report.text import x\n",
        "researcher_job/report/text.py": "from researcher_job.report import page\n",
    }
    found = tree(tmp_path, files)
    assert place(found, "researcher_job").circles == ()
    assert place(found, "researcher_job/report").circles == (("page.py", "text.py"),)


def test_a_large_folder_needs_a_longer_docstring(tmp_path: Path) -> None:
    files = {f"researcher_job/readers/r{n}.py": "" for n in range(MOST_MODULES + 1)}
    assert large_folders_without_reason(tree(tmp_path, files)) == ["researcher_job/readers"]
    files["researcher_job/readers/__init__.py"] = '"""Readers.\n\nOne a format.\n"""\n'
    assert large_folders_without_reason(tree(tmp_path, files)) == []


def test_sizes_and_docstrings_are_read(tmp_path: Path) -> None:
    text = '"""A module."""\n\n\ndef one() -> None:\n    def two() -> None:\n        pass\n'
    found = tree(tmp_path, {"researcher_job/job.py": text})["researcher_job/job.py"]
    assert (found.docstring, found.lines, found.functions) == ("A module.", 6, (3, 2))
