"""``make map``: prints rooms, floors, arrows and circles of the packages, and how long they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

from tests.repository import ROOT
from tests.structure.imports import PACKAGES, Module, read_modules
from tests.structure.rooms import Place, folders, place


def lines(modules: Mapping[str, Module]) -> Iterator[str]:
    """Yield the map: the whole, each package with its rooms, circles in folders, and sizes."""
    for path in ("", *PACKAGES):
        found = place(modules, path)
        yield summary(found)
        for room, floor in sorted(found.floors.items(), key=lambda item: (-item[1], item[0])):
            others = ", ".join(sorted(found.arrows[room])) or "nothing"
            yield f"  floor {floor}  {room:<20} imports {others}"
        yield ""
    inner = [place(modules, folder) for folder in folders(modules) if folder not in PACKAGES]
    circles = [(found.path, circle) for found in inner for circle in found.circles]
    yield f"folders inside: {len(inner)}, circles among what stands in them: {len(circles)}"
    yield from (f"  {path}: {' <-> '.join(circle)}" for path, circle in circles)
    yield sizes(modules)


def summary(found: Place) -> str:
    """Say how many rooms, floors, arrows and circles a place has."""
    arrows = sum(len(others) for others in found.arrows.values())
    return (
        f"{found.path or 'whole'}: {len(found.floors)} rooms on {found.height} floors,"
        f" {arrows} arrows, {len(found.circles)} circles"
    )


def sizes(modules: Mapping[str, Module]) -> str:
    """Say how many modules and definitions there are, and how long a function is."""
    functions = [length for module in modules.values() for length in module.functions]
    longest = max(modules.values(), key=lambda module: module.lines)
    return (
        f"{len(modules)} modules, {sum(m.lines for m in modules.values())} lines, the longest"
        f" {longest.path} ({longest.lines}); {len(functions)} definitions of functions,"
        f" median {median(functions):g} lines"
    )


if __name__ == "__main__":
    print("\n".join(lines(read_modules(ROOT))))
