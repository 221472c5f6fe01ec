"""The words of a question: which of them matter, and their stems as the index knows them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

TOKENIZER = "porter unicode61 remove_diacritics 2"
"""How the index divides and stems text; questions and sentences must go the same way."""

_WORD = re.compile(r"[^\W_]+")
_QUOTED = re.compile('["“„«]([^"“”„«»]{3,80})["”“»]')
_NUMBER_WANTED = re.compile(
    r"\b(?:when|how (?:many|much|long|old|often|far|big|large|tall|high)|what (?:year|date|time"
    r"|percentage|number|version|port|age)|which (?:year|version|port))\b",
    re.I,
)
MAX_TERMS = 64
"""Words of a question, and other words for them, beyond which nothing is looked for."""

_HOW_MUCH = re.compile(r"\bhow (?:many|much|long|old|often|far|big|large|tall|high)\b", re.I)
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about above after again against all also am an and any are aren as at be because been
        before being below between both but by can cannot could couldn d describe did didn do does
        doesn doing don down during each either else ever every explain few for from further get
        gets give had hadn has hasn have haven having he her here hers him his how i if in into is
        isn it its itself just kind let ll m many may me might mine more most much must my myself
        need no nor not of off on once one only onto or other our ours out over own per please re s
        same shall she should shouldn so some such t tell than that the their theirs them then there
        these they this those through to too under until up upon us ve very was wasn we were weren
        what when where whether which while who whom whose why will with within without won would
        wouldn yes yet you your yours""",
    )
)


@dataclass(frozen=True)
class Term:
    """A word of the question that matters. A name is capitalised inside it, or has a digit."""

    word: str
    stem: str
    is_name: bool = False


@dataclass(frozen=True)
class Question:
    """What is looked for: the words that matter, in order, and other words for the same.

    ``alternatives`` are words or phrases, each as its stems. ``matches`` are the words and
    phrases to look for, not stemmed. ``wants_number`` is set where the answer is a date or an
    amount.
    """

    text: str
    terms: tuple[Term, ...]
    matches: tuple[str, ...]
    alternatives: tuple[tuple[str, ...], ...] = ()
    phrases: tuple[str, ...] = ()
    wants_number: bool = False

    @property
    def stems(self) -> tuple[str, ...]:
        """Return all stems to look for, each once."""
        others = (stem for alternative in self.alternatives for stem in alternative)
        return tuple(dict.fromkeys((*(term.stem for term in self.terms), *others)))


def analyse(question: str, others: Sequence[str] = ()) -> Question:
    """Return the words of ``question`` that matter; all of them where none would be left."""
    words = _words(_HOW_MUCH.sub(" ", question)) or _words(question)
    kept = {word: name for word, name in words.items() if word not in STOP_WORDS} or words
    kept = dict(list(kept.items())[:MAX_TERMS])
    others = [" ".join(_WORD.findall(other)) for other in others[:MAX_TERMS]]
    stemmed = stems([*kept, *others])
    terms = {
        found[0]: Term(word, found[0], name)
        for (word, name), found in zip(kept.items(), stemmed, strict=False)
        if found
    }
    alternatives = (tuple(found) for found in stemmed[len(kept) :])
    return Question(
        text=question,
        terms=tuple(terms.values()),
        matches=tuple(dict.fromkeys(filter(None, [*kept, *others]))),
        alternatives=tuple(filter(None, dict.fromkeys(alternatives))),
        phrases=tuple(_QUOTED.findall(question)),
        wants_number=_NUMBER_WANTED.search(question) is not None,
    )


def _words(question: str) -> dict[str, bool]:
    """Return the words in lower case, each with whether it looks like a name."""
    shouted = question.isupper()
    found: dict[str, bool] = {}
    for index, match in enumerate(_WORD.finditer(question)):
        word = match[0]
        capital = word[0].isupper() and (index > 0 or word[1:] != word[1:].lower())
        name = (capital and not shouted) or any(map(str.isdigit, word))
        found[word.lower()] = found.get(word.lower(), False) or name
    return found


def stems(texts: Sequence[str]) -> list[list[str]]:
    """Return the stems of each text in order, made by the tokenizer that makes the index."""
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(f"CREATE VIRTUAL TABLE t USING fts5(x, tokenize='{TOKENIZER}')")
        memory.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
        memory.executemany("INSERT INTO t(rowid, x) VALUES (?, ?)", enumerate(texts))
        found: list[list[tuple[int, str]]] = [[] for _ in texts]
        for term, row, place in memory.execute("SELECT term, doc, offset FROM v"):
            found[row].append((place, term))
    return [[term for _, term in sorted(row)] for row in found]
