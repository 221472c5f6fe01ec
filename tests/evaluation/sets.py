"""The shared evaluation sets: their records, and their documents laid out as a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.repository import SHARED

DEFAULT_DATA = SHARED / "eval"


@dataclass(frozen=True)
class Item:
    """A document of a set; sentence ``n`` is ``text[slice(*sentences[n])]``."""

    id: str
    title: str
    text: str
    sentences: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Asked:
    """A question of a set; ``gold_sentences`` are alternative sets of (document, sentence)."""

    query: str
    answerable: bool
    candidates: Sequence[str]
    gold_docs: frozenset[str]
    gold_sentences: Sequence[frozenset[tuple[str, int]]]


@dataclass(frozen=True)
class EvaluationSet:
    items: Mapping[str, Item]
    questions: Sequence[Asked]


def load(folder: Path) -> EvaluationSet:
    """Read the set in ``folder``; raises ``FileNotFoundError`` where it is not there."""
    items = [
        Item(
            row["id"], row["title"], row["text"], [(start, end) for start, end in row["sentences"]]
        )
        for row in _rows(folder / "corpus.jsonl")
    ]
    questions = [
        Asked(
            query=row["query"],
            answerable=row["label"] == "answerable",
            candidates=row["candidates"],
            gold_docs=frozenset(row["gold_docs"]),
            gold_sentences=[
                frozenset((document, number) for document, number in gold)
                for gold in row["gold_sentences"]
            ],
        )
        for row in _rows(folder / "queries.jsonl")
    ]
    return EvaluationSet({item.id: item for item in items}, questions)


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def lay_out(items: Mapping[str, Item], folder: Path) -> None:
    """Write each document as Markdown: its title a heading, its text as it stands."""
    folder.mkdir(parents=True)
    for item in items.values():
        text = f"# {item.title}\n\n{item.text}\n" if item.title else f"{item.text}\n"
        (folder / f"{item.id}.md").write_text(text, encoding="utf-8")
