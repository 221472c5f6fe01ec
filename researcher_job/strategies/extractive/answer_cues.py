"""What shows in a sentence that it may hold the kind of answer a question waits for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from itertools import pairwise

from research_contract.text.lexicon import ENGLISH_MONTHS, NUMBER_WORDS
from researcher_job.sources.index.answer_type import AnswerType
from researcher_job.sources.index.tokenizer import stems

WEAK = 0.3
"""What a sign counts that stands in many sentences; a telling one counts 1."""

_OTHER_NUMBERS = ("half", "quarter", "third", "dozen", "several", "no", "zero", "none")
_NUMBER_WORD = "|".join((*NUMBER_WORDS, *_OTHER_NUMBERS))
_MONTH = f"(?:{'|'.join(month.capitalize() for month in ENGLISH_MONTHS)})"
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?"
_UNIT = r"(?:second|minute|hour|day|night|week|month|year|decade|season|time)s?|centur(?:y|ies)"

_DATE = re.compile(
    rf"\b(?:1\d|20)\d\ds?\b|\b\d{{1,4}}\s?(?:BC|AD|BCE|CE|B\.C|A\.D)\b|\b{_MONTH}\b (?:\d|of)"
    rf"|\d\.? {_MONTH}\b|\b\d{{1,2}}(?:st|nd|rd|th)[ -]century|\b{_DAY}\b|\bevery \w+"
    r"|\b\d{1,2}(?::\d\d)? ?[ap]\.?m\b|\b\d{4}-\d\d-\d\d\b|\d年|\d月|\d日"
)
_WHEN = re.compile(
    rf"\d:\d\d|\b(?:{_MONTH}|spring|summer|autumn|winter|century|decade|annual(?:ly)?|yearly"
    r"|monthly|weekly|daily|hourly|nightly|night|morning|evening|noon|midnight|until|ago|since"
    rf"|during|after|before|whenever|immediately|{_UNIT})\b|年|月|日|時|时"
)
_SPAN = re.compile(
    rf"(?:\d|\b(?:{_NUMBER_WORD}))[\w\s-]{{0,12}}\b(?:{_UNIT})\b"
    r"|\b(?:daily|weekly|monthly|yearly|annual(?:ly)?|every|once|twice|night|until)\b"
    r"|[\d一二三四五六七八九十百]+(?:年|月|日|時|时|天)",
    re.I,
)
_MONEY = re.compile(
    r"[$€£¥]\s?\d|\d[\d.,]*\s?(?:million |billion |thousand )?(?:dollars?|euros?|pounds?|cents?"
    r"|USD|EUR|GBP|francs?|yen|rupees?|percent|€|£)",
    re.I,
)
_NUMBER = re.compile(rf"\d+|\b(?:{_NUMBER_WORD})\b|[一二三四五六七八九十百千万]", re.I)
_CAPITAL = re.compile(r"(?<!\w)[A-Z][\w'\u2019-]+")
_AGENT = re.compile(r"\bby (?:the |an? )?[A-Z]")
_SOMEBODY = re.compile(
    r"\bby (?:an? |the )?\w+"
    r"|\b(?:he|she|his|her|manager|director|team|board|officer|owner|admin\w*)\b"
)
_SOMEWHERE = re.compile(
    r"\b(?:in|at|near|from|on|to|of|under|between|along|across|inside|within|into|through|off"
    r"|around|by) (?:the |a |its )?(?:[a-z-]+ ){0,2}([A-Z][\w-]+)"
)
_WHERE = re.compile(
    r"\b(?:located|situated|lies|(?:north|south|east|west)(?:ern)?|coast|border(?:s|ed|ing)?"
    r"|region|islands?|city|country|county|town|area|near|between|surface|folder|directory|files?"
    r"|filmed|based|side)\b|[\w.~-]+/[\w.-]+"
)
_FROM = re.compile(
    r"\b(?:named|deriv\w+|origin\w*|coined|stems?|etymolog\w*|comes? from|came from|called|acronym"
    r"|meaning|after|term|Latin|Greek|French|Arabic|English|Old)\b"
)

_WORDS: Mapping[AnswerType, re.Pattern[str]] = {
    "purpose": re.compile(
        r"\b(?:used|purposes?|aim(?:s|ed)?|intend\w*|designed|meant|so that|goals?|enabl\w*"
        r"|allow(?:s|ed|ing)?|responsib\w*|provid\w*|serv\w*|to [a-z]+|for \w+ing)\b",
        re.I,
    ),
    "difference": re.compile(
        r"\b(?:while|whereas|unlike|differ\w*|however|contrast|rather|than|instead|both|compared"
        r"|distinct\w*|but|other)\b",
        re.I,
    ),
    "reason": re.compile(
        r"\b(?:because|since|due to|so that|caused?|causes|result(?:s|ed|ing)?|reasons?|therefore"
        r"|thus|hence|in order to|led to|leads? to|owing|thanks to|purpose|so as|intended to"
        r"|designed to|allows?|enables?|prevents?|avoids?|weil|denn|parce que|porque)\b"
        "|因为|ので|から",
        re.I,
    ),
    "definition": re.compile(
        r"\b(?:mean(?:s|t|ing)?|refers?|represent\w*|symboli\w*|stands? for|denot\w*|describ\w*"
        r"|defin\w*|about|theme|is|are|was|were|tells?|story|interpret\w*|known as|called"
        r"|explain\w*|inspired|consists?|ist|sind|est|es|è)\b|是|とは|である",
        re.I,
    ),
    "manner": re.compile(
        r"\b(?:by (?:the |an? )?\w+|through|using|via|can be|must|should|with the|process|method"
        r"|first|then|when|if|steps?|because|due to|based on|determin\w+)\b",
        re.I,
    ),
}


def strength(kind: AnswerType, text: str, known: AbstractSet[str]) -> float | None:
    """Return how plainly ``text`` shows something of the kind (0 to 1).

    Names and figures count where their stems are not among the ``known`` ones: what the question
    says itself is no answer to it. ``None`` where no text could tell.
    """
    if kind in _WORDS:
        return 1.0 if _WORDS[kind].search(text) else 0.0
    judge = _GRADED.get(kind)
    return None if judge is None else judge(text, known)


def _time(text: str, known: AbstractSet[str]) -> float:
    return 1.0 if _tells(_DATE, text, known) else WEAK if _WHEN.search(text) else 0.0


def _duration(text: str, _: AbstractSet[str]) -> float:
    return 1.0 if _SPAN.search(text) else WEAK if _NUMBER.search(text) else 0.0


def _price(text: str, _: AbstractSet[str]) -> float:
    return 1.0 if _MONEY.search(text) else WEAK if _NUMBER.search(text) else 0.0


def _number(text: str, known: AbstractSet[str]) -> float:
    return 1.0 if _tells(_NUMBER, text, known) else 0.0


def _person(text: str, known: AbstractSet[str]) -> float:
    """Two capitals in a row are most likely a name, one may be, a role less."""
    names = [one for one in _CAPITAL.finditer(text) if not _stems(one[0]) & known]
    if any(after.start() - before.end() <= _APART for before, after in pairwise(names)):
        return 1.0
    if _AGENT.search(text) or any(one.start() > 0 for one in names):
        return 0.6
    return WEAK if _SOMEBODY.search(text) else 0.0


def _place(text: str, known: AbstractSet[str]) -> float:
    named = _tells(_SOMEWHERE, text, known)
    worded = _WHERE.search(text) is not None
    return 1.0 if named and worded else 0.7 if named else 0.5 if worded else 0.0


def _origin(text: str, _: AbstractSet[str]) -> float:
    return min(1.0, len(set(_FROM.findall(text))) / 2)


_APART = 3
_GRADED: Mapping[AnswerType, Callable[[str, AbstractSet[str]], float]] = {
    "time": _time,
    "duration": _duration,
    "price": _price,
    "number": _number,
    "person": _person,
    "place": _place,
    "origin": _origin,
}


def _tells(pattern: re.Pattern[str], text: str, known: AbstractSet[str]) -> bool:
    """Say whether ``pattern`` finds what is not all known; its last group, if any, is looked at."""
    found = (_stems(one[pattern.groups]) for one in pattern.finditer(text))
    return any(words - known for words in found)


def _stems(text: str) -> set[str]:
    return set(stems([text])[0])
