"""Reads the arguments of a call, and reports in plain words what cannot be read.

All wrong arguments are reported in one error; each is named with what it should be and, if its
name is unknown, the nearest name. Messages of the validation library never reach a caller.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.messages.arguments import ZERO_HAS_A_MEANING, Arguments, from_json_text

A = TypeVar("A", bound=Arguments)
Problem = tuple[str, str]
"""What is wrong with one argument, and what to do about it."""

MAX_PROBLEMS = 8
"""Wrong arguments that one error names."""


def parse_arguments(kind: type[A], raw: Mapping[str, Any]) -> A:
    """Return the arguments in ``raw``.

    Clients that must fill in every argument pass ``null``, an empty text, list or object, or zero
    for those that are not given. For optional arguments these mean not given.

    Raises:
        InvalidArgument: some are unknown, missing, of the wrong type or out of range.
    """
    problems = list(_unknown(kind, raw))
    try:
        arguments = kind.model_validate(_given(kind, raw))
    except ValidationError as error:
        problems += map(_explained, error.errors(include_url=False))
        raise _combined(problems) from error
    if problems:
        raise _combined(problems)
    return arguments


def _combined(problems: list[Problem]) -> InvalidArgument:
    if len(problems) == 1:
        return InvalidArgument(*problems[0])
    listed = [f"({n}) {wrong} {fix}" for n, (wrong, fix) in enumerate(problems[:MAX_PROBLEMS], 1)]
    more = len(problems) - MAX_PROBLEMS
    listed += [f"{more} more are wrong."] if more > 0 else []
    return InvalidArgument(f"{len(problems)} arguments are wrong.", " ".join(listed))


def _given(kind: type[BaseModel], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known arguments that were given, without neutral values of optional ones."""
    kept: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        if name not in raw:
            continue
        value = raw[name]
        inner = _model_of(field)
        if inner is not None:
            value = from_json_text(value)
            value = _given(inner, value) if isinstance(value, dict) else value
        if isinstance(value, list):
            value = [item for item in value if item not in (None, "")]
        if field.is_required() or not _is_neutral(name, value):
            kept[name] = value
    return kept


def _is_neutral(name: str, value: object) -> bool:
    """Return whether a value means that an optional argument was not given."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return value == 0 and name not in ZERO_HAS_A_MEANING
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | dict) and not value)


def _unknown(kind: type[BaseModel], raw: Mapping[str, Any], within: str = "") -> Iterator[Problem]:
    """Yield the arguments in ``raw`` that ``kind`` lacks; ``within`` is where ``kind`` is used."""
    for name, said in raw.items():
        if name in kind.model_fields:
            value, inner = from_json_text(said), _model_of(kind.model_fields[name])
            if isinstance(value, dict) and inner is not None:
                yield from _unknown(inner, value, f"{within}{name}.")
            continue
        fields = list(kind.model_fields)
        near = [f"{within}{one}" for one in difflib.get_close_matches(str(name), fields, 1, 0.5)]
        near = _paths(kind, str(name), within) or near
        guess = f"Did you mean '{near[0]}'? " if near else ""
        listed = "Its fields are" if within else "The arguments are"
        shown = _shown(within + str(name)).strip("'")
        yield f"Unknown argument '{shown}'.", f"{guess}{listed} {', '.join(fields)}."


def _paths(kind: type[BaseModel], name: str, within: str = "") -> list[str]:
    """Return where an argument of exactly this name exists, such as ``plan.questions``."""
    found: list[str] = []
    for field_name, field in kind.model_fields.items():
        if field_name == name:
            found.append(within + name)
        if inner := _model_of(field):
            found += _paths(inner, name, f"{within}{field_name}.")
    return found


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _explained(error: ErrorDetails) -> Problem:
    """Return what is wrong with one argument, without the words of the validation library."""
    steps = (f"[{at + 1}]" if isinstance(at, int) else f".{at}" for at in error["loc"])
    name = "".join(steps).removeprefix(".")
    if error["type"] == "missing":
        return f"The argument '{name}' is missing.", "Pass it."
    sized = error["type"].endswith(("too_long", "too_short"))
    got = "" if sized else f", not {_shown(error['input'])}"
    return f"The argument '{name}' is wrong.", f"It must be {_wanted(error)}{got}."


_WANTED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "literal_error": lambda found: "one of " + str(found["expected"]).replace(" or ", ", "),
    "string_too_long": lambda found: f"at most {found['max_length']:,} characters long",
    "too_long": lambda found: f"at most {found['max_length']:,} entries long",
    "string_too_short": lambda found: (
        "at least one character"
        if found["min_length"] == 1
        else f"at least {found['min_length']} characters long"
    ),
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
