"""``python -m tests.evaluation [--data DIR]``: prints our numbers beside the baseline's."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from tests.evaluation import claims, drafts
from tests.evaluation.fit import EVEN, ODD, fitted_on
from tests.evaluation.measures import MEASURES, Halves, Result, Searched, declined, table
from tests.evaluation.sets import DEFAULT_DATA, load

TITLES = {
    False: "Without word vectors; each half judged by what the other half fitted",
    True: "With word vectors; each half judged by what the other half fitted",
}


async def _measure(data: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened = [await Searched.open(load(data / name), Path(folder) / name) for name in MEASURES]
        for meaning, title in TITLES.items():
            print(f"{title}\n{table(await _measured(opened, meaning=meaning))}\n", flush=True)


async def _measured(opened: Sequence[Searched], *, meaning: bool) -> dict[str, dict[str, Result]]:
    even = await fitted_on(opened, EVEN, meaning=meaning)
    by = Halves(even, await fitted_on(opened, ODD, meaning=meaning), meaning)
    pairs = zip(MEASURES.items(), opened, strict=True)
    measured = {name: await measure(searched, by) for (name, measure), searched in pairs}
    one, other = opened
    return measured | {"declined": await declined(one, other, by)}


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
    anyio.run(_measure, data)
    print(claims.report(data))
    print(drafts.table(drafts.judged(drafts.SET.read_text(encoding="utf-8"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
