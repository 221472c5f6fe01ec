"""Makes text from sources harmless for display; stored quotes are never changed."""

from __future__ import annotations

import re

_BREAKS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u2060-\u2064\ufeff]")
_HARMFUL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2065-\u206f\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)

_ACTIVE = re.compile(
    r"\[|<(?=[A-Za-z/!?])|&(?=#?\w+;)|\\(?=[!-/:-@\[-`{-~]|$)|(?:(?<=\s)#|^#)(?=#*(?:\s|$))|^#"
)
"""Characters that begin citations, links, pictures, HTML, entities, escapes and headings."""

_BLOCK_START = re.compile(
    r"^(?:([>]|[+*-](?=\s|$)|=(?==*$)|[-*_](?=[-*_ ]*$)|[-:|](?=[-:| ]*$)|`(?=``)|~(?=~~))"
    r"|(\d{1,9})([.)])(?=\s|$))"
)


def visible(text: str) -> str:
    """Return ``text`` safe to show in a terminal or on a page.

    Line breaks of every kind become a newline. Invisible formatting characters are dropped. Control
    characters, terminal escapes, direction overrides and tag characters are shown as ``<U+202E>``.
    """
    text = _UNSEEN.sub("", _BREAKS.sub("\n", text))
    return _HARMFUL.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def one_line(text: str, *, most: int | None = None) -> str:
    """Return ``text`` visible and on one line, cut to ``most`` characters with an ellipsis."""
    line = " ".join(visible(text).split())
    if most is None or len(line) <= most:
        return line
    return line[: most - 1].rstrip() + "…"


def markdown(text: str) -> str:
    """Return ``text`` as one line of Markdown that cannot form a citation, link, HTML or block.

    Only what could do so is escaped, so that a quote can be copied unchanged. Emphasis and code
    marks inside a line are kept and may be rendered.
    """
    escaped = _ACTIVE.sub(lambda found: "\\" + found[0], one_line(text))
    return _BLOCK_START.sub(
        lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", escaped
    )


def blockquote(text: str) -> str:
    """Return ``text`` as a Markdown block quote; no line of it can end the quote."""
    lines = (markdown(line) for line in visible(text).split("\n"))
    return "\n".join(f"> {line}".rstrip() for line in lines)
