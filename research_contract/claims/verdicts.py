"""Compares one claim with quotes: a verdict, and the score from 0 to 1 beneath it.

The score is a logistic model over a few plain features of how well the words of the claim are
covered, with the coefficients below. ``python -m tests.evaluation.claims`` fits them on half of a
labelled set. Numbers, names, negations and opposites can only lower a verdict, never raise it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from typing import Literal

from research_contract.claims.claims import Claim
from research_contract.claims.differences import Difference, differences, rounds
from research_contract.claims.quotes import EXACT, Found, Quotes
from research_contract.text.tokens import Kind, Term

Word = Literal["supported", "partly", "contradicted", "not found"]

WEIGHTS: Mapping[Kind, float] = {"word": 1.0, "common": 0.5, "name": 1.3, "number": 1.3}
"""How much each kind of word counts. Frequencies do not: a verdict must not depend on others."""

TOGETHER = 3
"""Sentences that may support a claim together."""

SAME_MATTER = 0.6
"""Share of a claim's other words that a sentence must hold to contradict it."""

SUPPORTED, FOUND = 0.61, 0.43
"""Scores from which a claim is ``supported``, and at least ``partly``."""

LIKELIEST = 3
"""Other quotes that are compared one by one, to name the one that supports a claim."""

CONTRADICTED_AT_MOST = 0.2
"""Score of a contradicted claim, at most."""


@dataclass(frozen=True)
class Features:
    """What the score is made of; each from 0 to 1 but ``names_missing``, and more is better.

    ``two`` and ``three`` are the share of the claim that the best two and three sentences cover
    together, ``names`` and ``numbers`` the shares found of these, ``pairs`` the share of
    neighbouring words found in one sentence, ``names_missing`` minus the logarithm of their count.
    """

    two: float
    three: float
    names: float
    numbers: float
    pairs: float
    names_missing: float

    @property
    def score(self) -> float:
        """Return the probability of support by the coefficients."""
        said = sum(a * b for a, b in zip(COEFFICIENTS, astuple(self), strict=True))
        return 1 / (1 + math.exp(-INTERCEPT - said))


INTERCEPT = -2.05
COEFFICIENTS = (1.30, 0.94, 0.38, 0.84, 0.53, 0.27)


@dataclass(frozen=True)
class Judgement:
    """What quotes say of a claim; ``best`` is the number of the one that says most of it."""

    verdict: Word
    score: float
    best: int | None = None
    missing: tuple[Term, ...] = ()
    differs: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """One claim beside the sentences of the quotes it is compared with."""

    claim: Claim
    quotes: Quotes
    cited: Collection[int]
    terms: tuple[Term, ...]
    by_sentence: Mapping[int, Found]
    around: Found

    @classmethod
    def of(cls, claim: Claim, quotes: Quotes, cited: Collection[int]) -> Comparison:
        wanted = _wanted(claim)
        found = quotes.found(wanted, cited)
        for index, known in found.items():
            numbers = quotes.sentences[index].quantities
            for term in wanted:
                if any(rounds(term, claim.text, number) for number in numbers):
                    known[term.key] = EXACT
        return cls(claim, quotes, cited, wanted, found, quotes.around(wanted, cited))

    def together(self) -> list[tuple[int, Found]]:
        """Return the sentences that cover the claim best, each with what is found up to it."""
        chosen: list[tuple[int, Found]] = []
        known: Found = self.around
        for _ in range(TOGETHER):
            best = max(
                self.by_sentence,
                key=lambda index: _share(self.terms, _either(known, self.by_sentence[index])),
                default=None,
            )
            if best is None or any(best == index for index, _ in chosen):
                break
            known = _either(known, self.by_sentence[best])
            chosen.append((best, known))
        return chosen

    def everything(self) -> Found:
        known: Found = self.around
        for found in self.by_sentence.values():
            known = _either(known, found)
        return known


def _wanted(claim: Claim) -> tuple[Term, ...]:
    return tuple({term.key: term for term in claim.terms if term.matters}.values())


def _share(wanted: Sequence[Term], found: Found) -> float:
    """Return how much of ``wanted`` is found, by weight; 1 where nothing is wanted."""
    whole = sum(WEIGHTS[term.kind] for term in wanted)
    held = sum(WEIGHTS[term.kind] * found.get(term.key, 0.0) for term in wanted)
    return held / whole if whole else 1.0


def _either(one: Found, other: Found) -> Found:
    return {key: max(one.get(key, 0.0), other.get(key, 0.0)) for key in {**one, **other}}


def features(compared: Comparison) -> Features:
    """Return the features of a claim beside quotes."""
    chosen, known = compared.together(), compared.everything()
    shares = [_share(compared.terms, found) for _, found in chosen] or [0.0]
    names = [term for term in compared.terms if term.kind == "name"]
    absent = sum(term.key not in known for term in names)
    return Features(
        two=shares[min(1, len(shares) - 1)],
        three=shares[-1],
        names=_share(names, known),
        numbers=_share([term for term in compared.terms if term.quantity], known),
        pairs=_pairs(compared),
        names_missing=-math.log1p(absent),
    )


def _pairs(compared: Comparison) -> float:
    keys = [term.key for term in compared.terms]
    pairs = list(pairwise(keys))
    held = compared.by_sentence.values()
    found = [max((min(f.get(a, 0), f.get(b, 0)) for f in held), default=0) for a, b in pairs]
    return sum(found) / len(found) if found else 1.0


def judge(claim: Claim, quotes: Quotes, cited: Collection[int]) -> Judgement:
    """Return what the quotes numbered ``cited`` say of ``claim``."""
    copied = _verbatim(claim, quotes, cited)
    if copied is not None:
        return Judgement("supported", 1.0, best=copied)
    compared = Comparison.of(claim, quotes, cited)
    score = features(compared).score
    missing = _missing(compared)
    best = _best(compared)
    if best is None:
        return Judgement("not found", min(score, FOUND), missing=missing)
    differs = _differs(compared, missing, best)
    if differs:
        low = min(score, CONTRADICTED_AT_MOST)
        return Judgement("contradicted", low, quotes.sentences[best].n, missing, differs)
    return Judgement(_word(compared, score, missing), score, quotes.sentences[best].n, missing)


def _word(compared: Comparison, score: float, missing: Sequence[Term]) -> Word:
    if score < FOUND:
        return "not found"
    vital = [term for term in missing if term.kind in ("name", "number")]
    subject = compared.claim.terms[0] in missing
    return "partly" if score < SUPPORTED or vital or subject else "supported"


def _verbatim(claim: Claim, quotes: Quotes, cited: Collection[int]) -> int | None:
    """Return the quote of which the claim is a whole sentence, or several, word by word."""
    said = _flat([term.text for term in claim.terms])
    for n in cited:
        texts = [_flat([t.text for t in quotes.sentences[at].terms]) for at in quotes.of(n)]
        if said and any(
            said == _flat(texts[first:last])
            for first in range(len(texts))
            for last in range(first + 1, min(len(texts), first + 5) + 1)
        ):
            return n
    return None


def _flat(words: Sequence[str]) -> str:
    return " ".join(filter(None, words)).casefold()


def _missing(compared: Comparison) -> tuple[Term, ...]:
    known = compared.everything()
    return tuple(term for term in compared.terms if term.key not in known)


def _best(compared: Comparison) -> int | None:
    return max(
        compared.by_sentence,
        key=lambda index: _share(compared.terms, compared.by_sentence[index]),
        default=None,
    )


def _differs(compared: Comparison, missing: Sequence[Term], best: int) -> tuple[Difference, ...]:
    """Return what the best sentence says otherwise, where it speaks of the same matter."""
    found = _either(compared.around, compared.by_sentence[best])
    absent = {term.key for term in missing}
    others = [term for term in compared.terms if not (term.quantity and term.key in absent)]
    if not others or _share(others, found) < SAME_MATTER:
        return ()
    sentence = compared.quotes.sentences[best]
    return tuple(differences(compared.claim.terms, missing, sentence))


def instead(claim: Claim, quotes: Quotes, cited: Collection[int]) -> int | None:
    """Return the quote that supports ``claim`` by itself, of those not cited."""
    others = set(quotes.numbers) - set(cited)
    wanted = _wanted(claim)
    said: dict[int, float] = {}
    for index, found in quotes.found(wanted, others).items():
        n = quotes.sentences[index].n
        said[n] = max(said.get(n, 0.0), _share(wanted, found))
    likeliest = sorted(said, key=lambda n: (-said[n], n))[:LIKELIEST]
    return next((n for n in likeliest if judge(claim, quotes, (n,)).verdict == "supported"), None)
