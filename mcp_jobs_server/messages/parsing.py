"""Reads the arguments of a call, and reports in plain words what cannot be read.

An error names the argument, what it should be and the nearest name. Messages of the validation
library never reach a caller.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.messages.arguments import Arguments, from_json_text

A = TypeVar("A", bound=Arguments)


def parse_arguments(kind: type[A], raw: Mapping[str, Any]) -> A:
    """Return the arguments in ``raw``; ``null`` means not given.

    Raises:
        InvalidArgument: one is unknown, missing, of the wrong type or out of its range.
    """
    for wrong in _unknown(kind, raw):
        raise wrong
    given = _without_nulls(raw)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _explained(error.errors(include_url=False)[0]) from error


def _without_nulls(given: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in given.items():
        item = from_json_text(value) if name in ("plan", "limits") else value
        if item is not None:
            kept[str(name)] = _without_nulls(item) if isinstance(item, dict) else item
    return kept


def _unknown(
    kind: type[BaseModel], given: Mapping[str, Any], within: str = ""
) -> Iterator[InvalidArgument]:
    fields = kind.model_fields
    for name, said in given.items():
        value = from_json_text(said)
        if name not in fields:
            yield _unknown_name(str(name), list(fields), within)
            continue
        inner = fields[name].annotation
        if isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _unknown(inner, value, f"{within}{name}.")


def _unknown_name(name: str, fields: list[str], within: str) -> InvalidArgument:
    near = difflib.get_close_matches(name, fields, n=1, cutoff=0.5)
    guess = f"Did you mean '{within}{near[0]}'? " if near else ""
    kind = "Its fields are" if within else "The arguments are"
    shown = _shown(within + name).strip("'")
    return InvalidArgument(f"Unknown argument '{shown}'.", f"{guess}{kind} {', '.join(fields)}.")


def _explained(error: ErrorDetails) -> InvalidArgument:
    """Return what is wrong with one argument, without the words of the validation library."""
    steps = (f"[{at + 1}]" if isinstance(at, int) else f".{at}" for at in error["loc"])
    name = "".join(steps).removeprefix(".")
    if error["type"] == "missing":
        return InvalidArgument(f"The argument '{name}' is missing.", "Pass it.")
    sized = error["type"].endswith(("too_long", "too_short"))
    got = "" if sized else f", not {_shown(error['input'])}"
    return InvalidArgument(f"The argument '{name}' is wrong.", f"It must be {_wanted(error)}{got}.")


def _not_empty(least: int) -> str:
    return "at least one character" if least == 1 else f"at least {least} characters long"


_WANTED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "literal_error": lambda found: "one of " + str(found["expected"]).replace(" or ", ", "),
    "string_too_long": lambda found: f"at most {found['max_length']:,} characters long",
    "too_long": lambda found: f"at most {found['max_length']:,} entries long",
    "string_too_short": lambda found: _not_empty(found["min_length"]),
    "too_short": lambda found: f"at least {found['min_length']:,} entries long",
    "asks_nothing": lambda _: "a text with at least one word",
    "greater_than_equal": lambda found: f"at least {found['ge']:,}",
    "greater_than": lambda found: f"more than {found['gt']:,}",
    "less_than_equal": lambda found: f"at most {found['le']:,}",
}
_WANTED_KIND = {
    "bool": "true or false",
    "string": "a text",
    "tuple": "a list of texts",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
}


def _wanted(error: ErrorDetails) -> str:
    """Return what an argument should be, by the kind of error that pydantic found."""
    kind = error["type"]
    if kind in ("too_long", "too_short") and isinstance(error["input"], str):
        kind = f"string_{kind}"  # a text inside a list
    if exact := _WANTED.get(kind):
        return exact(error.get("ctx", {}))
    return _WANTED_KIND.get(error["type"].split("_")[0], "an object with named fields")


def _shown(value: object) -> str:
    """Return what was passed, short and on one line."""
    plain = value if isinstance(value, str) else json.dumps(value, default=str)
    text = " ".join(plain.split())
    short = text if len(text) <= 40 else text[:39] + "…"
    return f"'{short}'" if isinstance(value, str) else short
