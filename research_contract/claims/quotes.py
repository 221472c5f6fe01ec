"""The quotes of a job as claims are compared with them: their sentences, found by their words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from research_contract.claims.claims import bare
from research_contract.text.quantities import Quantity
from research_contract.text.splitting import split
from research_contract.text.tokens import Term, terms

LONGEST = 4_000
"""Characters of one quote that are compared."""

EXACT, NEARBY = 1.0, 0.7
"""Credit for a word that a quote holds, and for one that only its title or paragraph holds."""

Found = Mapping[str, float]
"""How much of each word of a claim is found, by its key."""


@dataclass(frozen=True)
class Quoted:
    """A quote, the title of its document, and the paragraph it stands in."""

    n: int
    text: str
    title: str = ""
    paragraph: str = ""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a quote."""

    n: int
    text: str
    terms: tuple[Term, ...]

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        return tuple(term.quantity for term in self.terms if term.quantity)


class Quotes:
    """The quotes of a job, ready to be compared with many claims."""

    def __init__(self, quotes: Iterable[Quoted]) -> None:
        self._quotes = {quote.n: quote for quote in quotes}
        self._around: dict[int, tuple[frozenset[str], tuple[Quantity, ...]]] = {}
        self.sentences: list[Sentence] = []
        self._by_quote: dict[int, list[int]] = defaultdict(list)
        self._holding: dict[str, list[int]] = defaultdict(list)
        self._stating: dict[str, list[tuple[int, Quantity]]] = defaultdict(list)
        for quote in self._quotes.values():
            whole = " ".join(quote.text[:LONGEST].split())
            for start, end in split(whole):
                text = bare(whole[start:end])
                self._add(Sentence(quote.n, text, terms(text)))

    def __contains__(self, n: int) -> bool:
        return n in self._quotes

    def __getitem__(self, n: int) -> Quoted:
        return self._quotes[n]

    @property
    def numbers(self) -> Collection[int]:
        return self._quotes.keys()

    def of(self, n: int) -> Sequence[int]:
        """Return the indexes of the sentences of a quote."""
        return self._by_quote[n]

    def found(self, wanted: Sequence[Term], cited: Collection[int]) -> dict[int, dict[str, float]]:
        """Return by sentence, of the quotes ``cited``, how much of each term it holds."""
        result: dict[int, dict[str, float]] = defaultdict(dict)
        for term in wanted:
            for index, credit in self._places(term).items():
                if self.sentences[index].n in cited:
                    result[index][term.key] = credit
        return dict(result)

    def around(self, wanted: Sequence[Term], cited: Collection[int]) -> Found:
        """Return which terms stand around the quotes ``cited``, in title or paragraph.

        Names count whole, numbers only in the title: "Pump 7" says what a quote is about.
        """
        return {
            term.key: EXACT if term.kind in ("name", "number") else NEARBY
            for term in wanted
            if any(self._is_around(n, term) for n in cited)
        }

    def _is_around(self, n: int, term: Term) -> bool:
        if n not in self._around:
            quote = self._quotes[n]
            title = terms(quote.title[:LONGEST])
            known = {one.key for one in (*title, *terms(quote.paragraph[:LONGEST]))}
            self._around[n] = frozenset(known), tuple(o.quantity for o in title if o.quantity)
        keys, numbers = self._around[n]
        if term.quantity:
            return any(term.quantity.same(number) for number in numbers)
        return term.key in keys

    def _places(self, term: Term) -> dict[int, float]:
        if term.quantity:
            values = term.quantity.values | term.quantity.bare
            near = [place for value in values for place in self._stating.get(value, ())]
            same = (index for index, other in near if term.quantity.same(other))
            return dict.fromkeys(same, EXACT)
        return dict.fromkeys(self._holding.get(term.key, ()), EXACT)

    def _add(self, sentence: Sentence) -> None:
        index = len(self.sentences)
        self.sentences.append(sentence)
        self._by_quote[sentence.n].append(index)
        for number in sentence.quantities:
            for value in number.values | number.bare:
                self._stating[value].append((index, number))
        for key in {term.key for term in sentence.terms}:
            self._holding[key].append(index)
