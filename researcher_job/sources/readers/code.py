"""Source code and configuration: paragraphs of lines, below the functions and classes around."""

from __future__ import annotations

import re
from collections.abc import Iterator

from researcher_job.sources.document import Block, Document, Reason, Unreadable, trail
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.text import title_of

_MAX_LINE = 2_000
"""Characters; longer lines are no definition, and nobody wrote them."""

_WORDS = (
    "export default public private protected internal static abstract final sealed partial open"
    " override virtual inline extern unsafe async pub declare data local suspend constexpr"
).replace(" ", "|")
_DEFINITION = re.compile(
    rf"(?P<indent>[ \t]*)(?:(?:{_WORDS})(?:\([^)]{{0,40}}\))?[ \t]+)*"
    r"(?:async[ \t]+)?(?:def|class|function\*?|func|fn|interface|struct|trait|enum|impl|module"
    r"|namespace|object|type|record|macro_rules!|sub|procedure|protocol|extension|message|service"
    r"|create[ \t]+(?:or[ \t]+replace[ \t]+)?(?:table|view|function|procedure|index))"
    r"(?:[ \t]*\([^)]{0,80}\))?[ \t]+(?:if[ \t]+not[ \t]+exists[ \t]+)?"
    r"(?P<name>[A-Za-z_$][\w$.:]{0,99})",
    re.I,
)
_ARROW = re.compile(
    r"(?P<indent>[ \t]*)(?:export[ \t]+)?(?:const|let|var)[ \t]+(?P<name>[A-Za-z_$][\w$]{0,99})"
    r"[ \t]*=[ \t]*(?:async[ \t]*)?(?:function\b|\([^)]{0,200}\)[ \t]*=>|[\w$]+[ \t]*=>)"
)
_SECTION = re.compile(r"(?P<indent>)\[{1,2}(?P<name>[^\[\]\n]{1,100})\]{1,2}[ \t]*(?:[#;].*)?$")
_KEYWORDS = frozenset(
    {"def", "class", "function", "function*", "func", "fn", "interface", "struct", "trait", "enum"}
    | {"impl", "module", "namespace", "object", "type", "record", "macro_rules!", "sub"}
    | {"procedure", "protocol", "extension", "message", "service", "create", "const", "let", "var"}
)
_MINIFIED = 500
"""Characters of a line on average; nobody writes such programs."""

_MINIFIABLE = (".js", ".mjs", ".cjs", ".css")
_FIRST_WORDS = 6
_CONFIGURATION = (".toml", ".ini", ".cfg", ".conf", ".properties")


def read(data: bytes, name: str) -> Document:
    """Read a program or a configuration; locators are function (or section) and line."""
    text = decode(data)
    if len(text) > _MINIFIED * (text.count("\n") + 1) and name.lower().endswith(_MINIFIABLE):
        raise Unreadable(Reason.MACHINE_MADE)
    blocks = list(_blocks(text, _patterns(name.lower())))
    if not blocks:
        raise Unreadable(Reason.EMPTY)
    return Document(title=title_of(name), text=text, blocks=blocks)


def _patterns(name: str) -> tuple[re.Pattern[str], ...]:
    if name.endswith(_CONFIGURATION):
        return (_SECTION,)
    if name.endswith((".yaml", ".yml", ".xml", ".xsd", ".plist", ".css", ".scss", ".less")):
        return ()
    return (_DEFINITION, _ARROW)


def _blocks(text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[Block]:
    """Yield runs of lines without a blank one, divided where a definition begins."""
    inside: list[tuple[int, str]] = []
    start, first, end = -1, 0, 0
    place = 0
    above: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        blank = not line.strip()
        defined = None if blank else _definition(line, patterns)
        if start >= 0 and (blank or defined):
            yield Block("code", start, end, _locator(above, first))
            start = -1
        if defined:
            indent, name = defined
            while inside and inside[-1][0] >= indent:
                inside.pop()
            inside.append((indent, name))
            above = tuple(one for _, one in inside)
        if not blank:
            if start < 0:
                start, first = place, number
            end = place + len(line)
        place += len(line) + 1
    if start >= 0:
        yield Block("code", start, end, _locator(above, first))


def _definition(line: str, patterns: tuple[re.Pattern[str], ...]) -> tuple[int, str] | None:
    if len(line) > _MAX_LINE or not _may_define(line):
        return None
    for pattern in patterns:
        if found := pattern.match(line):
            return len(found["indent"].expandtabs(4)), found["name"].strip().rstrip(":.")
    return None


def _may_define(line: str) -> bool:
    """Whether the patterns are worth trying; most lines are told apart by this at less cost."""
    words = line.split(None, _FIRST_WORDS)[:_FIRST_WORDS]
    return words[0][0] == "[" or not _KEYWORDS.isdisjoint(map(str.lower, words))


def _locator(above: tuple[str, ...], line: int) -> str:
    said = trail(above)
    return f"{said}, line {line}" if said else f"line {line}"
