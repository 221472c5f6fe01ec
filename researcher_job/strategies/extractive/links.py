"""Following what the first passages name: a second and a third step to what they lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from anyio import to_thread

from research_contract.text.sentences import sentences
from researcher_job.sources.base import Frequencies, Mention, Passage, Query, Source
from researcher_job.sources.index.query import Question
from researcher_job.sources.index.tokenizer import stems
from researcher_job.strategies.extractive.ranking import Weights

FOLLOWED = 10
"""Passages, the best first, whose mentions of other titles are followed."""

_NAMED_IN_QUESTION = 0.7
_LED_TO = 0.8
_LEADS = 0.2
"""What it adds, in shares of the best passage's score, that the question names a title, that a
good passage names it, and that a passage names the title of a good one. Set on every other
question of HotpotQA; values around them find as much on the rest."""

Key = tuple[str, int]


@dataclass(frozen=True)
class _Link:
    """A sentence of one passage names the title of another: how much both are worth."""

    begin: Key
    end: Key
    strength: float


async def follow(
    question: Question,
    query: Query,
    passages: Sequence[Passage],
    source: Source,
    *,
    rounds: int = 1,
) -> list[Passage]:
    """Return ``passages`` and those they lead to, scored anew, the best first.

    A passage gains by being named, by its title, in the question or in a passage that speaks
    to it, most where it has words that the other one lacks. Each of ``rounds`` follows what
    the best passages of the one before name.
    """
    found = list(passages)
    for _ in range(rounds):
        if not found:
            break
        found = await _follow(question, query, found, source)
    return found


async def _follow(
    question: Question, query: Query, passages: Sequence[Passage], source: Source
) -> list[Passage]:
    lexicon = source.lexicon
    if lexicon is None:
        return list(passages)
    texts, owners = await to_thread.run_sync(_sentences, passages[:FOLLOWED])
    mentions = await lexicon.mentioned([*texts, question.text], query)
    if not mentions:
        return list(passages)
    names = dict.fromkeys(stem for one in mentions for stem in one.name.split())
    stemmed = [*dict.fromkeys((*question.index_stems, *names))]
    frequencies = await lexicon.frequencies(stemmed)
    graph = _Graph(question, frequencies, passages)
    return await to_thread.run_sync(graph.ranked, texts, owners, mentions)


def _sentences(passages: Sequence[Passage]) -> tuple[list[str], list[Passage]]:
    texts: list[str] = []
    owners: list[Passage] = []
    for passage in passages:
        said = [passage.text[one.start : one.end] for one in sentences(passage.text)]
        texts += said
        owners += [passage] * len(said)
    return texts, owners


class _Graph:
    """Passages and which names which."""

    def __init__(
        self, question: Question, frequencies: Frequencies, passages: Sequence[Passage]
    ) -> None:
        self._question = question
        self._frequencies = frequencies
        self._own = question.together(frequencies)
        self._found = {_key(one): one for one in passages}

    def ranked(
        self, texts: Sequence[str], owners: Sequence[Passage], mentions: Sequence[Mention]
    ) -> list[Passage]:
        for mention in mentions:
            self._found.setdefault(_key(mention.passage), mention.passage)
        best = max((one.score for one in self._found.values()), default=0.0) or 1.0
        asked = [one for one in mentions if one.text == len(texts)]
        gains = _most((_key(one.passage), self._worth(one.name)) for one in asked)
        first = {
            key: one.score / best + _NAMED_IN_QUESTION * gains.get(key, 0.0)
            for key, one in self._found.items()
        }
        links = self._links(texts, owners, [one for one in mentions if one.text < len(texts)])
        scores = _spread(first, links, self._lacking())
        found = [replace(one, score=scores[key] * best) for key, one in self._found.items()]
        return sorted(found, key=lambda one: (-one.score, one.uri, one.start))

    def _links(
        self, texts: Sequence[str], owners: Sequence[Passage], mentions: Sequence[Mention]
    ) -> list[_Link]:
        weights = Weights(self._question, self._own)
        both = zip(stems(texts), stems([owner.title for owner in owners]), strict=True)
        shares = [weights.share(frozenset(own), frozenset(title)) for own, title in both]
        return [
            _Link(
                _key(owners[one.text]),
                _key(one.passage),
                self._worth(one.name) * (1 + shares[one.text]) / 2,
            )
            for one in mentions
            if _key(owners[one.text]) != _key(one.passage)
        ]

    def _worth(self, name: str) -> float:
        """Return how telling a title is (0 to 1): common words name everything and nothing."""
        rarest = self._frequencies.idf("")
        return min(1.0, sum(map(self._frequencies.idf, name.split())) / rarest)

    def _lacking(self) -> Callable[[Key, Key], float]:
        """Return what says which share of the question one passage has and another lacks."""
        weights = {term.stem: self._own.idf(term.stem) for term in self._question.terms}
        total = sum(weights.values()) or 1.0
        keys = list(self._found)
        texts = [f"{self._found[key].title} {self._found[key].text}" for key in keys]
        held = {
            key: weights.keys() & set(words) for key, words in zip(keys, stems(texts), strict=True)
        }
        return lambda one, other: sum(weights[stem] for stem in held[one] - held[other]) / total


def _spread(
    first: Mapping[Key, float], links: Sequence[_Link], lacking: Callable[[Key, Key], float]
) -> dict[Key, float]:
    """Return the scores after each passage gave a share of its own to what it is linked with."""
    best = max(first.values(), default=0.0) or 1.0
    led = _most(
        (one.end, first[one.begin] / best * one.strength * (1 + lacking(one.end, one.begin)))
        for one in links
    )
    leading = _most(
        (one.begin, first[one.end] / best * one.strength * (1 + lacking(one.begin, one.end)))
        for one in links
    )
    return {
        key: score + _LED_TO * led.get(key, 0.0) + _LEADS * leading.get(key, 0.0)
        for key, score in first.items()
    }


def _most(gains: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    found: dict[Key, float] = {}
    for key, gain in gains:
        found[key] = max(found.get(key, 0.0), gain)
    return found


def _key(passage: Passage) -> Key:
    return passage.uri, passage.start
