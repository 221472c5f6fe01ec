"""``python -m tests.evaluation [--write] [MODE ...]``: our figures beside the baselines."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import anyio

from researcher_job.sources.embeddings.configured import installed
from tests.evaluation import claims, desk, drafts, measures
from tests.evaluation.measures import MEASURES, OpenSet
from tests.evaluation.results import Result, table, with_table
from tests.evaluation.searching import MODES
from tests.evaluation.sets import DEFAULT_DATA, load
from tests.repository import ROOT

PAGE = ROOT / "docs" / "finding.md"
OWN = Path(__file__).parent / "own"
"""Our own set of the kind of the desk set: tables, definitions and languages."""

AIMS = {**measures.AIMS, "desk": desk.AIMS, "own": {}}

Measured = dict[str, dict[str, dict[str, Result]]]
"""Results by set, measure and mode."""


async def _measure(data: Path, modes: Sequence[str]) -> Measured:
    found: Measured = defaultdict(lambda: defaultdict(dict))
    with tempfile.TemporaryDirectory() as made:
        for mode in modes:
            for name, measure, value in await _of_mode(data, Path(made), mode):
                found[name][measure][mode] = value
    return found


async def _of_mode(data: Path, made: Path, mode: str) -> list[tuple[str, str, Result]]:
    models, cache = MODES[mode], made / "cache"
    found: dict[str, dict[str, Result]] = {}
    for name, folder in {"desk": data / "desk", "own": OWN}.items():
        out = made / f"{name}-{mode}.jsonl"
        desk.answered(folder, models, out, cache=cache)
        found[name] = desk.measured(folder, out) | await desk.states(folder, models, cache=cache)
    opened = {name: await OpenSet.open(load(data / name), made / name, models) for name in MEASURES}
    for name, other in zip(MEASURES, reversed(MEASURES), strict=True):
        found[name] = await MEASURES[name](opened[name])
        found[name] |= await measures.states(opened[name], opened[other])
    return [(name, measure, value) for name, of in found.items() for measure, value in of.items()]


def main() -> int:
    """Measure and print; 2 where a set is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the sets")
    parser.add_argument("--write", action="store_true", help="put the table into docs/finding.md")
    parser.add_argument("modes", nargs="*", metavar="MODE", help=", ".join(MODES))
    options = parser.parse_args()
    data: Path = options.data.absolute()
    wanted = {"desk": "questions.jsonl", **dict.fromkeys(MEASURES, "queries.jsonl")}
    missing = [name for name, file in wanted.items() if not (data / name / file).is_file()]
    if missing:
        print(
            f"The evaluation sets {', '.join(missing)} are not in {data}."
            " Name the folder that holds them with --data DIR.",
            file=sys.stderr,
        )
        return 2
    usable = [mode for mode, models in MODES.items() if set(models) <= set(installed())]
    found = table(anyio.run(_measure, data, options.modes or usable), AIMS)
    print(f"{found}\n")
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_table(page, found), encoding="utf-8")
    print(claims.report(data))
    print(drafts.table(drafts.judged(drafts.SET.read_text(encoding="utf-8"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
