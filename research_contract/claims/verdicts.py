"""Judges one claim by the quotes that it cites: a verdict, and a score from 0 to 1.

The score is a logistic model over a few features of how well the quotes cover the words of the
claim. ``python -m tests.evaluation.claims`` fits its coefficients on half of a labelled set (WiCE,
Kamoi et al., 2023). ``supported`` is not a matter of the score: the claim must restate its quotes
in their own words. Numbers, names, negations and opposites can only lower a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from typing import Literal

from research_contract.claims.claims import Claim
from research_contract.claims.differences import Difference, differences, rounds
from research_contract.claims.quotes import EXACT, Credits, Quotes, written
from research_contract.claims.restatement import restates, rewordings
from research_contract.claims.words import Words
from research_contract.text.tokens import Kind, Term

Verdict = Literal["supported", "partly", "contradicted", "not found"]

WEIGHTS: Mapping[Kind, float] = {"word": 1.0, "common": 0.5, "name": 1.3, "number": 1.3}
"""Weight of a term by its kind. Word frequencies are not used: a verdict on one claim must not
depend on other claims."""

MAX_SENTENCES = 3
"""Sentences that may support a claim together."""

SAME_SUBJECT = 0.6
"""Share of a claim's other terms that a sentence must hold before it can contradict the claim."""

FOUND = 0.44
"""Score from which a claim is at least ``partly`` supported."""

MAX_ALTERNATIVES = 3
"""Quotes that are not cited and compared one by one, to suggest one that supports the claim."""

MAX_CONTRADICTED_SCORE = 0.2
MIN_SUPPORTED_SCORE = 0.9


@dataclass(frozen=True)
class Features:
    """Input of the score. Each is between 0 and 1, except the last two; more is better.

    ``two`` and ``three``: share of the claim covered by the best two and three sentences together.
    ``names`` and ``numbers``: share of these found. ``pairs``: share of neighbouring words found in
    one sentence. ``names_missing``: minus the logarithm of one plus their number.
    ``numbers_missing``: -1 where a number is missing, else 0.
    """

    two: float
    three: float
    names: float
    numbers: float
    pairs: float
    names_missing: float
    numbers_missing: float

    @property
    def score(self) -> float:
        """The probability that the claim is supported."""
        weighted = sum(a * b for a, b in zip(COEFFICIENTS, astuple(self), strict=True))
        return 1 / (1 + math.exp(-INTERCEPT - weighted))


INTERCEPT = -1.68
COEFFICIENTS = (1.26, 0.93, 0.39, 0.49, 0.58, 0.26, 0.31)


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim.

    ``best`` is the number of the quote that holds most of the claim, ``missing`` are the terms
    that no cited quote holds, ``differs`` is what the best quote says instead, in other words too.
    """

    verdict: Verdict
    score: float
    best: int | None = None
    missing: tuple[Term, ...] = ()
    differs: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A claim compared with the sentences of its quotes.

    ``by_sentence`` holds the credit of each term by the index of the sentence, ``around`` that of
    titles and paragraphs around the quotes.
    """

    claim: Claim
    quotes: Quotes
    terms: tuple[Term, ...]
    by_sentence: Mapping[int, Credits]
    around: Credits

    @classmethod
    def of(cls, claim: Claim, quotes: Quotes, cited: Collection[int]) -> Comparison:
        wanted = _wanted(claim)
        found = quotes.find(wanted, cited)
        for index, held in found.items():
            numbers = quotes.sentences[index].quantities
            for term in wanted:
                if any(rounds(term, claim.text, number) for number in numbers):
                    held[term.key] = EXACT
        return cls(claim, quotes, wanted, found, quotes.find_around(wanted, cited))

    def best_together(self) -> list[float]:
        """Return the share of the claim that the best one, two and three sentences cover."""
        shares: list[float] = []
        chosen: set[int] = set()
        known = self.around
        for _ in range(MAX_SENTENCES):
            best = max(
                self.by_sentence,
                key=lambda index: _share(self.terms, _highest(known, self.by_sentence[index])),
                default=None,
            )
            if best is None or best in chosen:
                break
            chosen.add(best)
            known = _highest(known, self.by_sentence[best])
            shares.append(_share(self.terms, known))
        return shares

    def everything(self) -> Credits:
        """Return the highest credit of each term in any sentence or around the quotes."""
        return _highest(self.around, *self.by_sentence.values())


def judge(claim: Claim, quotes: Quotes, cited: Collection[int]) -> Judgement:
    """Return the verdict on ``claim`` by the quotes numbered ``cited``."""
    as_written = written(claim.terms)
    # The quote of which the claim is a whole sentence, or up to five, word for word.
    copied = next((n for n in cited if as_written and as_written in quotes.copies_of(n)), None)
    if copied is not None:
        return Judgement("supported", 1.0, best=copied)
    comparison = Comparison.of(claim, quotes, cited)
    score = features(comparison).score
    known = comparison.everything()
    missing = tuple(term for term in comparison.terms if term.key not in known)
    best = max(
        comparison.by_sentence,
        key=lambda index: _share(comparison.terms, comparison.by_sentence[index]),
        default=None,
    )
    if best is None:
        return Judgement("not found", min(score, FOUND), missing=missing)
    n = quotes.sentences[best].n
    words = Words.of(claim.text, claim.terms)
    said = [
        (quotes.sentences[at].words, quotes.subjects_of(n))
        for n in cited
        for at in quotes.by_quote[n]
    ]
    if restates(words, said):
        return Judgement("supported", max(score, MIN_SUPPORTED_SCORE), n)
    if differs := _differences(comparison, missing, best):
        score = min(score, MAX_CONTRADICTED_SCORE)
        return Judgement("contradicted", score, n, missing, differs)
    if score < FOUND:
        return Judgement("not found", score, n, missing)
    differs = tuple(rewordings(words, quotes.sentences[best].words))
    return Judgement("partly", score, n, missing, differs)


def features(comparison: Comparison) -> Features:
    """Return the features from which the score of a comparison is computed."""
    shares, known = comparison.best_together() or [0.0], comparison.everything()
    names = [term for term in comparison.terms if term.kind == "name"]
    numbers = [term for term in comparison.terms if term.quantity]
    pairs = list(pairwise(term.key for term in comparison.terms))
    sentences = comparison.by_sentence.values()
    together = [
        max((min(s.get(a, 0), s.get(b, 0)) for s in sentences), default=0) for a, b in pairs
    ]
    return Features(
        two=shares[min(1, len(shares) - 1)],
        three=shares[-1],
        names=_share(names, known),
        numbers=_share(numbers, known),
        pairs=sum(together) / len(together) if together else 1.0,
        names_missing=-math.log1p(sum(term.key not in known for term in names)),
        numbers_missing=-float(any(term.key not in known for term in numbers)),
    )


def better_quote(
    claim: Claim, quotes: Quotes, cited: Collection[int], judged: Judgement
) -> int | None:
    """Return the number of a quote, not among ``cited``, that fits ``claim`` better by itself.

    It restates the claim, or holds all of its words where ``judged``, the verdict by the cited
    quotes, says that some are missing or contradicted.
    """
    if judged.verdict == "supported":
        return None
    others = set(quotes.numbers) - set(cited)
    wanted = _wanted(claim)
    shares: dict[int, float] = {}
    for index, held in quotes.find(wanted, others).items():
        n = quotes.sentences[index].n
        shares[n] = max(shares.get(n, 0.0), _share(wanted, held))
    candidates = sorted(shares, key=lambda n: (-shares[n], n))[:MAX_ALTERNATIVES]
    by_other = {n: judge(claim, quotes, (n,)) for n in candidates}
    if restating := [n for n, other in by_other.items() if other.verdict == "supported"]:
        return restating[0]
    if judged.verdict == "partly" and not judged.missing:
        return None
    complete = (
        n for n, other in by_other.items() if other.verdict == "partly" and not other.missing
    )
    return next(complete, None)


def _wanted(claim: Claim) -> tuple[Term, ...]:
    """Return the terms that quotes must hold, each once."""
    return tuple({term.key: term for term in claim.terms if term.matters}.values())


def _share(wanted: Sequence[Term], held: Credits) -> float:
    """Return the weighted share of ``wanted`` that is credited; 1 where nothing is wanted."""
    whole = sum(WEIGHTS[term.kind] for term in wanted)
    credited = sum(WEIGHTS[term.kind] * held.get(term.key, 0.0) for term in wanted)
    return credited / whole if whole else 1.0


def _highest(*held: Credits) -> Credits:
    keys = {key for each in held for key in each}
    return {key: max(each.get(key, 0.0) for each in held) for key in keys}


def _differences(
    comparison: Comparison, missing: Sequence[Term], best: int
) -> tuple[Difference, ...]:
    """Return what the best sentence says instead, where it is about the same subject."""
    held = _highest(comparison.around, comparison.by_sentence[best])
    absent = {term.key for term in missing}
    others = [term for term in comparison.terms if not (term.quantity and term.key in absent)]
    if not others or _share(others, held) < SAME_SUBJECT:
        return ()
    sentence = comparison.quotes.sentences[best]
    return tuple(differences(comparison.claim.terms, missing, sentence))
