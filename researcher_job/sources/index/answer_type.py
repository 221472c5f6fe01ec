"""What kind of answer a question waits for, by the words it asks with."""

from __future__ import annotations

import re
from typing import Literal

AnswerType = Literal[
    "origin",
    "purpose",
    "difference",
    "price",
    "duration",
    "time",
    "number",
    "person",
    "place",
    "reason",
    "definition",
    "choice",
    "manner",
    "yes_no",
    "other",
]

_ASKED: tuple[tuple[AnswerType, str], ...] = (
    (
        "origin",
        r"\b(?:where|how) (?:do|does|did|has|have)\b.*\b(?:names?|terms?|words?|phrases?|titles?"
        r"|idea|expression|saying|nickname)\b.*\b(?:come|came|get|got|originate|derive)"
        r"|\bget (?:its|their|his|her|the) (?:nick)?name|\borigins? of\b|\betymology\b"
        r"|\bwhy\b.*\bcalled\b|\bnamed (?:after|for)\b",
    ),
    (
        "purpose",
        r"\bwhat (?:is|was|are|were) (?:the )?(?:main |primary |original )?(?:purpose|point|aim"
        r"|goal|function|role|use|job)s?\b|\bwhat (?:is|are|was|were)\b.* (?:used|good|meant"
        r"|responsible) for\b|\bwhat (?:does|do|did)\b.* do\b|\bwhat\b.* for\W*$",
    ),
    ("difference", r"\b(?:differences?|differ|compare|distinguish|differentiate|versus|vs)\b"),
    (
        "price",
        r"\bhow much\b.*\b(?:costs?|paid|pay|earn|salary|worth|price|money|spend|make|made|charge"
        r"|sell|fee)|\b(?:what|which)\b.*\b(?:salary|price|cost|fee|wage)s?\b",
    ),
    (
        "duration",
        r"\b(?:how (?:long|often|frequently)|wie lange|combien de temps|cu[aá]nto tiempo)\b|多久",
    ),
    (
        "time",
        r"(?:^\W*(?:(?:since|by|until|from) )?|[,;]\s*|\band )when\b|\bwhen\W*$"
        r"|\b(?:(?:what|which) (?:\w+ )?(?:year|date|day|time|month|century|decade|season)"
        r"|how (?:old|soon|recent\w*)|wann|quand|cu[aá]ndo|quando|wanneer|когда)\b"
        "|いつ|什么时候|何时|언제",
    ),
    (
        "number",
        r"\b(?:how (?:many|much|far|big|large|tall|high|deep|heavy|wide|fast|hot|cold)"
        r"|(?:what|which) (?:\w+ )?(?:percentage|number|amount|rate|version|port|age"
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
        r"|\bmean(?:s|t|ing)?\b|\bdefinition\b|\bstands? for\b|\brepresents?\b|\babout\W*$"
        r"|\bsummary\b|\bstory behind\b"
        r"|^(?:define|was (?:ist|sind))\b",
    ),
    ("choice", r"\bwhich\b.*\bor\b|\bwhat\b.*, .* or\b"),
    (
        "manner",
        r"^\W*how (?:do|does|did|is|are|was|were|can|could|should|to|would)\b|\bways? to\b"
        r"|\bwhat happens\b",
    ),
    (
        "yes_no",
        r"^\s*(?:is|are|was|were|do|does|did|has|have|had|can|could|may|must|should|will"
        r"|would)\b",
    ),
)
_ASKS = [(kind, re.compile(pattern, re.I)) for kind, pattern in _ASKED]


def answer_type(question: str) -> AnswerType:
    """Return what ``question`` waits for; ``other`` where its words do not say."""
    return next((kind for kind, asks in _ASKS if asks.search(question)), "other")
