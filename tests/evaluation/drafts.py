"""Drafts judged by the code of ``check_citations``: true and false sentences by kind of error.

The set is ``drafts.txt``: blocks of quotes (``>``) with sentences about them. ``+`` states a quote
in its words, or two of them joined, ``~`` says the same in other words, ``-`` says something else.
Every other block is for development; the rest is only measured.

    python -m tests.evaluation.drafts [--wrong]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from research_contract.claims.claims import claims
from research_contract.claims.quotes import Quoted, Quotes
from research_contract.claims.verdicts import Judgement, Verdict, judge

SET = Path(__file__).with_name("drafts.txt")

Label = Literal["restated", "paraphrase", "false"]
LABELS: Mapping[str, Label] = {"+": "restated", "~": "paraphrase", "-": "false"}
HALVES = ("developed", "measured")


@dataclass(frozen=True)
class Draft:
    """A sentence with its kind and label, the half it belongs to, and what is said of it."""

    kind: str
    half: str
    label: Label
    text: str
    judgement: Judgement


def judged(text: str) -> list[Draft]:
    """Judge each sentence of a set by all quotes of its block."""
    return [
        draft for number, block in enumerate(_blocks(text)) for draft in _judged(number, *block)
    ]


def _blocks(text: str) -> Iterator[tuple[str, Sequence[str]]]:
    kind = ""
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        if lines[0].startswith("# "):
            kind = lines.pop(0)[2:]
        yield kind, lines


def _judged(number: int, kind: str, lines: Sequence[str]) -> Iterator[Draft]:
    texts = [line[2:] for line in lines if line.startswith("> ")]
    quotes = Quotes(Quoted(n, text) for n, text in enumerate(texts, start=1))
    cited = "".join(f"[{n}]" for n in quotes.numbers)
    for line in lines[len(texts) :]:
        [claim] = claims(f"{line[2:]} {cited}")
        said = judge(claim, quotes, claim.cites)
        yield Draft(kind, HALVES[number % 2], LABELS[line[0]], line[2:], said)


def table(drafts: Sequence[Draft]) -> str:
    """Return, by half and kind, how many sentences of each label got which verdict."""
    lines = [
        f"{'drafts':<42}{'false: supported':>18}{'restated: supported':>21}"
        f"{'true: contradicted':>20}"
    ]
    for half in HALVES:
        here = [draft for draft in drafts if draft.half == half]
        for kind in [*dict.fromkeys(draft.kind for draft in here), "all"]:
            of = [draft for draft in here if kind in (draft.kind, "all")]
            shown = (
                _share(of, ("false",), "supported"),
                _share(of, ("restated",), "supported"),
                _share(of, ("restated", "paraphrase"), "contradicted"),
            )
            lines.append(f"{f'{half}: {kind}':<42}{shown[0]:>18}{shown[1]:>21}{shown[2]:>20}")
    return "\n".join(lines)


def _share(drafts: Sequence[Draft], labels: Sequence[Label], verdict: Verdict) -> str:
    verdicts = Counter(draft.judgement.verdict for draft in drafts if draft.label in labels)
    return f"{verdicts[verdict]} of {verdicts.total()}"


def main() -> int:
    """Print the table; with ``--wrong`` also the sentences of the developed half judged wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.drafts")
    parser.add_argument("--wrong", action="store_true", help="list what is judged wrongly")
    drafts = judged(SET.read_text(encoding="utf-8"))
    print(table(drafts))
    for draft in drafts if parser.parse_args().wrong else ():
        if draft.half == HALVES[0] and _is_wrong(draft):
            print(f"{draft.judgement.verdict:<13} {draft.label:<11} {draft.text}")
    return 0


def _is_wrong(draft: Draft) -> bool:
    wrong = {"false": "supported", "paraphrase": "contradicted"}.get(draft.label)
    return draft.judgement.verdict == wrong or (
        draft.label == "restated" and draft.judgement.verdict != "supported"
    )


if __name__ == "__main__":
    sys.exit(main())
