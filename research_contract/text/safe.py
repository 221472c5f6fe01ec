"""Makes text from sources harmless for display; stored quotes are never changed."""

from __future__ import annotations

import json
import re

from research_contract.text.unseen import BREAKS, CONTROLS, SOFT_HYPHEN, STEERING, without_hidden

_BREAKS = re.compile(f"\r\n?|[{BREAKS}]")
_HARMFUL = re.compile(f"[{CONTROLS}{STEERING}]")
_RAW_IN_JSON = re.compile(f"[{BREAKS}{CONTROLS}{STEERING}{SOFT_HYPHEN}]")

_ACTIVE = re.compile(
    r"[\[`]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|\\(?=[!-/:-@\[-`{-~]|$|[A-Za-z]{1,40}\{)|~(?=~)"
    r"|(?:(?<=\s)#|^#)(?=#*(?:\s|$))|^#"
)
"""Characters that begin citations, links, pictures, HTML, entities, code, formulas and headings."""

_BLOCK_START = re.compile(
    r"^(?:([>]|[+*-](?=\s|$)|=(?==*$)|[-*_](?=[-*_ ]*$)|[-:|](?=[-:| ]*$)|~(?=~~))"
    r"|(\d{1,9})([.)])(?=\s|$))"
)

_IN_ADDRESS = "[^\\s<>\\[\\]`\\\\\"'“”\u2018\u2019|*]"
_CODE = re.compile(
    r"(?<!`)`[^`]+`(?!`)"
    rf"|(?P<address>(?:[a-z][a-z0-9+.-]{{1,20}}://|mailto:|xmpp:|www\.){_IN_ADDRESS}+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r"|(?<![\w.@-])(?:[\w-]{1,63}\.){1,8}"
    r"(?:(?:com|net|org|edu|gov|info|biz|name|pro|shop|web|app|dev|io|ru|cn|uk|eu|ly|cc|su|tk)\b"
    rf"(?![\w-])(?:[:/?#]{_IN_ADDRESS}+)?|[a-z]{{2}}/{_IN_ADDRESS}+))",
    re.IGNORECASE,
)
"""Code, and addresses that a renderer may turn into a link without being told to: never in code."""

_MARKS = str.maketrans("“”„‟❝❞〝〞〟", "\u2018\u2019\u201a\u201b\u2018\u2019\u2018\u2019\u2019")
"""Quotation marks for two, and for one: what is written for them inside of a quote."""

_LONG_WORD = 40
"""A longer word is cut within."""

_FORM = dict.fromkeys(map(ord, "\\`“”„‟❝❞〝〞〟\u2018\u2019\u201a\u201b"))
_CODE_MARK = re.compile(r"(?<!\\)(?:\\\\)*`")
_PLAIN_NAME = re.compile(r"[\w./+-]+")


def visible(text: str) -> str:
    """Return ``text`` safe to show in a terminal or on a page.

    Line breaks of every kind become a newline. Characters of no width are dropped. Control
    characters, terminal escapes and controls of direction are shown as ``<U+202E>``.
    """
    text = without_hidden(_BREAKS.sub("\n", text).replace(SOFT_HYPHEN, ""))
    return _HARMFUL.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def visible_html(page: str) -> str:
    """Return a page with the text of ``visible``."""
    return visible(page).replace("<U+", "&lt;U+")


def visible_json(text: str) -> str:
    """Return JSON that says the same, with the characters that ``visible`` changes as escapes.

    Newlines between the lines of JSON Lines stay.
    """
    return _RAW_IN_JSON.sub(lambda found: _escape(found[0]), without_hidden(text, _escape))


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1]


def one_line(text: str, *, most: int | None = None) -> str:
    """Return ``text`` visible and on one line, cut to ``most`` characters with an ellipsis."""
    line = " ".join(visible(text).split())
    if most is None or len(line) <= most:
        return line
    return line[: most - 1].rstrip() + "…"


def in_quotes(text: str, *, most: int | None = None) -> str:
    """Return ``text`` in quotation marks on one line; no mark inside ends them.

    Marks for two become those for one, as quotes inside of quotes are written.
    """
    return f"“{one_line(text, most=most).translate(_MARKS)}”"


def named(name: str) -> str:
    """Return the name of a file, in quotation marks if it could be read as more than a name."""
    return name if _PLAIN_NAME.fullmatch(name) else in_quotes(name)


def cited(text: str, *, most: int | None = None) -> str:
    """Return ``text`` in quotation marks as Markdown, as ``in_quotes`` and ``markdown`` say."""
    return _inline(in_quotes(text, most=most))


def markdown(text: str) -> str:
    """Return ``text`` as one line of Markdown that cannot form a citation, link, HTML or block.

    Only what could do so is escaped, so that a quote can be copied unchanged; addresses are written
    as code, which no renderer links. Emphasis and code inside a line are kept and may be rendered.
    """
    return _BLOCK_START.sub(
        lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}",
        _inline(one_line(text)),
    )


def _inline(line: str) -> str:
    parts, done = [], 0
    for found in _CODE.finditer(line):
        parts.append(_escaped(line, done, found.start()))
        if found["address"]:
            address = found[0].rstrip(".,:;!?)")
            parts.append(f"`{address}`")
            done = found.start() + len(address)
        else:
            done = found.end()
            parts += ["`", _escaped(line, found.start() + 1, done - 1), "`"]
    return "".join([*parts, _escaped(line, done, len(line))])


def _escaped(line: str, start: int, end: int) -> str:
    """Return a part of a line; what stands around it decides what is active."""
    parts, done = [], start
    for found in _ACTIVE.finditer(line, start, end):
        parts += [line[done : found.start()], "\\", found[0]]
        done = found.end()
    return "".join([*parts, line[done:end]])


def bare(text: str) -> str:
    """Return ``text`` without what ``markdown`` and ``cited`` add or write otherwise, to compare.

    These are escapes, marks of code and quotation marks; the words stay.
    """
    return text.translate(_FORM)


def cut(line: str, most: int) -> str:
    """Return Markdown on one line, cut behind a word to ``most`` characters and a few marks.

    Code and quotes that the cut leaves open are closed behind the ellipsis.
    """
    if len(line) <= most:
        return line
    most -= 1
    behind_word = line.rfind(" ", max(most - _LONG_WORD, 0), most)
    kept = whole_escapes(line[: behind_word if behind_word > 0 else most].rstrip(" ,;:"))
    return f"{kept}…{closing(kept)}"


def whole_escapes(beginning: str) -> str:
    """Return the beginning of Markdown without the half of an escape at its end."""
    escapes = len(beginning) - len(beginning.rstrip("\\"))
    return beginning[:-1] if escapes % 2 else beginning


def closing(beginning: str) -> str:
    """Return what ends the code and the quote that the beginning of a line leaves open."""
    code = "`" if len(_CODE_MARK.findall(beginning)) % 2 else ""
    return code + ("”" if beginning.count("“") > beginning.count("”") else "")


def blockquote(text: str) -> str:
    """Return ``text`` as a Markdown block quote; no line of it can end the quote."""
    lines = (markdown(line) for line in visible(text).split("\n"))
    return "\n".join(f"> {line}".rstrip() for line in lines)
