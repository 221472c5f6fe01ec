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
    return _ARGUMENT.sub(
        lambda found: (
            _OPTIONS.get(found[1], found[1]) + (f" number {found[2]}" if found[2] else "")
        ),
        text,
    )
