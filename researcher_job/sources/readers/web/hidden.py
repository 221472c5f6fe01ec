"""What a web page holds and does not show, as far as each element says so itself."""

from __future__ import annotations

import re

from lxml import etree, html

_CANDIDATES = etree.XPath("//*[@hidden or @style or self::dialog or self::datalist]")
_SCRIPTS = etree.XPath("//script/text()")
_NAME = re.compile(r"[\w-]+")
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.S)
_IGNORED = re.compile(r"\s+|!important", re.I)
_HIDING = re.compile(
    r"display:none|(?:content-)?visibility:(?:hidden|collapse)|mso-hide:all"
    r"|(?:opacity|font-size):(?:0+(?:\.0*)?|\.0+)(?:%|[a-z]+)?",
)
"""A declaration that leaves nothing to see, as mails and pages hide what only programs read."""


def empty_hidden(root: html.HtmlElement) -> None:
    """Empty what nobody sees of the page: hidden by an attribute or by its own style.

    Style sheets are not followed, nor what covers or colours a text away. The page itself stays,
    and what a script of the page names by its id: they are hidden until that script has run.
    """
    named = frozenset(_NAME.findall(" ".join(_SCRIPTS(root))))
    for element in _CANDIDATES(root):
        if element.tag in ("html", "body") or not _is_hidden(element):
            continue
        if element.get("id") not in named or element.tag in ("dialog", "datalist"):
            element.clear(keep_tail=True)


def _is_hidden(element: html.HtmlElement) -> bool:
    hidden = element.get("hidden")
    if hidden is not None and hidden.strip().lower() != "until-found":  # a search shows it
        return True
    if element.tag == "datalist" or (element.tag == "dialog" and element.get("open") is None):
        return True
    plain = _IGNORED.sub("", _COMMENT.sub("", element.get("style", ""))).lower()
    # Of one property the last declaration is in force.
    last = {one.partition(":")[0]: one for one in plain.split(";")}
    return any(map(_HIDING.fullmatch, last.values()))
