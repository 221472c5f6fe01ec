"""Rooms, floors, arrows and circles: modules grouped by the folders in which they stand.

A room is a folder or module directly below a place; the place's own ``__init__`` is none. An arrow
leads from a room to one that it imports. A room stands one floor above the highest that it
imports; rooms that import each other are a circle and share a floor.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tests.structure.imports import Module

MOST_MODULES = 16
"""Modules of one folder, beyond which its ``__init__`` says why."""


@dataclass(frozen=True)
class Place:
    """The rooms directly below ``path`` ("" is the repository), by floor and by arrow."""

    path: str
    floors: Mapping[str, int]
    arrows: Mapping[str, frozenset[str]]
    circles: tuple[tuple[str, ...], ...]

    @property
    def height(self) -> int:
        return max(self.floors.values(), default=0)


def place(modules: Mapping[str, Module], path: str = "") -> Place:
    """Return the rooms below ``path``, a folder without trailing slash."""
    inside = {name: room for name in modules if (room := _room(name, path))}
    arrows: dict[str, set[str]] = {room: set() for room in inside.values()}
    for name, room in inside.items():
        arrows[room] |= {inside[other] for other in modules[name].imports if other in inside}
        arrows[room].discard(room)
    circles = _circles(arrows)
    return Place(
        path=path,
        floors=_floors(arrows, circles),
        arrows={room: frozenset(others) for room, others in arrows.items()},
        circles=circles,
    )


def folders(modules: Collection[str]) -> list[str]:
    """Return all folders that hold modules, at any depth, sorted."""
    return sorted(
        {"/".join(path.split("/")[:n]) for path in modules for n in range(1, path.count("/") + 1)}
    )


def _room(name: str, path: str) -> str:
    """Return the room of a module; "" where it is outside ``path`` or its ``__init__``."""
    prefix = f"{path}/" if path else ""
    if not name.startswith(prefix):
        return ""
    room = name.removeprefix(prefix).split("/")[0]
    return "" if room == "__init__.py" else room


def _circles(arrows: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    reached = {room: _reachable(room, arrows) for room in arrows}
    found = {
        tuple(sorted(other for other in reached[room] if room in reached[other]))
        for room in arrows
        if room in reached[room]
    }
    return tuple(sorted(found))


def _reachable(start: str, arrows: Mapping[str, Collection[str]]) -> set[str]:
    seen: set[str] = set()
    queue = list(arrows[start])
    while queue:
        room = queue.pop()
        if room not in seen:
            seen.add(room)
            queue.extend(arrows[room])
    return seen


def _floors(
    arrows: Mapping[str, Collection[str]], circles: Collection[tuple[str, ...]]
) -> dict[str, int]:
    group = {room: next((c for c in circles if room in c), (room,)) for room in arrows}
    known: dict[tuple[str, ...], int] = {}

    def floor(rooms: tuple[str, ...]) -> int:
        if rooms not in known:
            below = {group[other] for room in rooms for other in arrows[room]} - {rooms}
            known[rooms] = 1 + max(map(floor, below), default=0)
        return known[rooms]

    return {room: floor(group[room]) for room in arrows}
