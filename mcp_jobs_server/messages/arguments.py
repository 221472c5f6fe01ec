"""The arguments of each tool; the models are the published input schemas.

Values are accepted as people write them: ``"30 minutes"``, ``"$2"``, one string for a list.
``parsing.py`` reads a caller's arguments into these models.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mcp_jobs_server.core.models import StopMode
from mcp_jobs_server.messages import amounts
from research_contract.records import Depth
from research_contract.steering import MAX_STEERING

MAX_WAIT_SECONDS = 45
"""Longest wait of one call; the shortest common time limit of clients is 60 s."""


def _as_list(value: object) -> object:
    """Accept one string as a list of one, and a list written as JSON text."""
    value = from_json_text(value)
    return [value] if isinstance(value, str) else value


def from_json_text(value: object) -> object:
    """Return the object or list that a JSON text holds; other values are returned unchanged."""
    if not (isinstance(value, str) and value.lstrip()[:1] in ("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _with_a_word(value: str) -> str:
    """Refuse a question without a letter or digit: there is nothing to search for."""
    if not any(sign.isalnum() for sign in value):
        raise PydanticCustomError("asks_nothing", "asks nothing")
    return value


def _within(
    least: float, most: float, read: Callable[[object], object] = amounts.count
) -> BeforeValidator:
    """Move a number into the range: asking for more or less than is possible is no error.

    Negative numbers are left for validation to refuse.
    """

    def moved(value: object) -> object:
        value = read(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            return value
        return min(max(value, least), most)

    return BeforeValidator(moved)


def _citation_number(value: object) -> object:
    """Accept a citation as it is written: ``[3]``."""
    return amounts.count(value.strip().strip("[]") if isinstance(value, str) else value)


Line = Annotated[str, BeforeValidator(_stripped)]
JobId = Annotated[str, BeforeValidator(_stripped), Field(max_length=64)]
Cursor = Annotated[str, BeforeValidator(_stripped), Field(max_length=200)]
Count = Annotated[int, Field(ge=1), BeforeValidator(amounts.count)]

ZERO_HAS_A_MEANING = frozenset({"wait_seconds"})
"""Optional numbers whose 0 is a value. For others 0 means not given, as strict clients pass it."""


class Arguments(BaseModel):
    """Base of all arguments; unknown ones are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlanArguments(Arguments):
    """The plan of the research, agreed with the user."""

    title: Line = Field(default="", max_length=200, description="Short name of the job.")
    questions: Annotated[
        tuple[Annotated[Line, Field(min_length=3, max_length=1000)], ...], BeforeValidator(_as_list)
    ] = Field(
        default=(),
        max_length=20,
        description="1-20 questions to research, best 3-6, each understandable alone.",
    )
    search_terms: Annotated[
        tuple[Annotated[Line, Field(min_length=1, max_length=100)], ...], BeforeValidator(_as_list)
    ] = Field(
        default=(),
        max_length=50,
        description="Synonyms, names, translations in the sources.",
    )
    deliverable: Line = Field(
        default="", max_length=500, description="Form of the result, such as a memo or a table."
    )
    audience: Line = Field(default="", max_length=200, description="Who will read the report.")
    language: Line = Field(default="", max_length=40, description="Language of the report.")
    report_words: Annotated[int, Field(ge=50, le=20_000), BeforeValidator(amounts.count)] | None = (
        Field(default=None, description="Length of the report in words.")
    )


class LimitArguments(Arguments):
    """Caps on one job; never above those of the server."""

    minutes: Annotated[float, Field(gt=0), BeforeValidator(amounts.minutes)] | None = Field(
        default=None, description="Active minutes."
    )
    tool_calls: Count | None = Field(default=None, description="Searches and other calls.")
    tokens: Count | None = Field(default=None, description="Model tokens.")
    cost_usd: Annotated[float, Field(ge=0), BeforeValidator(amounts.dollars)] | None = Field(
        default=None, description="US dollars."
    )


class StartResearch(Arguments):
    """Arguments of ``start_research``."""

    question: Annotated[Line, AfterValidator(_with_a_word)] = Field(
        min_length=1,
        max_length=4000,
        description="What to find out, understandable without this conversation.",
    )
    plan: Annotated[PlanArguments, BeforeValidator(from_json_text)] = Field(
        default=PlanArguments(), description="Optional plan."
    )
    sources: Annotated[
        tuple[Annotated[Line, Field(min_length=1, max_length=2000)], ...], BeforeValidator(_as_list)
    ] = Field(
        default=(),
        max_length=50,
        description="Names of configured sources or granted paths. Default: all configured.",
    )
    depth: Depth = Field(default="standard", description="How thorough: more depth, more time.")
    limits: Annotated[LimitArguments, BeforeValidator(from_json_text)] = Field(
        default=LimitArguments(), description="Optional caps; at a cap a partial report is written."
    )
    idempotency_key: Line = Field(
        default="", max_length=128, description="Same key, same job: makes a retry safe."
    )
    again: bool = Field(
        default=False, description="true: a new job even if the same one is unfinished."
    )
    follow_up_of: JobId = Field(
        default="", description="Job id to build on; its sources and depth are the default."
    )
    refresh_of: JobId = Field(
        default="", description="Job id whose plan is repeated to see what changed."
    )


class GetStatus(Arguments):
    """Arguments of ``get_status``."""

    job_id: JobId = Field(default="", description="Job id or unique prefix. Default: the newest.")
    cursor: Cursor = Field(
        default="", description="From the last answer; only newer steps are returned."
    )
    wait_seconds: (
        Annotated[float, Field(ge=0), _within(0, MAX_WAIT_SECONDS, amounts.seconds)] | None
    ) = Field(
        default=None, description="Seconds to wait for the end, at most 45. 0: answer at once."
    )
    detail: Literal["brief", "full"] = Field(
        default="brief", description="full: steps with worker, tool and payload."
    )


class ListActiveJobs(Arguments):
    """Arguments of ``list_active_jobs``."""

    include_recent: bool = Field(
        default=False, description="true: also all ended jobs, newest first."
    )
    limit: Annotated[int, Field(ge=1), _within(1, 100)] = Field(
        default=20, description="Jobs per page, at most 100."
    )
    cursor: Cursor = Field(default="", description="next_cursor of the last page.")


class Cancel(Arguments):
    """Arguments of ``cancel``. A missing id is answered with the jobs that could be cancelled."""

    model_config = ConfigDict(json_schema_extra={"required": ["job_id"]})

    job_id: JobId = Field(default="", description="Exact id of the job.")
    mode: StopMode = Field(
        default="stop",
        description="stop: end now. finish_now: write the report from what was found.",
    )


class SteerResearch(Arguments):
    """Arguments of ``steer_research``."""

    job_id: JobId = Field(description="Exact id of the job.")
    text: Annotated[Line, AfterValidator(_with_a_word)] = Field(
        max_length=MAX_STEERING,
        description="'add: QUESTION', 'drop: NUMBER' or words for its model.",
    )


MAX_DRAFT = 60_000
"""Characters of a draft that one call checks."""


class CheckCitations(Arguments):
    """Arguments of ``check_citations``."""

    job_id: JobId = Field(default="", description="Job id or unique prefix. Default: the newest.")
    text: Line = Field(
        min_length=1,
        max_length=MAX_DRAFT,
        description="Your whole draft, [n] behind each claim.",
    )


ReportPart = Literal[
    "summary", "report", "section", "evidence", "sources", "citations", "citation", "steps"
]


class FetchReport(Arguments):
    """Arguments of ``fetch_report``."""

    job_id: JobId = Field(default="", description="Job id or unique prefix. Default: the newest.")
    part: ReportPart = Field(default="summary", description="Part of the result.")
    section: Line = Field(
        default="", max_length=300, description="For part=section: name or number of the section."
    )
    citation: Annotated[int, Field(ge=1), BeforeValidator(_citation_number)] | None = Field(
        default=None, description="For part=citation: the number n of [n]."
    )
    cursor: Cursor = Field(default="", description="next_cursor of the last page.")
    max_chars: Annotated[int, Field(ge=500), _within(500, 60_000)] = Field(
        default=20_000, description="Size of a page in characters, 500 to 60,000."
    )

    @model_validator(mode="before")
    @classmethod
    def _part_of_what_is_named(cls, given: dict[str, object]) -> dict[str, object]:
        """Choose the part where only its section or citation was given."""
        for part in ("citation", "section"):
            if given.get(part) and "part" not in given:
                return {**given, "part": part}
        return given
