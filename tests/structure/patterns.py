"""The regular expressions of the packages, how the code calls them, and texts that may slow them.

A pattern that starts anew at each place of a run, or can divide a run in several ways, takes time
that grows with the square of the text. ``attacks`` repeats what the pattern itself consists of.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

METHODS = frozenset({"match", "search", "fullmatch", "finditer", "findall", "sub", "split"})

_MOST_PAIRED = 12
"""Parts of a pattern of which each two are repeated together; all other parts in their order."""

_MOST_PARTS = 60
_CLASSES = {"\\s": " ", "\\d": "1", "\\w": "a", "\\W": "-", "\\S": "a", "\\n": "\n", "\\t": "\t"}
_PART = re.compile(r"\(\?[a-zA-Z]*(?:P?[<!=:]+(?:\w+>)?)?|\\.|\{[\d,]+\}|[a-zA-Z]{2,}|.", re.DOTALL)
_SYNTAX = frozenset("?*+|()[]{}^$.")


@dataclass
class Used:
    """A pattern, where it is written, and the methods by which it is applied."""

    pattern: re.Pattern[Any]
    places: list[str] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)


def import_all(*packages: str) -> list[ModuleType]:
    """Import every module of ``packages`` except ``__main__``."""
    roots = [importlib.import_module(name) for name in packages]
    names = [
        info.name
        for root in roots
        for info in pkgutil.walk_packages(root.__path__, f"{root.__name__}.")
        if not info.name.endswith("__main__")
    ]
    return [*roots, *map(importlib.import_module, names)]


def patterns(modules: Iterable[ModuleType]) -> list[Used]:
    """Return the patterns that stand in ``modules``: compiled, or passed as text to ``re``."""
    found: dict[tuple[str | bytes, int], Used] = {}
    for module in modules:
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        calls = [(call, call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)]
        methods = [
            (call, function.value, function.attr)
            for call, function in calls
            if isinstance(function, ast.Attribute) and function.attr in METHODS
        ]
        for name, value in vars(module).items():
            called = {method for _, on, method in methods if name in _names(on)}
            for pattern in _compiled(value):
                _note(found, pattern, f"{module.__name__}.{name}", called)
        for call, on, method in methods:
            if (
                isinstance(on, ast.Name)
                and on.id == "re"
                and isinstance(call.args[0], ast.Constant)
            ):
                written = re.compile(str(call.args[0].value), _flags(call))
                _note(found, written, f"{module.__name__}:{call.lineno}", {method})
    return list(found.values())


def _note(
    found: dict[tuple[str | bytes, int], Used],
    pattern: re.Pattern[Any],
    place: str,
    methods: set[str],
) -> None:
    used = found.setdefault((pattern.pattern, pattern.flags), Used(pattern))
    used.places.append(place)
    used.methods |= methods


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _compiled(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | frozenset | set):
        for one in value:
            yield from _compiled(one)
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _compiled(pair)


def _flags(call: ast.Call) -> int:
    named = [ast.unparse(word.value) for word in call.keywords if word.arg == "flags"]
    named += [text for text in map(ast.unparse, call.args) if text.startswith("re.")]
    return sum(
        getattr(re, flag.strip().removeprefix("re.")) for text in named for flag in text.split("|")
    )


def attacks(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield how a text begins and what is repeated in it, both made of parts of ``pattern``."""
    parts = [
        _CLASSES.get(part, part[-1] if part.startswith("\\") else part)
        for part in _PART.findall(pattern)
        if not part.startswith(("(?", "{")) and part not in _SYNTAX
    ]
    distinct = list(dict.fromkeys(parts))[:_MOST_PARTS]
    repeated = dict.fromkeys(["a", " ", "1", *distinct])
    repeated |= dict.fromkeys(map("".join, product(distinct[:_MOST_PAIRED], repeat=2)))
    for length in (2, 3, 4, 5):
        windows = (parts[at : at + length] for at in range(min(len(parts), _MOST_PARTS)))
        repeated |= dict.fromkeys(map("".join, windows))
    for one in repeated:
        yield "", one
    beginnings = dict.fromkeys("".join(parts[:length]) for length in (1, 2, 3, 4))
    for one in [*distinct[:_MOST_PAIRED], "a", " ", "1"]:
        for beginning in beginnings:
            yield beginning, one
