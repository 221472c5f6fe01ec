"""Where one sentence of running prose ends and the next begins, in English and German.

A full stop does not end a sentence behind an abbreviation ("z. B. Pumpen"), behind one that
belongs to a number ("Pump no. 7", "on Jan. 5", "Hauptstr. 5"), or behind a German ordinal
("am 3. Mai", "die 2. Etage").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from research_contract.text.lexicon import MONTHS

_CJK_STOPS = "。！？"  # noqa: RUF001 - full-width marks on purpose
_STOP = re.compile(
    r"(?:(?<=\s)|(?<=[^\s.]))(?:[.!?]{1,4}|…)[\"'”’»)\]*_`]{0,4}(?: (?:''|[)\]]))*"  # noqa: RUF001
    r"(?:\[[^\]\s]{1,12}\]){0,4}(?=\s)"
    rf"|[{_CJK_STOPS}]+[」』”）]*"  # noqa: RUF001
)
"""Marks that may end a sentence, with closing quotes, brackets and the citations behind them."""

_NEXT = re.compile(r"\s+[\"'“„«(\[*_`<\u2018]*(?:``\s?|(?<=[(\[])\s)?([^\W_])")
"""What may begin the next sentence; the group is its first letter or digit."""

_BEFORE = 16
"""Characters before a full stop in which an abbreviation is recognised."""

_INSIDE = (
    "e.g i.e cf viz mr mrs ms dr prof st sgt gen col capt lt rev hon sen gov rep approx incl excl"
    " resp z.b d.h u.a o.ä s.o s.u bzw vgl sog ggf evtl inkl exkl zzgl mind max min mio mrd tsd hr"
    " fr dipl ing p.ex m.e etw"
)
"""Abbreviations that never end a sentence."""

_MAY_END = "inc ltd co corp jr sr al etc usw u.s u.k u.s.a a.m p.m b.c a.d bros plc gmbh ag"
"""Abbreviations that end a sentence where a word follows that opens one."""

_BEFORE_NUMBER = (
    "no nos nr nrn fig figs eq eqs sec sect ch chap vol vols p pp par para art abs abb tab tz rz s"
    " bd kap ziff anm ca circa str tel fax ed ver v"
)
"""Abbreviations that go on where a number follows."""


_WHOLE = ("mai", "may", "june", "juni", "juin", "july", "juli", "mars", "août", "mayo")
"""Short names of months that are no abbreviations."""


def _any(words: str) -> str:
    return "|".join(re.escape(word) for word in words.split())


_MONTH_FORMS = " ".join(name for name in MONTHS if len(name) in (3, 4) and name not in _WHOLE)
_IS_INSIDE = re.compile(rf"(?<![\w.])(?:{_any(_INSIDE)})\.$", re.IGNORECASE)
_IS_MAY_END = re.compile(rf"(?<![\w.])(?:{_any(_MAY_END)}|[A-Z](?:\.\s?[A-Z])*)\.$", re.IGNORECASE)
_IS_BEFORE_NUMBER = re.compile(
    rf"(?:(?<![\w.])(?:{_any(_BEFORE_NUMBER)}|{_any(_MONTH_FORMS)})|\w(?:str|stra[sß]e|pl))\.$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"(?:\b(?:am|im|ab|bis|vom|zum|zur|der|die|das|dem|den|des|jede[rmns]?|dieser?|seit|und|[-–])\s+"
    r"|[-–])\d{1,4}\.$",
    re.IGNORECASE,
)
_DAY_OF_MONTH = re.compile(r"(?<![\w.])\d{1,2}\.$")
_MONTH = re.compile(rf"\s+(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})\b", re.IGNORECASE)
_NUMBERED = re.compile(r"\s+(?:\d|[IVXLC]+\b|[A-Z]\b)")
_OPENER = re.compile(
    r"\s+[\"'“„«(]*(?:The|It|He|She|They|We|You|This|These|Those|There|His|Her|Its|Their|Our|A|An|In|At|On"
    r"|By|For|From|As|After|Before|During|Since|When|While|Although|However|But|If|And|Not|No"
    r"|Der|Die|Das|Den|Dem|Des|Ein|Eine|Einen|Es|Er|Sie|Wir|Ich|Ihr|Ihre|Im|Am|Bei|Für|Von|Zu|Nach|Wenn"
    r"|Als|Auch|Diese|Dieser|Dieses|Mit|Seit|Und|Aber|Nicht)\b"
)
"""Words that open a sentence: an abbreviation before one may have ended the last."""


def split(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield start and end of each sentence between ``start`` and ``end``, white space included.

    The spans touch each other and cover all of the text. Time is linear in its length.
    """
    end = len(text) if end is None else end
    begin = start
    for stop in _STOP.finditer(text, start, end):
        if stop.end() < end and not _ends_sentence(text, begin, stop, end):
            continue
        yield begin, stop.end()
        begin = stop.end()
    if begin < end:
        yield begin, end


def _ends_sentence(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    if stop[0][0] in _CJK_STOPS:
        return True
    following = _NEXT.match(text, stop.end(), end)
    if following is None or following[1].islower():
        return False
    if not stop[0].startswith(".") or stop[0].startswith(".."):
        return True
    at = stop.start() + 1
    before = text[max(begin, at - _BEFORE) : at]
    if _IS_INSIDE.search(before):
        return False
    if _IS_BEFORE_NUMBER.search(before) and _NUMBERED.match(text, stop.end(), end):
        return False
    if _DAY_OF_MONTH.search(before) and _MONTH.match(text, stop.end(), end):
        return False
    opens = _OPENER.match(text, stop.end(), end) is not None
    return opens or not (_IS_MAY_END.search(before) or _ORDINAL.search(before))
