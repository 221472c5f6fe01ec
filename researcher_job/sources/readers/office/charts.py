"""Charts of office documents: the table of numbers that each one draws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.readers.rows import add_table

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def add_chart(writer: DocumentWriter, chart: bytes, *, place: str) -> None:
    """Append the chart in ``chart`` (DrawingML) as a table: a row a category, a column a series.

    The numbers are those stored with the chart, as its program drew them last.
    """
    root = etree.fromstring(chart, parser=_PARSER)
    title = root.find(f".//{_C}title")
    if title is not None:
        said = "".join(piece.text or "" for piece in title.iter(f"{_A}t"))
        writer.add("caption", said, place=place)
    series = list(root.iter(f"{_C}ser"))
    names: dict[int, str] = {}
    for one in series:
        names = {**dict(_points(one, "cat", "xVal")), **names}
    columns = [dict(_points(one, "val", "yVal")) for one in series]
    head = ["", *(next(iter(dict(_points(one, "tx")).values()), "") for one in series)]
    places = sorted({index for column in columns for index in column})
    rows = [[names.get(at, ""), *(column.get(at, "") for column in columns)] for at in places]
    add_table(writer, [head, *rows], place=place, heads=1)


def _points(series: Any, *kinds: str) -> Iterator[tuple[int, str]]:  # noqa: ANN401 - no types there
    """Yield index and value of each point of the first of ``kinds`` that ``series`` has."""
    found = next((one for kind in kinds if (one := series.find(f"{_C}{kind}")) is not None), None)
    if found is None:
        return
    points = list(found.iter(f"{_C}pt"))
    for point in points:
        yield int(point.get("idx", "0")), (point.findtext(f"{_C}v") or "").strip()
    if not points and (value := found.findtext(f".//{_C}v")):
        yield 0, value
