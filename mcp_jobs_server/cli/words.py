"""Sentences of the server in words of the command line: its options, not the tools' arguments."""

from __future__ import annotations

import re

_OPTIONS = {
    "question": "QUESTION",
    "plan.questions": "--question",
    "plan.search_terms": "--term",
    "plan.title": "--title",
    "limits.minutes": "--minutes",
    "sources": "--source",
    "text": "FILE",
    "section": "--section",
    "citation": "--citation",
    "job_id": "ID",
}
_ARGUMENT = re.compile(r"The argument '([a-z_.]+)(?:\[(\d{1,5})\])?'")
_PHRASES = {
    "Pass again=true": "Pass --again",
    "list_active_jobs shows them": "to list them: mcp-jobs-server jobs list",
}


def at_command_line(text: str) -> str:
    """Return a message of the server as the command line says it."""
    for phrase, said in _PHRASES.items():
        text = text.replace(phrase, said)
    return _ARGUMENT.sub(_option, text)


def _option(match: re.Match[str]) -> str:
    number = f" number {match[2]}" if match[2] else ""
    return f"{_OPTIONS.get(match[1], match[1])}{number}"
