"""A text whose encoding nobody names is read in the one that its letters fit."""

from __future__ import annotations

import pytest

from researcher_job.sources.readers.decoding import decode

TEXTS = {
    "de": "Grüße an den Lemur. Die Gebühr beträgt vierzig Euro für größere Boote.",
    "fr": "Le mât coûte quarante francs. La société règle à la journée.",
    "es": "El año pasado la tarifa subió. ¿Cuánto cuesta la señal?",
    "it": "La tariffa è di quaranta euro. Perché no? Così è più caro.",
    "sv": "Avgiften är fyrtio kronor för en båtplats per månad. Öppet på måndagar.",
    "da": "Gebyret er fyrre kroner. Bådene ligger på øen ved åen.",
    "cs": "Kotvení stojí čtyřicet korun za den. Žádné výjimky.",
    "pl": "Opłata wynosi czterdzieści złotych. Łódź stoi przy pomoście.",
    "hu": "A díj negyven forint. Őrizzük a hajókat, művelet közben űrlap.",
    "ru": "Стоянка стоит сорок рублей в сутки.",
    "uk": "Стоянка коштує сорок гривень на добу. Її ціна є.",
    "el": "Η θέση κοστίζει σαράντα ευρώ την ημέρα.",
    "tr": "Ücret kırk liradır. Şehirde iğne ağacı çok güzel.",
    "he": "המחיר הוא ארבעים שקלים ליום",
    "ar": "الرسوم أربعون دينارا في اليوم",
    "ja": "係留料は一か月あたり二千四百円です。",
    "zh": "停泊费每月二千四百元。办公室星期一休息。",
    "zh-tw": "停泊費每月二千四百元。辦公室星期一休息。",
    "ko": "정박료는 한 달에 이천사백 원입니다.",
    "en": "It\N{RIGHT SINGLE QUOTATION MARK}s forty euros, about 40 € a day.",
}
ENCODED = [
    *(
        ("de", "cp1252"),
        ("de", "mac_roman"),
        ("de", "cp850"),
        ("fr", "cp1252"),
        ("fr", "mac_roman"),
    ),
    *(("es", "cp1252"), ("es", "mac_roman"), ("it", "cp1252"), ("sv", "cp1252"), ("da", "cp1252")),
    *(("cs", "cp1250"), ("pl", "cp1250"), ("pl", "iso8859_2"), ("hu", "cp1250"), ("en", "cp1252")),
    *(("ru", "cp1251"), ("ru", "koi8_r"), ("ru", "cp866"), ("ru", "mac_cyrillic")),
    *(("uk", "cp1251"), ("uk", "koi8_u"), ("el", "cp1253"), ("el", "iso8859_7"), ("tr", "cp1254")),
    *(("he", "cp1255"), ("ar", "cp1256"), ("ja", "shift_jis"), ("ja", "euc_jp")),
    *(("zh", "gb18030"), ("zh-tw", "big5"), ("ko", "euc_kr")),
]


@pytest.mark.parametrize(("language", "encoding"), ENCODED)
def test_the_encoding_is_told_by_the_letters(language: str, encoding: str) -> None:
    assert decode(TEXTS[language].encode(encoding)) == TEXTS[language]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", ["en", "de", "ru"])
def test_unicode_is_known_with_and_without_its_mark(encoding: str, language: str) -> None:
    text = f"{TEXTS[language]}\nThe fee is forty francs.\n" * 3
    assert decode(text.encode(encoding)) == text


def test_a_declared_encoding_counts_where_it_fits() -> None:
    assert decode("ł".encode("iso8859_2"), "iso8859_2") == "ł"
    assert decode(TEXTS["ru"].encode("koi8_r"), "no-such-one") == TEXTS["ru"]
    assert decode(TEXTS["de"].encode(), "latin-1") == TEXTS["de"]
