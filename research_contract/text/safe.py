"""Makes text from sources harmless where it is shown; the stored quote is never changed."""

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
"""What makes citations, links, pictures, HTML, entities, escapes and headings, where it does."""

_BLOCK_START = re.compile(
    r"^(?:([>]|[+*-](?=\s|$)|=(?==*$)|[-*_](?=[-*_ ]*$)|[-:|](?=[-:| ]*$)|`(?=``)|~(?=~~))"
    r"|(\d{1,9})([.)])(?=\s|$))"
)


def visible(text: str) -> str:
    """Return ``text`` safe for a terminal, a page and a reader's eyes.

    Line breaks of every kind become a newline; characters that only steer the display are
    dropped; control characters, terminal escapes, direction overrides and invisible tags
    become visible as ``<U+202E>``.
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
    """Return ``text`` as one line of Markdown that forges nothing: no citation, link or block.

    Only what would do so is escaped, so that a quote can be copied as it stands: emphasis,
    code marks and other signs inside a line are left alone, and may be rendered as such.
    """
    escaped = _ACTIVE.sub(lambda found: "\\" + found[0], one_line(text))
    return _BLOCK_START.sub(
        lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", escaped
    )


def blockquote(text: str) -> str:
    """Return ``text`` as a Markdown block quote that keeps its lines and cannot be left."""
    lines = (markdown(line) for line in visible(text).split("\n"))
    return "\n".join(f"> {line}".rstrip() for line in lines)
