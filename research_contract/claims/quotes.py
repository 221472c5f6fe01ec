"""The quotes of a job, indexed by the terms of their sentences for comparison with claims."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from research_contract.claims.claims import claims, without_markup
from research_contract.claims.words import Words
from research_contract.text.quantities import Quantity
from research_contract.text.splitting import split
from research_contract.text.tokens import Term, terms

MAX_QUOTE = 4_000
"""Characters of one quote, title or paragraph that are compared."""

MAX_COPIED = 5
"""Sentences in a row that a claim may copy."""

EXACT, NEARBY = 1.0, 0.7
"""Credit for a term that a quote holds, and for one that only its title or paragraph holds."""

Credits = Mapping[str, float]
"""By the key of a term, how much of it is found: 0 to 1."""


@dataclass(frozen=True)
class Quoted:
    """A quote with its number, the title of its document, and the paragraph around it."""

    n: int
    text: str
    title: str = ""
    paragraph: str = ""


@dataclass(frozen=True)
class Sentence:
    """A sentence of the quote numbered ``n``."""

    n: int
    text: str
    terms: tuple[Term, ...]

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        return tuple(term.quantity for term in self.terms if term.quantity)

    @cached_property
    def words(self) -> Words:
        return Words.of(self.text, self.terms)


class Quotes:
    """The quotes of a job; ``sentences`` are all of theirs, addressed by their index.

    ``by_quote`` holds the indexes of the sentences of each quote, by its number.
    """

    def __init__(self, quotes: Iterable[Quoted]) -> None:
        self._quotes = {quote.n: quote for quote in quotes}
        self._around: dict[int, tuple[frozenset[str], tuple[Quantity, ...]]] = {}
        self._copies: dict[int, frozenset[str]] = {}
        self._subjects: dict[int, frozenset[str]] = {}
        self.sentences: list[Sentence] = []
        self.by_quote: dict[int, list[int]] = defaultdict(list)
        self._by_key: dict[str, list[int]] = defaultdict(list)
        self._by_value: dict[str, list[tuple[int, Quantity]]] = defaultdict(list)
        for quote in self._quotes.values():
            whole = " ".join(quote.text[:MAX_QUOTE].split())
            for start, end in split(whole):
                text = without_markup(whole[start:end])
                sentence = Sentence(quote.n, text, terms(text))
                index = len(self.sentences)
                self.sentences.append(sentence)
                self.by_quote[sentence.n].append(index)
                for number in sentence.quantities:
                    for value in number.values | number.bare:
                        self._by_value[value].append((index, number))
                for key in {term.key for term in sentence.terms}:
                    self._by_key[key].append(index)

    def __contains__(self, n: int) -> bool:
        return n in self._quotes

    def __getitem__(self, n: int) -> Quoted:
        return self._quotes[n]

    @property
    def numbers(self) -> Collection[int]:
        return self._quotes.keys()

    def copies_of(self, n: int) -> Collection[str]:
        """Return the words of each sentence of a quote, of up to five in a row, of each line."""
        if n not in self._copies:
            texts = [written(self.sentences[index].terms) for index in self.by_quote[n]]
            runs = (
                " ".join(texts[first:last])
                for first in range(len(texts))
                for last in range(first + 1, min(len(texts), first + MAX_COPIED) + 1)
            )
            lines = (written(claim.terms) for claim in claims(self._quotes[n].text[:MAX_QUOTE]))
            self._copies[n] = frozenset((*runs, *lines))
        return self._copies[n]

    def subjects_of(self, n: int) -> Collection[str]:
        """Return the words of each part of a quote's title, for which "It" may stand."""
        if n not in self._subjects:
            parts = re.split(r"[.>|:–—]", self._quotes[n].title[:MAX_QUOTE])
            self._subjects[n] = frozenset(" ".join(Words.of(p, terms(p)).plain) for p in parts)
        return self._subjects[n]

    def find(self, wanted: Sequence[Term], cited: Collection[int]) -> dict[int, dict[str, float]]:
        """Return the credit of each wanted term, by the index of each sentence that holds one.

        Only sentences of the quotes numbered ``cited`` count.
        """
        found: dict[int, dict[str, float]] = defaultdict(dict)
        for term in wanted:
            holding: Collection[int] = self._by_key.get(term.key, ())
            if term.quantity:
                values = term.quantity.values | term.quantity.bare
                near = [place for value in values for place in self._by_value.get(value, ())]
                holding = dict.fromkeys(at for at, other in near if term.quantity.same(other))
            for index in holding:
                if self.sentences[index].n in cited:
                    found[index][term.key] = EXACT
        return dict(found)

    def find_around(self, wanted: Sequence[Term], cited: Collection[int]) -> Credits:
        """Return the credit of terms that stand in titles and paragraphs around quotes.

        Names count in full, numbers only in the title: "Pump 7" says what a quote is about.
        """
        return {
            term.key: EXACT if term.kind in ("name", "number") else NEARBY
            for term in wanted
            if any(self._is_around(n, term) for n in cited)
        }

    def _is_around(self, n: int, term: Term) -> bool:
        if n not in self._around:
            quote = self._quotes[n]
            title = terms(quote.title[:MAX_QUOTE])
            keys = {one.key for one in (*title, *terms(quote.paragraph[:MAX_QUOTE]))}
            self._around[n] = frozenset(keys), tuple(o.quantity for o in title if o.quantity)
        known, numbers = self._around[n]
        if term.quantity:
            return any(term.quantity.same(number) for number in numbers)
        return term.key in known


def written(terms: Sequence[Term]) -> str:
    """Return terms as they are written, so that copies are equal."""
    return " ".join(term.text for term in terms if term.text).casefold()
