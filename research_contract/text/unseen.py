"""The one list of characters that nobody sees or that steer how text is shown.

Hidden text can carry instructions to a model that no person reads. The ranges are those that the
Unicode standard calls default ignorable, and its controls of direction.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable

BREAKS = "\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
"""Line breaks other than ``\\n`` and ``\\r``, as part of a character class, like those below."""

CONTROLS = "\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff"
"""Control characters, which begin terminal escapes, and halves of characters."""

STEERING = "\u202a-\u202e\u2066-\u206f\ufff9-\ufffb"
"""Embeddings, overrides and isolates of direction, and other controls of layout."""

SOFT_HYPHEN = "\u00ad"

HIDDEN = (
    "\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters of no width: marks of direction, joiners, fillers, variation selectors and tags."""

_HIDDEN = re.compile(f"[{HIDDEN}]")

JOINERS = "\u200c\u200d"
"""The non-joiner and the joiner, which choose the form of the letters beside them."""
_JOINED = (
    (0x0600, 0x08FF),  # Arabic, Syriac, Thaana, N'Ko, Mandaic
    (0x0900, 0x0DFF),  # the scripts of India
    (0x0F00, 0x109F),  # Tibetan, Burmese
    (0x1780, 0x18AF),  # Khmer, Mongolian
    (0x1B00, 0x1C4F),  # Balinese, Sundanese, Batak, Lepcha
    (0xA800, 0xABFF),  # Syloti, Phags-pa, Saurashtra, Javanese, Cham, Meetei Mayek
    (0xFB50, 0xFDFF),  # forms of Arabic letters
    (0xFE70, 0xFEFC),
    (0x10D00, 0x10D3F),  # Hanifi Rohingya
    (0x11000, 0x11FFF),  # Brahmi and its descendants
    (0x1E900, 0x1E95F),  # Adlam
)
"""Blocks of the scripts whose letters take another form beside a joiner."""

_JOINED_FROM = [first for first, _ in _JOINED]

_SELECTORS = "\ufe0e\ufe0f"
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf"
    "\u23e9-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_KEYCAPS = "#*0123456789"
_KEYCAP = "\u20e3"


def without_hidden(text: str, instead: Callable[[str], str] = lambda _: "") -> str:
    """Return ``text`` with each hidden character replaced by ``instead`` of it; soft hyphens stay.

    Joiners stay between the letters of scripts that need them and between emoji, and the selectors
    that choose the look of an emoji stay behind one. Applied again, it changes nothing.
    """
    if text.isascii():
        return text
    return _HIDDEN.sub(lambda found: found[0] if _is_needed(found) else instead(found[0]), text)


def _is_needed(found: re.Match[str]) -> bool:
    text, at = found.string, found.start()
    before, after = text[max(at - 1, 0) : at], text[at + 1 : at + 2]
    if found[0] in _SELECTORS:
        of_key = after == _KEYCAP and before != "" and before in _KEYCAPS
        return of_key or bool(_EMOJI.match(before))
    if found[0] not in JOINERS:
        return False
    if before in _SELECTORS:
        before = text[max(at - 2, 0) : max(at - 1, 0)]
    elif _is_joined(before) and (_is_joined(after) or _is_virama(before)):
        return True
    return found[0] == "\u200d" and bool(_EMOJI.match(before) and _EMOJI.match(after))


def _is_joined(char: str) -> bool:
    if not char or (block := bisect_right(_JOINED_FROM, ord(char)) - 1) < 0:
        return False
    return ord(char) <= _JOINED[block][1] and unicodedata.category(char)[0] in "LMN"


def _is_virama(char: str) -> bool:
    """Tell whether the sign takes the vowel from a letter: a joiner behind it ends some words."""
    return unicodedata.combining(char) == 9
