"""What callers say is understood where it is plain, and answered in plain words where not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.messages.arguments import (
    Arguments,
    Cancel,
    FetchReport,
    GetStatus,
    ListActiveJobs,
    StartResearch,
)
from mcp_jobs_server.messages.json_schema import schema_of
from mcp_jobs_server.messages.parsing import parse_arguments


def start(**said: object) -> StartResearch:
    return parse_arguments(StartResearch, {"question": "Why is the sky blue?", **said})


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        (30, 30),
        ("30 minutes", 30),
        ("30", 30),
        ("1.5 h", 90),
        ("1,5 hours", 90),
        ("2 hours 30 minutes", 150),
        ("1h30", 90),
        ("90s", 1.5),
        ("1 day", 1440),
    ],
)
def test_a_duration_is_understood(said: object, minutes: float) -> None:
    assert start(limits={"minutes": said}).limits.minutes == minutes


@pytest.mark.parametrize(
    ("said", "dollars"),
    [("$2", 2), ("2$", 2), ("2.50 USD", 2.5), ("1,50", 1.5), ("50 cents", 0.5)],
)
def test_an_amount_is_understood(said: object, dollars: float) -> None:
    assert start(limits={"cost_usd": said}).limits.cost_usd == dollars


@pytest.mark.parametrize(
    ("said", "tokens"), [("1,000", 1000), ("2k", 2000), ("2 million tokens", 2_000_000)]
)
def test_a_number_is_understood(said: str, tokens: int) -> None:
    assert start(limits={"tokens": said}).limits.tokens == tokens


@pytest.mark.parametrize(
    "limits",
    [
        {"cost_usd": "€2"},
        {"cost_usd": "2M"},
        {"minutes": "3 fortnights"},
        {"minutes": "5 eur"},
        {"minutes": True},
        {"tokens": "9" * 400},
        {"tool_calls": "3 apples"},
    ],
)
def test_an_amount_in_another_unit_is_refused_not_guessed(limits: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match=f"limits.{next(iter(limits))}"):
        start(limits=limits)


def test_one_text_is_a_list_of_one() -> None:
    assert start(sources="handbook").sources == ("handbook",)
    assert start(plan={"questions": "What is it?"}).plan.questions == ("What is it?",)


def test_a_plan_may_come_as_json_text() -> None:
    assert start(plan=json.dumps({"title": "Sky"})).plan.title == "Sky"


@pytest.mark.parametrize("kind", [StartResearch, GetStatus, ListActiveJobs, Cancel, FetchReport])
@pytest.mark.parametrize("neutral", ["null", "empty"])
def test_what_strict_clients_fill_in_for_not_given_is_not_given(
    kind: type[Arguments], neutral: str
) -> None:
    given = {"question": "Why?"} if kind is StartResearch else {}
    filled = {**neutral_values(kind, nulls=neutral == "null"), **given}
    assert set(filled) == set(kind.model_fields)
    assert parse_arguments(kind, filled) == parse_arguments(kind, given)


def neutral_values(kind: type[BaseModel], *, nulls: bool) -> dict[str, object]:
    """A value for each argument, as a client passes it that may leave none out."""
    values: dict[str, object] = {}
    for name, field in schema_of(kind)["properties"].items():
        inner = kind.model_fields[name].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            values[name] = neutral_values(inner, nulls=nulls)
        elif name == "wait_seconds" or nulls:
            values[name] = None
        elif "enum" in field:
            values[name] = field["default"]
        else:
            empty = {"string": "", "array": [], "integer": 0, "number": 0, "boolean": False}
            values[name] = empty[field["type"]]
    return values


def test_zero_seconds_of_waiting_is_no_waiting() -> None:
    assert parse_arguments(GetStatus, {"wait_seconds": 0}).wait_seconds == 0


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ({"citation": 1}, "citation"),
        ({"citation": "[1]"}, "citation"),
        ({"section": "Sources"}, "section"),
        ({"section": "Sources", "part": "report"}, "report"),
        ({"citation": 0, "section": ""}, "summary"),
    ],
)
def test_what_is_named_chooses_the_part(said: dict[str, Any], part: str) -> None:
    assert parse_arguments(FetchReport, said).part == part


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidArgument) as caught:
        start(dept="deep", limits={"minutes": "soon"}, plan={"questions": "x"}, sources=[7])
    message = str(caught.value)
    assert message.startswith("4 arguments are wrong.")
    for part in ("Did you mean 'depth'?", "limits.minutes", "plan.questions[1]", "sources[1]"):
        assert part in message


def test_more_than_possible_is_the_most_possible() -> None:
    assert parse_arguments(GetStatus, {"wait_seconds": 600}).wait_seconds == 45
    assert parse_arguments(GetStatus, {"wait_seconds": "1 minute"}).wait_seconds == 45
    assert parse_arguments(GetStatus, {"wait_seconds": "9" * 400}).wait_seconds == 45
    assert parse_arguments(GetStatus, {"wait_seconds": "500 ms"}).wait_seconds == 0.5
    assert parse_arguments(FetchReport, {"max_chars": 10**9}).max_chars == 60_000
    assert parse_arguments(FetchReport, {"max_chars": 100}).max_chars == 500
    assert parse_arguments(ListActiveJobs, {"limit": "5,000"}).limit == 100


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        (StartResearch, {}, "The argument 'question' is missing"),
        (StartResearch, {"question": ""}, "at least one character"),
        (StartResearch, {"question": "x" * 4001}, "at most 4,000 characters"),
        (StartResearch, {"question": 5}, "It must be a text, not 5."),
        (StartResearch, {"question": "x", "dept": "deep"}, "Did you mean 'depth'?"),
        (StartResearch, {"question": "x", "depth": "fast"}, "'quick', 'standard', 'deep'"),
        (StartResearch, {"question": "x", "plan": {"question": []}}, "'plan.questions'"),
        (StartResearch, {"question": "x", "questions": ["y"]}, "'plan.questions'"),
        (StartResearch, {"question": "x", "plan": "soon"}, "an object with named fields"),
        (StartResearch, {"question": "x", "limits": {"minute": 3}}, "'limits.minutes'"),
        (StartResearch, {"question": "x", "limits": {"minutes": -1}}, "more than 0"),
        (StartResearch, {"question": "x", "sources": [7]}, "'sources[1]' is wrong"),
        (StartResearch, {"question": "x", "again": "perhaps"}, "true or false"),
        (StartResearch, {"question": "\u200b?\0"}, "a text with at least one word"),
        (StartResearch, {"question": "x", "xyz": None}, "Unknown argument 'xyz'"),
        (StartResearch, {"question": "x", "limits": {"minuts": None}}, "'limits.minutes'"),
        (StartResearch, {"question": "x", "plan": {"questions": ["a"]}}, "at least 3 characters"),
        (StartResearch, {"question": "x", "sources": ["s" * 2001]}, "at most 2,000 characters"),
        (StartResearch, {"question": "x", "idempotency_key": "k" * 129}, "at most 128"),
        (StartResearch, {"question": "x", "plan": {"questions": ["why"] * 21}}, "at most 20"),
        (GetStatus, {"wait_seconds": "a while"}, "It must be a number"),
        (GetStatus, {"wait": 3}, "Did you mean 'wait_seconds'?"),
        (Cancel, {"job_id": "x", "mode": "kill"}, "'stop', 'finish_now'"),
        (FetchReport, {"part": "all"}, "It must be one of 'summary'"),
        (FetchReport, {"citation": "first"}, "a whole number"),
        (ListActiveJobs, {"limit": -1}, "at least 1"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(
    kind: type[Arguments], said: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_arguments(kind, said)
    assert words in str(caught.value)
    assert "pydantic" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    kind=st.sampled_from([StartResearch, GetStatus, ListActiveJobs, Cancel, FetchReport]),
    data=st.data(),
)
def test_whatever_is_said_is_understood_or_answered(
    kind: type[Arguments], data: st.DataObject
) -> None:
    names = st.sampled_from([*kind.model_fields, "unknown"])
    said = data.draw(st.dictionaries(names, JSON, max_size=4))
    try:
        parse_arguments(kind, said)
    except InvalidArgument as error:
        assert len(str(error)) < 2_000
