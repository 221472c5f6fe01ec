"""Hidden text never passes, and what scripts and emoji need stays."""

from __future__ import annotations

import json
import re
import sys
import unicodedata

import pytest

from research_contract.text.safe import one_line, visible, visible_json
from research_contract.text.unseen import without_hidden
from tests.repository import ROOT

TAGS = "".join(chr(0xE0000 + ord(char)) for char in "obey me")
BYTES = "".join(chr(0xFE00 + n) for n in range(14)) + "".join(chr(0xE0100 + n) for n in range(240))

HIDDEN = {
    "tags": TAGS,
    "bytes in variation selectors": BYTES,
    "zero width": "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u180e",
    "marks of direction": "\u200e\u200f\u061c",
    "joiners": "\u200c\u200d",
    "fillers": "\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5",
    "musical and shorthand controls": "\U0001d173\U0001d17a\U0001bca0",
    "unassigned": "\u2065\ufff0\U000e0fff",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_characters_are_dropped_between_any_letters(name: str) -> None:
    for around in ("ab", "한글", "世界", "1ء", "🙂a", "ی،"):
        assert visible(f"{around[0]}{HIDDEN[name]}{around[1]}") == around
    assert visible(HIDDEN[name]) == ""


@pytest.mark.parametrize("char", "\x00\x1b\x7f\x9b\u202a\u202e\u2066\u2069\u206f\ufff9\ud800")
def test_what_steers_is_shown(char: str) -> None:
    assert visible(f"a{char}b") == f"a<U+{ord(char):04X}>b"


def test_every_ignorable_character_is_on_the_list() -> None:
    """All of category Cf and the selectors change, except signs with a shape of their own."""
    drawn = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    drawn |= {*range(0x13430, 0x13440)}
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        kind, name = unicodedata.category(char), unicodedata.name(char, "")
        if (kind in ("Cf", "Cc", "Cs") and code not in drawn) or "VARIATION SELECTOR" in name:
            assert char in "\t\n" or char not in visible(f"a{char}b"), f"U+{code:04X}"


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cروم",  # Persian: I go
        "क्\u200dष and क्\u200cष",
        "ශ්\u200dරී ලංකා",
        "ന്\u200d ",  # Malayalam: a joiner behind the virama that ends a word
        "👩\u200d💻 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈",
        "❤\ufe0f ☎\ufe0e 1\ufe0f\u20e3 ©\ufe0f",
    ],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("می\u200c\u200d\u200cروم", "میروم"),  # a row of joiners is a code
        ("می\u200c رود", "می رود"),
        ("sup\u200dported", "supported"),
        ("🙂\u200d\u200d🙂", "🙂🙂"),
        ("🙂\u200c🙂", "🙂🙂"),
        ("🙂\ufe0f\ufe0f\ufe0e", "🙂\ufe0f"),
        ("a\ufe0f\u200d🙂 1\ufe0f2", "a🙂 12"),
    ],
)
def test_what_they_do_not_need_is_dropped(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_json_says_the_same_in_escapes() -> None:
    said = f'a{TAGS}b\u200bc\u202ed\u2028e\u00adf\x7fg می\u200cروم 👩\u200d💻 "q" \\ ü'
    lines = "\n".join(json.dumps({"quote": said}, ensure_ascii=False) for _ in range(2))
    shown = visible_json(lines)
    assert visible(shown) == shown
    assert len(shown.splitlines()) == 2
    assert [json.loads(line) for line in shown.splitlines()] == [{"quote": said}] * 2


def test_one_line_holds_no_hidden_text() -> None:
    assert one_line(f" a\u2028{TAGS} b\u200b\n c ") == "a b c"


def test_soft_hyphens_stay_where_words_are_found() -> None:
    assert without_hidden("exam\u00ad\nple\u200b") == "exam\u00ad\nple"
    assert visible("exam\u00adple") == "example"


def test_no_other_file_lists_such_characters() -> None:
    listed = re.compile(
        r"\\u(?:200[b-f]|202[a-e]|206\d|feff|fe0[0-9a-f])|\\U000e0|0x(?:200[B-F]|FEFF)", re.I
    )
    files = [
        path.relative_to(ROOT).as_posix()
        for package in ("research_contract", "mcp_jobs_server", "researcher_job")
        for path in (ROOT / package).rglob("*.py")
        if listed.search(path.read_text(encoding="utf-8"))
    ]
    assert files == ["research_contract/text/unseen.py"]
