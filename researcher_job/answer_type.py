"""What kind of answer a question waits for, and whether a sentence has something of the kind."""

from __future__ import annotations

import re
from typing import Literal

AnswerType = Literal[
    "time", "number", "person", "place", "reason", "definition", "choice", "yes_no", "other"
]

_ASKED: tuple[tuple[AnswerType, str], ...] = (
    (
        "time",
        r"\b(?:when|(?:what|which) (?:\w+ )?(?:year|date|day|time|month|century|decade|season)"
        r"|how (?:long|old|often|soon|recent\w*)|wann|quand|cu[aá]ndo|quando|wanneer|когда)\b"
        "|いつ|什么时候|何时|언제",
    ),
    (
        "number",
        r"\b(?:how (?:many|much|far|big|large|tall|high|deep|heavy|wide|fast|hot|cold)"
        r"|(?:what|which) (?:\w+ )?(?:percentage|number|amount|rate|version|port|age|price|cost"
        r"|size|population|length|height|distance|limit|share|total)|wieviele?|wie viele?"
        r"|combien|cu[aá]nt[oa]s?|quant[oiae]s?|hoeveel|сколько)\b|多少|几个|いくつ|いくら|몇",
    ),
    (
        "person",
        r"\b(?:who|whose|whom|wer|wem|wessen|qui|qui[eé]n(?:es)?|chi|quem|wie is|кто)\b"
        "|谁|誰|누구",
    ),
    (
        "place",
        r"\b(?:where|(?:what|which) (?:city|country|state|place|town|county|region|location"
        r"|continent|river|island|district|folder|directory|file)|wo|wohin|woher"
        r"|d[oó]nde|dove|onde|waar|где|куда)\b|哪里|どこ|어디",
    ),
    (
        "reason",
        r"\b(?:why|what (?:\w+ )?(?:reason|cause)s?|how come|warum|wieso|pourquoi|por qu[eé]"
        r"|perch[eé]|waarom|почему)\b|为什么|なぜ|왜",
    ),
    (
        "definition",
        r"(?:^|\b(?:and|or) )what(?:'s| is| are| was| were)(?: an?| the)?(?: \w+){1,3}\W*$"
        r"|\bwhat (?:does|do|did) .* mean\b|\b(?:meaning|definition) of\b"
        r"|^(?:define|was (?:ist|sind))\b",
    ),
    ("choice", r"\bwhich\b.*\bor\b|\bwhat\b.*, .* or\b"),
    (
        "yes_no",
        r"^\s*(?:is|are|was|were|do|does|did|has|have|had|can|could|may|must|should|will"
        r"|would)\b",
    ),
)
_ASKS = [(kind, re.compile(pattern, re.I)) for kind, pattern in _ASKED]

_NUMBER_WORD = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|half|quarter|third|dozen"
    r"|once|twice|first|second|single|several|no|zero|never|none"
)
_SHOWS: dict[AnswerType, re.Pattern[str]] = {
    "time": re.compile(
        r"\b[12]\d{3}s?\b|\d+(?:st|nd|rd|th)?\s*(?:[-–]\s*\d+\s*)?"
        r"(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|century|centuries|decades?|a\.?m\b|p\.?m\b|BC|AD)|\d:\d\d"
        r"|\b(?:January|February|March|April|June|July|August|September|October|November|December"
        r"|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|spring|summer|autumn|winter"
        r"|century|decade|annual(?:ly)?|yearly|monthly|weekly|daily|hourly|nightly|night|morning"
        r"|evening|noon|midnight|every|until|ago|since|during|after|before|whenever|immediately"
        r"|days?|weeks?|months?|years?|hours?|minutes?|seconds?)\b|年|月|日|時|时",
    ),
    "number": re.compile(rf"\d|\b(?:{_NUMBER_WORD})\b|[一二三四五六七八九十百千万]", re.I),
    "person": re.compile(
        r"\b[A-Z][\w.'’-]+ (?:(?:[A-Z][\w.'’-]*|de|van|von|der|la|bin) )*[A-Z][\w'’-]+"
        r"|\bby (?:an? |the )?\w+"
        r"|\b(?:he|she|his|her|manager|director|team|board|officer|owner|admin\w*)\b"
    ),
    "place": re.compile(
        r"\b(?:in|at|near|from|on|to|of|under|between|along|across|inside|within) (?:the )?"
        r"(?:[\w-]+ )?[A-Z]\w+|\b(?:located|situated|north|south|east|west|city|country|coast"
        r"|island|region|folder|directory|file)\w*\b|[\w.~-]+/[\w.-]+"
    ),
    "reason": re.compile(
        r"\b(?:because|since|due to|so that|caused?|causes|result(?:s|ed|ing)?|reasons?|therefore"
        r"|thus|hence|in order to|led to|leads? to|owing|thanks to|purpose|so as|intended to"
        r"|designed to|allows?|enables?|prevents?|avoids?|weil|denn|parce que|porque)\b"
        "|因为|ので|から",
        re.I,
    ),
    "definition": re.compile(
        r"\b(?:is|are|was|were|means?|refers?|denotes?|describes?|defined|known as|called"
        r"|stands? for|consists?|ist|sind|est|es|è)\b|是|とは|である",
        re.I,
    ),
}


def answer_type(question: str) -> AnswerType:
    """Return what ``question`` waits for; ``other`` where its words do not say."""
    return next((kind for kind, asks in _ASKS if asks.search(question)), "other")


def shows(kind: AnswerType, text: str) -> bool | None:
    """Say whether ``text`` has something of the kind; ``None`` where no text could tell."""
    pattern = _SHOWS.get(kind)
    return None if pattern is None else pattern.search(text) is not None
