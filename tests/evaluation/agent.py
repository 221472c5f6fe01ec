"""``make eval-agent``: which sentences of scripted writers code keeps, by labels of their own.

Jobs with a model run over the shared set of a desk's files. Readers and writers are scripted; a
writer knows of each sentence whether it is true, because it made it: the words of a quote, or such
a sentence made false. So the figures do not depend on what is measured. Nothing here says how well
a language model reads or writes.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import anyio

from research_contract import records
from research_contract.claims.claims import without_markup
from research_contract.files import create_once, encode
from research_contract.records import Limits, Plan, Request, SourceRef
from research_contract.text.safe import one_line
from research_contract.text.splitting import split
from researcher_job.core.settings import JobSettings
from researcher_job.models.base import Prompt
from researcher_job.records.control import Control
from researcher_job.records.job_folder import JobFolder
from researcher_job.research.job import Job
from researcher_job.sources.documents.documents import open_documents
from researcher_job.strategies.extractive.strategy import Extractive
from researcher_job.testing import Answer, Script, ScriptedModel
from researcher_job.verification.verify import verify
from tests.evaluation.desk import DESK
from tests.researcher_job.jobs import NOW
from tests.researcher_job.scripts import keyed_in, passages_in

QUESTIONS = 48
"""Questions of the set, the first ones whose answer is a sentence."""

CALLS = (2, 20, 50, 150)
"""Limits of tool calls; a job has as many questions as they leave room for."""

CALLS_A_QUESTION = 2
MOST_QUESTIONS = 20
LONGEST, MOST_CLAIMS = 590, 16
MAY_KEEP, MAY_LOSE = 0.02, 0.10

Writer = Callable[[str, str], Iterator[tuple[str, bool]]]
"""Makes sentences of a quote and of another one, each with whether it is true."""


def true_ones(quote: str, _other: str) -> Iterator[tuple[str, bool]]:
    """Yield the first sentence of a quote, and the same in another spelling."""
    first = next((quote[a:b].strip() for a, b in split(quote)), "")
    if len(first.split()) >= 4:
        yield first, True
        respelled = re.sub(r"(\d) ?%", r"\1 per cent", first)
        if respelled != first:
            yield respelled, True


def plain(text: str) -> str:
    """Return ``text`` as it is compared: on one line, without markup."""
    return one_line(without_markup(text))


def false_ones(quote: str, other: str) -> Iterator[tuple[str, bool]]:
    """Yield the first sentence of a quote made false in several ways; none that is one of both."""
    said = (plain(quote), plain(other))
    for text in _made_false(quote, other):
        if not any(plain(text) in one for one in said):
            yield text, False


def _made_false(quote: str, other: str) -> Iterator[str]:
    for first, _ in list(true_ones(quote, other))[:1]:
        for number in re.findall(r"\b[1-9]\d*\b", first)[:1]:
            yield first.replace(number, f"{int(number) + 7}", 1)
        for verb in re.findall(r" (?:is|are|may|must|can|has|have) ", first)[:1]:
            yield first.replace(verb, f"{verb}not ", 1)
            yield first.replace(verb, f"{verb}always ", 1)
        words = first.split()
        theirs = other.split()
        if len(theirs) > 6 and other != quote:
            half = len(words) // 2
            yield " ".join((*words[:half], *theirs[len(theirs) // 2 :]))


def careless(quote: str, other: str) -> Iterator[tuple[str, bool]]:
    """Yield true sentences and false ones."""
    yield from true_ones(quote, other)
    yield from false_ones(quote, other)


WRITERS: dict[str, tuple[Writer, bool]] = {
    "good": (true_ones, True),
    "careless": (careless, True),
    "lying, and so is the checker": (false_ones, True),
    "good, and the checker doubts everything": (true_ones, False),
}
"""By name, the writer and what the checker says of every sentence."""


@dataclass
class Scripted:
    """The script of one job; ``labels`` are those of the sentences that were written."""

    gold: Sequence[str]
    writer: Writer
    supported: bool
    labels: dict[str, bool] = field(default_factory=dict)

    def script(self) -> Script:
        return {
            "divide": self._divides,
            "plan": ({"searches": []},),
            "read": self._reads,
            "review": ({"enough": True},),
            "write": self._writes,
            "check": ({"supported": self.supported, "why": "" if self.supported else "no"},),
        }

    def _divides(self, prompt: Prompt) -> Answer:
        asked = re.search(r"<<<DATA \w+\n(.*?)\nDATA", prompt.messages[0].text, re.DOTALL)
        return {"tasks": [{"ask": asked[1][:400] if asked else "?"}]}

    def _reads(self, prompt: Prompt) -> Answer:
        """Quote what answers, where it is shown, and the passage that was found first."""
        shown = passages_in(prompt)
        found = [(n, one) for n, text in shown for one in self.gold if one in text]
        others = [(n, text.split("\n")[0]) for n, text in shown[:1]]
        quotes = [{"passage": n, "text": text[:900]} for n, text in (*found, *others) if text]
        return {"quotes": quotes[:8], "answers": "yes" if found else "partly"}

    def _writes(self, prompt: Prompt) -> Answer:
        quotes = keyed_in(prompt)
        sections: dict[int, list[Mapping[str, object]]] = defaultdict(list)
        for (key, quote), (_, other) in pairwise([*quotes, *quotes[:1]]):
            claims = sections[int(key[1:].split(".")[0])]
            for text, label in self.writer(quote, other):
                fits = len(text) <= LONGEST and len(claims) < MOST_CLAIMS
                if fits and self.labels.setdefault(text, label) == label:
                    claims.append({"kind": "quote", "text": text, "evidence": [key]})
        said = [{"question": n, "claims": claims} for n, claims in sections.items()]
        return {"summary": [], "sections": said}


def questions() -> list[tuple[str, list[str]]]:
    """Return questions of the set with the sentences that answer them."""
    lines = (DESK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    prose = [one for one in asked if one["answerable"] and "|" not in one["best"]]
    return [(one["question"], [text for _, text in one["gold"]]) for one in prose[:QUESTIONS]]


def run(root: Path, part: Sequence[tuple[str, list[str]]], calls: int, name: str) -> Counter[str]:
    """Run one job; count its sentences by label and fate, its calls, tokens and dollars."""
    writer, supported = WRITERS[name]
    scripted = Scripted([text for _, gold in part for text in gold], writer, supported)
    model = ScriptedModel(scripted.script())
    folder = JobFolder(root / "job")
    folder.path.mkdir(parents=True)
    request = Request(
        job_id="20260301-aaaaaaaaaaaaa",
        question="What do these files say?",
        plan=Plan(questions=tuple(question for question, _ in part)),
        sources=(SourceRef(name="desk", uri=(DESK / "corpus").resolve().as_uri()),),
        limits=Limits(tool_calls=calls),
        created_at=NOW,
    )
    create_once(folder.path / records.REQUEST, encode(request))
    job = Job(
        folder=folder,
        request=request,
        attempt=1,
        settings=JobSettings(cache_dir=root.parent / "cache"),
        open_source=partial(open_documents, without=frozenset(), model=None),
        strategy=Extractive(),
        models=replace(model.models(), wait_seconds=0.0),
        control=Control(folder.path),
    )
    anyio.run(job.run)
    if faults := verify(folder.path).faults:
        raise AssertionError(f"the report does not verify: {faults[0]}")
    outcome, written = folder.outcome(), folder.written()
    assert outcome
    claims = [claim for one in written.sections for claim in one.claims] if written else []
    kept = {plain(claim.text) for claim in claims}
    counted: Counter[str] = Counter(questions=len(part), calls=len(model.prompts))
    counted.update(tokens=outcome.spent.tokens, micro_usd=round(outcome.spent.cost_usd * 1e6))
    for text, label in scripted.labels.items():
        stands = any(plain(text) in one for one in kept)
        counted[f"{label} {'kept' if stands else 'out'}"] += 1
    return counted


def main() -> int:
    """Print the table; 1: too many false sentences stand, or too many true ones are taken out."""
    asked = questions()
    failed = False
    print("| writer | tool calls | questions | false kept | true out | calls | tokens | USD |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as root:
        for name in WRITERS:
            for calls in CALLS:
                size = max(1, min(MOST_QUESTIONS, calls // CALLS_A_QUESTION))
                total: Counter[str] = Counter()
                for at in range(0, len(asked), size):
                    place = Path(root) / f"{name[:4]}{len(name)}-{calls}-{at}"
                    total += run(place, asked[at : at + size], calls, name)
                false, true = (total[f"{one} kept"] + total[f"{one} out"] for one in (False, True))
                kept = total["False kept"] / false if false else 0.0
                out = total["True out"] / true if true else 0.0
                failed |= kept > MAY_KEEP or out > MAY_LOSE
                each = [total[one] / total["questions"] for one in ("calls", "tokens", "micro_usd")]
                print(
                    f"| {name} | {calls} | {total['questions']} |"
                    f" {kept:.3f} of {false} | {out:.3f} of {true} |"
                    f" {each[0]:.1f} | {each[1]:.0f} | {each[2] / 1e6:.5f} |",
                    flush=True,
                )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
