"""Which module imports which, read from the source: also inside functions and for types only."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("research_contract", "researcher_job", "mcp_jobs_server")


@dataclass(frozen=True)
class Module:
    """A source file: its path from the root, the modules it imports, and what it defines.

    ``functions`` are the lengths in lines of its functions and methods, nested ones included.
    """

    path: str
    imports: frozenset[str]
    functions: tuple[int, ...]
    lines: int
    docstring: str


def read_modules(root: Path) -> dict[str, Module]:
    """Return the modules of the packages below ``root`` by their paths.

    An import of a package counts as an import of its ``__init__``; imports of modules outside
    the packages are left out.
    """
    files = [file for name in PACKAGES for file in sorted((root / name).rglob("*.py"))]
    paths = {file.relative_to(root).as_posix(): file for file in files}
    return {path: _module(path, file, paths) for path, file in paths.items()}


def _module(path: str, file: Path, known: Mapping[str, Path]) -> Module:
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return Module(
        path=path,
        imports=frozenset(found for found in _imports(tree, path, known) if found != path),
        functions=tuple(
            (node.end_lineno or node.lineno) - node.lineno + 1
            for node in ast.walk(tree)
            if isinstance(node, functions)
        ),
        lines=len(source.splitlines()),
        docstring=ast.get_docstring(tree) or "",
    )


def _imports(tree: ast.Module, path: str, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.split("/")[: -node.level]) if node.level else ""
            base = ".".join(filter(None, (package, node.module)))
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found = _file_of(name, known) or _file_of(name.rpartition(".")[0], known)
            if found:
                yield found


def _file_of(name: str, known: Mapping[str, Path]) -> str | None:
    place = name.replace(".", "/")
    return next((p for p in (f"{place}.py", f"{place}/__init__.py") if p in known), None)
