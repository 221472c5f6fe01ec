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
from itertools import pairwise, product
from pathlib import Path
from types import ModuleType
from typing import Any

METHODS = frozenset({"match", "search", "fullmatch", "finditer", "findall", "sub", "split"})

_MOST_PAIRED = 10
"""Parts of a pattern of which each two are repeated together; all other parts in their order."""

_MOST_PARTS = 60
_MOST_COPIES = 8
_PART = re.compile(
    r"\(\?[a-zA-Z]*(?:P?[<!=:]+(?:\w+>)?)?|\[\^?\]?(?:\\.|[^\]\\])*\]|\\x..|\\u.{4}|\\."
    r"|\{(?P<copies>\d*),?\d*\}|[a-zA-Z]{2,}|.",
    re.DOTALL,
)
_MEMBER = re.compile(r"\\x..|\\u.{4}|\\.|.", re.DOTALL)
_SYNTAX = frozenset("?*+|()^$.")
_USUAL = ("a", " ", "1", "\n")
_OUTSIDE = (*_USUAL, "-", "A", "\0")
"""What may stand for a class that excludes characters."""

_CLASSES: dict[str, tuple[str, ...]] = {
    "\\s": (" ", "\n"),
    "\\w": ("a", "1"),
    "\\W": ("-", " "),
    **dict.fromkeys(("\\S", "\\D"), ("a",)),
    "\\d": ("1",),
    "\\n": ("\n",),
    "\\t": ("\t",),
    "\\r": ("\r",),
    "\\f": ("\f",),
    **{f"\\{place}": () for place in "bBAZ0123456789"},
}


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
        methods = [
            (node.value, node.attr)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in METHODS
        ]
        direct = [pair for pair in methods if not isinstance(pair[0], ast.Call)]
        others = {  # of patterns in a tuple, each of which has another name in turn
            method
            for on, method in methods
            if isinstance(on, ast.Name) and on.id not in vars(module) and method != "split"
        }
        for name, value in vars(module).items():
            called = {method for on, method in direct if name in _names(on)}
            for pattern in _compiled(value):
                _note(found, pattern, f"{module.__name__}.{name}", called or others)
        for call in ast.walk(tree):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr in METHODS
                and isinstance(call.func.value, ast.Name)
                and call.func.value.id == "re"
                and isinstance(call.args[0], ast.Constant)
            ):
                written = re.compile(str(call.args[0].value), _flags(call))
                _note(found, written, f"{module.__name__}:{call.lineno}", {call.func.attr})
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
    parts, needed = _parts(pattern)
    first, last = [part[0] for part in parts], [part[-1] for part in parts]
    distinct = list(dict.fromkeys(one for part in parts for one in part))[:_MOST_PARTS]
    paired = list(dict.fromkeys(first))[:_MOST_PAIRED]
    repeated = dict.fromkeys([*_USUAL, *distinct])
    repeated |= dict.fromkeys(map("".join, product(paired, repeat=2)))
    for chosen in (first, last, [part[0] for part in needed]):
        for length in (2, 3, 4, 5):
            windows = (chosen[at : at + length] for at in range(min(len(chosen), _MOST_PARTS)))
            repeated |= dict.fromkeys(map("".join, windows))
    for one in repeated:
        yield "", one
    beginnings = dict.fromkeys("".join(first[:length]) for length in (1, 2, 3, 4) if first)
    following = ["".join(pair) for pair in pairwise(first[:_MOST_PARTS])]
    for one in dict.fromkeys([*paired, *_USUAL, *following]):
        for beginning in beginnings:
            yield beginning, one


def _parts(pattern: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return what may stand for each element of ``pattern``, and for each that must be there."""
    parts: list[tuple[str, ...]] = []
    optional: set[int] = set()
    before = ""
    for found in _PART.finditer(pattern):
        part = found[0]
        if found["copies"] and parts:
            copies = min(int(found["copies"]), _MOST_COPIES)
            parts[-1] = tuple(one * max(copies, 1) for one in parts[-1])
        elif part.startswith(("(?", "{")) or part in _SYNTAX:
            if part in "?*" and before not in _SYNTAX:
                optional.add(len(parts) - 1)
        elif members := _members(part):
            parts.append(members)
        before = part
    return parts, [part for at, part in enumerate(parts) if at not in optional]


def _members(part: str) -> tuple[str, ...]:
    """Return what the class, escape or text ``part`` stands for; nothing for a place."""
    if part[0] == "\\":
        return _escaped(part)
    if not part.startswith("["):
        return (part,)
    if part.startswith("[^"):
        return tuple(one for one in _OUTSIDE if re.fullmatch(part, one))[:2]
    return tuple(one for found in _MEMBER.findall(part[1:-1]) for one in _escaped(found))


def _escaped(part: str) -> tuple[str, ...]:
    if part in _CLASSES:
        return _CLASSES[part]
    return (chr(int(part[2:], 16)),) if part.startswith(("\\x", "\\u")) else (part[-1],)
