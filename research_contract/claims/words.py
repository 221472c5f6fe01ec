"""The words of a text in order, as they are compared one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from research_contract.text.quantities import Quantity
from research_contract.text.stems import stem
from research_contract.text.tokens import Term, normalized
from research_contract.text.units import UNITS

_UNCOUNTED = frozenset(("a", "an", "the", "per", "pro", "je"))
_ENDINGS = (frozenset(("", "s", "es", "ed", "d")), frozenset(("y", "ies", "ied")))
_VERBS = {"ca": "can", "wo": "will", "sha": "shall"}


@dataclass(frozen=True)
class Words:
    """The words of ``text`` without English articles; ``plain`` is each in its normal form."""

    text: str
    terms: tuple[Term, ...]
    plain: tuple[str, ...]

    @classmethod
    def of(cls, text: str, terms: Sequence[Term]) -> Words:
        counted: list[Term] = []
        for term in terms:
            for one in _uncontracted(term):
                before = counted[-1] if counted else None
                if before and _is_unit_of(one, before):
                    continue
                # A date is written with its year first: 2013-05-12.
                if before and (
                    (one.quantity is not None and before.quantity is not None)
                    and (before.quantity.sort, one.quantity.sort) == ("year", "date")
                    and one.start - before.end == 1
                ):
                    counted.insert(-1, one)
                elif one.text.casefold() not in _UNCOUNTED:
                    counted.append(one)
        return cls(text, tuple(counted), tuple(normalized(one.text) for one in counted))

    def __len__(self) -> int:
        return len(self.terms)

    def same(self, at: int, other: Words, there: int) -> bool:
        """Return whether the word at ``at`` is that of ``other`` at ``there``.

        Numbers and dates are compared by value. Other words may differ in a regular ending, unless
        they are names, negations or stop words.
        """
        one, two = self.terms[at], other.terms[there]
        if one.quantity or two.quantity:
            return bool(
                one.quantity and two.quantity and other.same_amount(one.quantity, two.quantity)
            )
        mine, theirs = self.plain[at], other.plain[there]
        if mine == theirs:
            return True
        if one.key != two.key or not {one.kind, two.kind} <= {"word", "common"}:
            return False
        pairs = zip(mine, theirs, strict=False)
        length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        ends = {mine[length:], theirs[length:]}
        return stem(mine) == stem(theirs) and any(ends <= endings for endings in _ENDINGS)

    def same_amount(self, claimed: Quantity, quoted: Quantity) -> bool:
        """Return whether two amounts are the same; a unit may be said once in a sentence.

        "4.1 million euros in 2020 and 4.6 million in 2021" holds "4.6 million euros in 2021".
        """
        return claimed.same(quoted) and (
            claimed.unit == quoted.unit
            or (
                not quoted.unit
                and any(term.quantity and term.quantity.unit == claimed.unit for term in self.terms)
            )
        )


def _is_unit_of(term: Term, number: Term) -> bool:
    """Return whether a word is the unit that the amount before it has: 3 million *euros*."""
    unit, _ = UNITS.get(term.text.casefold(), ("", 0))
    return bool(unit and number.quantity and number.quantity.unit == unit)


def _uncontracted(term: Term) -> Iterator[Term]:
    """Yield ``is`` and ``not`` for ``isn't``."""
    plain = normalized(term.text)
    if term.kind == "negation" and plain.endswith("n't"):
        verb = plain.removesuffix("n't")
        yield Term(verb, _VERBS.get(verb, verb), "stop", term.start, term.end)
        yield Term("not", "not", "negation", term.start, term.end)
    else:
        yield term
