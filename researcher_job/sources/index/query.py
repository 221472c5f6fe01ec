"""The words of a question: which of them matter, and their stems as the index knows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from research_contract.text.lexicon import NEGATIONS
from research_contract.text.stop_words import (
    QUESTION_WORDS,
    stop_words,
    without_stop_words,
)
from researcher_job.sources.base import Frequencies, Related
from researcher_job.sources.index.spelling import spellings
from researcher_job.sources.index.tokenizer import WORD, index_stems, segmented, stems
from researcher_job.sources.index.written_forms import written_forms

MAX_TERMS = 64
"""Words of a question, and other words for them, beyond which nothing is looked for."""

_ASKING = re.compile(
    r"\bhow (?:many|much|long|old|often|far|big|large|tall|high|deep|wide|soon|come|to)\b"
    r"|\bstands? for\b",
    re.I,
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
    phrases to look for, not stemmed, in every spelling and form. ``variants`` are, by stem, the
    stems under which the index knows it.
    """

    text: str
    terms: tuple[Term, ...]
    matches: tuple[str, ...]
    alternatives: tuple[tuple[str, ...], ...] = ()
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def stems(self) -> tuple[str, ...]:
        """Return all stems to look for, each once."""
        others = (stem for alternative in self.alternatives for stem in alternative)
        return tuple(dict.fromkeys((*(term.stem for term in self.terms), *others)))

    @property
    def index_stems(self) -> tuple[str, ...]:
        """Return the stems that the index may hold for them, each once."""
        found = (one for stem in self.stems for one in self.variants.get(stem, (stem,)))
        return tuple(dict.fromkeys(found))

    def found(self, words: Iterable[str]) -> list[str]:
        """Return stems of a text with each inflected form replaced by the question's own stem."""
        own = self._own_stems
        return [own.get(word, word) for word in words] if own else list(words)

    @cached_property
    def _own_stems(self) -> dict[str, str]:
        return {one: stem for stem, forms in self.variants.items() for one in forms if one != stem}

    def together(self, frequencies: Frequencies) -> Frequencies:
        """Return the frequencies of ``stems`` from those of ``index_stems``."""
        counts = frequencies.containing
        containing = {
            stem: sum(counts.get(one, 0) for one in self.variants.get(stem, (stem,)))
            for stem in self.stems
        }
        return Frequencies(frequencies.passages, containing)


def analyse(question: str, others: Sequence[str] = (), related: Related | None = None) -> Question:
    """Return the words of ``question`` that matter; all of them where none would be left.

    ``others`` are words or phrases for the same, ``related`` what the documents write for them.
    """
    related = related or Related()
    kept = _that_matter(question)
    others = [*others, *related.meanings, *written_forms(question)]
    others = [" ".join(WORD.findall(segmented(other))) for other in others[:MAX_TERMS]]
    others = list(filter(None, others))
    stemmed = stems([*kept, *others])
    terms = {
        found[0]: Term(word, found[0], name)
        for (word, name), found in zip(kept.items(), stemmed, strict=False)
        if found
    }
    alternatives = (tuple(found) for found in stemmed[len(kept) :])
    inflections = {word: related.inflections.get(word, ()) for word in kept}
    forms = (one for word in kept for one in (*spellings(word), *inflections[word]))
    return Question(
        text=question,
        terms=tuple(terms.values()),
        matches=tuple(dict.fromkeys([*forms, *others])),
        alternatives=tuple(filter(None, dict.fromkeys(alternatives))),
        variants=_variants(
            [*kept, *(word for other in others for word in other.split())], inflections
        ),
    )


def words_that_matter(question: str) -> tuple[str, ...]:
    """Return the words of ``question``, in lower case, without those that every question has."""
    return tuple(_that_matter(question))


def _that_matter(question: str) -> dict[str, bool]:
    words = _words(_ASKING.sub(" ", question)) or _words(question)
    left_out = stop_words(words) | NEGATIONS | QUESTION_WORDS
    kept = {word: name for word, name in words.items() if word not in left_out} or words
    return dict(list(kept.items())[:MAX_TERMS])


def _words(question: str) -> dict[str, bool]:
    """Return the words in lower case, each with whether it looks like a name."""
    shouted = question.isupper()
    found: dict[str, bool] = {}
    for index, match in enumerate(WORD.finditer(segmented(without_stop_words(question)))):
        word = match[0]
        capital = word[0].isupper() and (index > 0 or word[1:] != word[1:].lower())
        name = (capital and not shouted) or any(map(str.isdigit, word))
        found[word.lower()] = found.get(word.lower(), False) or name
    return found


def _variants(
    words: Sequence[str], inflections: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return, by stem, the stems that the index may hold for each of ``words``."""
    forms = {word: spellings(word.lower()) for word in words}
    asked = list(dict.fromkeys(form for group in forms.values() for form in group))
    known = dict(zip(asked, index_stems(asked), strict=True))
    found: dict[str, dict[str, None]] = {}
    for word, stem in zip(forms, stems(list(forms)), strict=True):
        for key in stem[:1]:
            held = (one for form in forms[word] for one in known[form])
            found.setdefault(key, {}).update(dict.fromkeys([*held, *inflections.get(word, ())]))
    return {stem: tuple(held) for stem, held in found.items()}
