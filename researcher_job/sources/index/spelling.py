"""Spellings of one word: British and American, and the irregular forms of English verbs."""

from __future__ import annotations

import re

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
_VERBS = """
become became, begin began begun, bind bound, bite bit bitten, bleed bled, blow blew blown,
break broke broken, breed bred, bring brought, build built, buy bought, catch caught,
choose chose chosen, come came, deal dealt, draw drew drawn, drink drank drunk, drive drove driven,
eat ate eaten, fall fell fallen, feed fed, fight fought, fly flew flown, forbid forbade forbidden,
forget forgot forgotten, freeze froze frozen, give gave given, go went gone, grow grew grown,
hang hung, hear heard, hide hid hidden, hold held, keep kept, know knew known, lead led, lend lent,
lose lost, make made, mean meant, meet met, pay paid, ride rode ridden, ring rang rung,
rise rose risen, run ran, sell sold, send sent, shake shook shaken, shoot shot, show shown,
shrink shrank shrunk, sing sang sung, sink sank sunk, sit sat, sleep slept, speak spoke spoken,
spend spent, spin spun, stand stood, steal stole stolen, stick stuck, strike struck, swear swore
sworn, swim swam swum, swing swung, take took taken, teach taught, tear tore torn, tell told,
think thought, throw threw thrown, understand understood, wear wore worn, win won, write wrote
written, child children, man men, woman women, foot feet, tooth teeth, mouse mice, person people
"""


def _forms() -> dict[str, tuple[str, ...]]:
    """Return every word of the lists with all spellings of it, the usual one first."""
    groups: list[tuple[str, ...]] = [(word, word.replace("our", "or")) for word in _OUR.split()]
    groups += [(word, f"{word[:-2]}er") for word in _RE.split()]
    groups += [(word, word[:-2]) for word in _OGUE.split()]
    groups += list(_OTHERS.items())
    groups += [tuple(verb.split()) for verb in _VERBS.split(",")]
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
