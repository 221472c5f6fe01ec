"""``python -m tests.evaluation [--data DIR]``: prints our numbers beside the baseline's."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import anyio

from tests.evaluation import claims
from tests.evaluation.measures import MEASURES, Result, Searched, declined, table
from tests.evaluation.sets import load

DEFAULT_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "eval"


async def _measure(data: Path) -> dict[str, dict[str, Result]]:
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        opened = [await Searched.open(load(data / name), Path(folder) / name) for name in MEASURES]
        for (name, measure), searched in zip(MEASURES.items(), opened, strict=True):
            measured[name] = await measure(searched)
        measured["declined"] = await declined(*opened)
    return measured


def main() -> int:
    """Measure and print; 2 where a set is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the sets")
    data = parser.parse_args().data.absolute()
    missing = [name for name in MEASURES if not (data / name / "queries.jsonl").is_file()]
    if missing:
        print(
            f"The evaluation sets {', '.join(missing)} are not in {data}."
            " Name the folder that holds them with --data DIR.",
            file=sys.stderr,
        )
        return 2
    print(table(anyio.run(_measure, data)))
    print(claims.report(data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
