"""Which sentences of the passages found speak to a question, and how much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from urllib.parse import unquote

from research_contract.text.sentences import Sentence, said, sentences
from researcher_job.sources.base import Frequencies, Passage, Quote
from researcher_job.sources.index.query import Question
from researcher_job.sources.index.tokenizer import stems
from researcher_job.strategies.extractive.embeddings import Vectors, nearness_by
from researcher_job.strategies.extractive.features import Said, Traits, Wanted, refers, worth

CONTEXT_SHARE = 0.5
"""What a word counts that stands in the title or heading above a sentence, not in it."""

REFERRED_SHARE = 0.9
"""The same where the sentence begins by referring to it: "It requires …"."""

NEAR_SHARE = 0.3
"""What a word counts that stands elsewhere in the same passage."""

PASSAGE = 14.0
"""What the best passage counts against the traits of its sentences, others by their scores. From
10 to 30, the sentences found are about the same."""

_OTHER_SUBJECT = 0.75
"""What a passage counts, of that, which does not name what the question is about."""

_FOLDERS = 3
_NAME = 1.3
_SHOUTED = -1.2
_WORTH_OF_KIND = {"prose": 0.0, "item": -0.1, "field": -0.6, "row": -0.6, "code": -2.0}
_LINE = re.compile(r"\bline (\d+)$")
_SAME = 0.8


@dataclass(frozen=True)
class Ranked:
    """A quote with the stems it is judged by: its own and those of its title and headings.

    It is ``on_subject`` where it, its titles or its file names what the question is about; its
    passage is enough where no document found is named so.
    """

    quote: Quote
    stems: frozenset[str]
    context: frozenset[str]
    rank: float
    traits: Traits
    on_subject: bool = True
    is_code: bool = False


def ranked_quotes(
    question: Question,
    passages: Sequence[Passage],
    frequencies: Frequencies,
    weights: Traits,
    vectors: Vectors | None = None,
) -> list[Ranked]:
    """Return the sentences of ``passages`` that touch the question, the best first, none twice.

    ``weights`` are those of their traits.
    """
    judged = _Judge(question, _weights(question, frequencies))
    subject = _Subject(question, passages)
    best_score = max((passage.score for passage in passages), default=0.0)
    found: list[Ranked] = []
    for passage in passages:
        share = passage.score / best_score if best_score > 0 else 0.0
        found += judged.quotes(passage, share, subject, weights, vectors)
    found.sort(key=lambda one: (-one.rank, one.quote.passage.uri, one.quote.start))
    return list(_distinct(found))


def sentence_texts(text: str) -> list[str]:
    """Return what the sentences of ``text`` say, in order."""
    return [said(text[one.start : one.end]) for one in sentences(text)]


def coverage(
    question: Question, frequencies: Frequencies, texts: Sequence[str], titles: Sequence[str]
) -> list[float]:
    """Return for each text, below its title, how much of the question it touches (0 to 1)."""
    judge = _Judge(question, _weights(question, frequencies))
    pairs = zip(stems(texts), stems(titles), strict=True)
    return [judge.share(set(own), set(title), frozenset()) for own, title in pairs]


class _Subject:
    """Tells whether sentences are on what a question is about, by what names their documents."""

    def __init__(self, question: Question, passages: Sequence[Passage]) -> None:
        self._asked = question.subject
        named = [one.title for one in passages], [one.locator for one in passages], _files(passages)
        stemmed = stems([" ".join(names) for names in zip(*named, strict=True)])
        self._names = {
            (one.uri, one.start): self._asked in words
            for one, words in zip(passages, stemmed, strict=True)
        }
        self._is_name = any(self._names.values())

    def named(self, passage: Passage, own: AbstractSet[str], near: AbstractSet[str]) -> bool:
        if not self._asked or self._names[passage.uri, passage.start] or self._asked in own:
            return True
        return not self._is_name and self._asked in near


def _files(passages: Sequence[Passage]) -> list[str]:
    """Return the names of the files and of the folders they lie in."""
    return [" ".join(unquote(one.uri).split("/")[-_FOLDERS:]) for one in passages]


class _Judge:
    """Weighs sentences by the words of one question; ``weights`` are those of its stems."""

    def __init__(self, question: Question, weights: Mapping[str, float]) -> None:
        self._question = question
        self._wanted = Wanted(question, weights)

    def quotes(
        self,
        passage: Passage,
        share: float,
        subject: _Subject,
        weights: Traits,
        vectors: Vectors | None,
    ) -> list[Ranked]:
        spans = sentences(passage.text)
        texts = [said(passage.text[span.start : span.end]) for span in spans]
        *own, title, heading = stems([*texts, passage.title, passage.locator])
        above = frozenset((*title, *heading))
        near = {stem for sentence in own for stem in sentence}
        places = _places(passage.text, spans)
        nearness = nearness_by(vectors, self._question.text, texts)
        judged = [Said(*one) for one in zip(texts, own, places, nearness, strict=True)]
        found = []
        traits = self._wanted.traits(judged, above)
        for span, one, has in zip(spans, judged, traits, strict=True):
            words = frozenset(one.words)
            if self.share(words, above, near) <= 0:
                continue
            on_subject = subject.named(passage, words, near)
            rank = worth(has, weights) + _WORTH_OF_KIND[span.kind]
            rank += PASSAGE * share * (1.0 if on_subject else _OTHER_SUBJECT)
            rank += _SHOUTED if one.text.isupper() else 0.0
            context = REFERRED_SHARE if refers(one.text) else CONTEXT_SHARE
            quote = _quote(passage, span, self.share(words, above, frozenset(), context))
            is_code = span.kind == "code"
            found.append(Ranked(quote, words, above, rank, has, on_subject, is_code))
        return found

    def share(
        self,
        own: AbstractSet[str],
        above: AbstractSet[str],
        near: AbstractSet[str],
        context: float = CONTEXT_SHARE,
    ) -> float:
        """Return the share of the question's idf mass that stands in or around a sentence."""
        held = dict.fromkeys(near, NEAR_SHARE)
        held |= dict.fromkeys(above, context) | dict.fromkeys(own, 1.0)
        return self._wanted.share(held, own)


def _places(text: str, spans: Sequence[Sentence]) -> list[int]:
    """Return the number of each sentence in its paragraph, from 0: the first says what it is of."""
    found: list[int] = []
    for before, span in zip((None, *spans), spans, strict=False):
        new = before is None or "\n\n" in text[before.end : span.start]
        found.append(0 if new else found[-1] + 1)
    return found


def _weights(question: Question, frequencies: Frequencies) -> dict[str, float]:
    """Return what a stem counts when sentences are compared: names more than other words."""
    names = {term.stem for term in question.terms if term.is_name}
    return {
        stem: frequencies.idf(stem) * (_NAME if stem in names else 1.0) for stem in question.stems
    }


def _quote(passage: Passage, span: Sentence, score: float) -> Quote:
    return Quote(
        passage=replace(passage, locator=_exact(passage, span)),
        start=passage.start + span.start,
        end=passage.start + span.end,
        text=passage.text[span.start : span.end],
        score=round(min(score, 1.0), 4),
    )


def _exact(passage: Passage, span: Sentence) -> str:
    """Return the locator of a sentence: a passage's names its first line, this its own."""
    found = _LINE.search(passage.locator)
    if found is None:
        return passage.locator
    line = int(found[1]) + passage.text.count("\n", 0, span.start)
    return f"{passage.locator[: found.start(1)]}{line}"


def _distinct(found: Iterable[Ranked]) -> Iterable[Ranked]:
    """Leave out what says nearly the same as a better one, word by word."""
    kept: list[Ranked] = []
    for one in found:
        if not any(_alike(one.stems, other.stems) for other in kept):
            kept.append(one)
            yield one


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= _SAME * len(one | other)
