"""Spellings of one word: British and American, and the irregular forms of English verbs."""

from __future__ import annotations

import re

from research_contract.text.lexicon import INFLECTIONS

_OUR = (
    "arbour ardour armour behaviour candour clamour colour endeavour favour fervour flavour glamour"
    " harbour honour humour labour neighbour odour parlour rancour rigour rumour saviour savour"
    " splendour tumour valour vapour vigour"
)
_RE = "calibre centre fibre litre lustre meagre metre sabre sceptre sombre spectre theatre"
_OGUE = "analogue catalogue dialogue epilogue monologue prologue"
_OTHERS = {
    "licence": "license",
    "defence": "defense",
    "offence": "offense",
    "pretence": "pretense",
    "programme": "program",
    "cheque": "check",
    "grey": "gray",
    "tyre": "tire",
    "mould": "mold",
    "sulphur": "sulfur",
    "aluminium": "aluminum",
    "aeroplane": "airplane",
    "paediatric": "pediatric",
    "anaesthesia": "anesthesia",
    "encyclopaedia": "encyclopedia",
    "judgement": "judgment",
    "ageing": "aging",
    "artefact": "artifact",
    "kerb": "curb",
    "jewellery": "jewelry",
    "manoeuvre": "maneuver",
    "oestrogen": "estrogen",
    "plough": "plow",
    "sceptic": "skeptic",
    "sceptical": "skeptical",
    "storey": "story",
    "counsellor": "counselor",
    "fulfil": "fulfill",
    "enrol": "enroll",
}


def _forms() -> dict[str, tuple[str, ...]]:
    """Return every word of the lists with all spellings of it, the usual one first."""
    groups: list[tuple[str, ...]] = [(word, word.replace("our", "or")) for word in _OUR.split()]
    groups += [(word, f"{word[:-2]}er") for word in _RE.split()]
    groups += [(word, word[:-2]) for word in _OGUE.split()]
    groups += list(_OTHERS.items())
    groups += INFLECTIONS
    return {word: group for group in groups for word in group}


_GROUPS = _forms()
_ENDINGS = ("s", "d", "ed", "ing", "ful", "less", "able", "al", "hood", "ist", "ite")
_ISE = re.compile(r"(?<=[a-z]{3})([iy])([sz])(e|ed|er|ers|es|ing|ation|ations|ational)$")


def spellings(word: str) -> tuple[str, ...]:
    """Return ``word`` (lower case) in every spelling, the usual one first; itself at least."""
    if group := _GROUPS.get(word):
        return group
    if found := _ISE.search(word):
        begin, (vowel, ending) = word[: found.start()], found.group(1, 3)
        return f"{begin}{vowel}s{ending}", f"{begin}{vowel}z{ending}"
    for ending in _ENDINGS:
        begin = word.removesuffix(ending)
        if begin == word:
            continue
        if group := _GROUPS.get(begin):
            return tuple(f"{one}{ending}" for one in group)
        if group := _GROUPS.get(f"{begin}e"):
            return tuple(f"{one.removesuffix('e')}{ending}" for one in group)
    return (word,)


def usual(word: str) -> str:
    """Return the spelling that stands for all of ``word``'s; case is folded where one is known."""
    return spellings(word.lower())[0] if word.isascii() else word
