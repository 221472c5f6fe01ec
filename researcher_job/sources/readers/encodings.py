"""Which encoding a text has that is not UTF-8: what its letters fit best."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SAMPLE = 65_536
"""Bytes looked at."""

_ONE_BYTE = (
    *("cp1252", "cp1250", "cp1251", "koi8_r", "koi8_u", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp1257", "iso8859_2", "mac_roman", "mac_cyrillic", "cp850", "cp866"),
)
"""Tried beside what the detector proposes; of those that fit as well the first is taken."""

_ALPHABETS = (
    "äöüßÄÖÜ",
    "àâæçéèêëîïôœùûüÿÀÂÇÉÈÊËÎÔŒÙÛ",
    "áéíñóúüÁÉÍÑÓÚÜ¿¡ºª",
    "àáâãçéêíóôõúÀÁÂÃÇÉÊÍÓÔÕÚ",
    "àèéìíòóùÀÈÉÌÒÙ",
    "åäöéÅÄÖÉ",
    "æøåéÆØÅÉ",
    "áðéíóúýþæöÁÐÉÍÓÚÝÞÆÖ",
    "áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ",
    "áäčďéíĺľňóôŕšťúýžÁÄČĎÉÍĹĽŇÓÔŔŠŤÚÝŽ",
    "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ",
    "áéíóöőúüűÁÉÍÓÖŐÚÜŰ",
    "čćđšžČĆĐŠŽ",
    "ăâîșțşţĂÂÎȘȚŞŢ",
    "çğıöşüâîÇĞİÖŞÜ",
    "āčēģīķļņšūžąčęėįšųūžõäöüĀČĒĢĪĶĻŅŠŪŽĄĘĖĮŲ",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁІЇЄҐЎјљњћђџЈЉЊЋЂЏ",
    "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΆΈΉΊΌΎΏ",
    "".join(map(chr, range(0x5D0, 0x5EB))),
    "".join(map(chr, range(0x621, 0x653))) + "،؟؛پچژگ",
)
_SIGNS = frozenset("“”„‘’‚–—…«»€£°§·•©®™±×½¼²³\N{NO-BREAK SPACE}№")
_VOWELS = frozenset("аеиоуыэюяёіїєαεηιουωάέήίόύώϊϋΐΰ")
_FEW_VOWELS = 0.28
"""Less than this share of vowels is no text in Cyrillic or Greek letters."""

_INSIDE = re.compile(r"(?<=[^\W\d_])[^\w\s'’‘\-–.,:;/|·&+](?=[^\W\d_])")
_TURNED = re.compile(r"[^\W\d_A-Z](?<=[^A-Z])(?=[A-ZÀ-Þ\u0391-\u03a9\u0410-\u042f])")
_MIXED = re.compile(r"(?<=[A-Za-z])[\u0370-\u06ff]|[\u0370-\u06ff](?=[A-Za-z])|[ςة](?=\w)")
"""A letter of another script beside a Latin one, or what stands only at the end of a word."""

_WIDE = re.compile(
    "[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uff01-\uff5e\u2010-\u2026\u00b7]"
)


def encoding_of(data: bytes) -> str:
    """Return the encoding in which ``data``, no UTF-8, says most; Windows-1252 where none does."""
    sample = data[:_SAMPLE]
    best, most = "cp1252", 0.0
    for encoding in _proposed(sample):
        fit = _fit(sample.decode(encoding, "replace"))
        if fit > most:
            best, most = encoding, fit
    return best


def _proposed(sample: bytes) -> Iterator[str]:
    """Yield the encodings worth trying, those of several bytes a letter as they are detected."""
    from charset_normalizer import from_bytes

    yield from _ONE_BYTE
    found = [match.encoding for match in from_bytes(sample)]
    yield from (one for one in found if one not in _ONE_BYTE)


def _fit(text: str) -> float:
    """Rate from 0 to 1 how far the letters that are not ASCII are those of one language."""
    beyond = [letter for letter in text if not letter.isascii()]
    if not beyond:
        return 0.0
    wide = len(_WIDE.findall(text))
    if wide * 2 > len(beyond):
        return wide / len(beyond)
    strange = len(_INSIDE.findall(text)) + len(_TURNED.findall(text)) + len(_MIXED.findall(text))
    letters = [letter for letter in beyond if letter not in _SIGNS]
    own = max(sum(letter in alphabet for letter in letters) for alphabet in _ALPHABETS)
    with_vowels = [letter.lower() for letter in letters if "\u0370" <= letter <= "\u04ff"]
    if sum(letter in _VOWELS for letter in with_vowels) < _FEW_VOWELS * len(with_vowels):
        strange += len(with_vowels) // 2
    return max(0.0, own + len(beyond) - len(letters) - strange) / len(beyond)
