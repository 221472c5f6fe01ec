"""The answers of model calls. Lists and texts are bounded: small models repeat themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Term = Annotated[str, Field(max_length=80)]


class ModelAnswer(BaseModel):
    """Base of all answers; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class TaskAsked(ModelAnswer):
    """A task: what to find out, and by what one sees that it is answered."""

    ask: Annotated[str, Field(min_length=1, max_length=400)]
    answered_when: Annotated[str, Field(max_length=300)] = ""
    search_terms: Annotated[tuple[Term, ...], Field(max_length=8)] = ()
    needs: Annotated[tuple[int, ...], Field(max_length=4)] = ()


class Division(ModelAnswer):
    """The tasks of a question."""

    assumption: Annotated[str, Field(max_length=300)] = ""
    tasks: Annotated[tuple[TaskAsked, ...], Field(min_length=1, max_length=6)]


class Review(ModelAnswer):
    """Whether the quotes answer the question, and what to do if not."""

    enough: bool
    missing: Annotated[str, Field(max_length=300)] = ""
    tasks: Annotated[tuple[TaskAsked, ...], Field(max_length=3)] = ()


class Searches(ModelAnswer):
    """What a worker searches for next, and which documents it opens."""

    needed: bool = True
    reason: Annotated[str, Field(max_length=300)] = ""
    searches: Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(max_length=4)] = ()
    open: Annotated[tuple[int, ...], Field(max_length=3)] = ()


class ReadQuote(ModelAnswer):
    """Words of a passage, by its number."""

    passage: int
    text: Annotated[str, Field(min_length=1, max_length=1_000)]


class Reading(ModelAnswer):
    """What passages say about a task."""

    quotes: Annotated[tuple[ReadQuote, ...], Field(max_length=8)] = ()
    answers: Literal["yes", "partly", "no"] = "no"
    look_up: Annotated[tuple[Term, ...], Field(max_length=4)] = ()


class DraftClaim(ModelAnswer):
    """A sentence of the report and the keys of its evidence."""

    kind: Literal["quote", "join", "computed", "absence"]
    text: Annotated[str, Field(min_length=1, max_length=600)]
    evidence: Annotated[tuple[Annotated[str, Field(max_length=16)], ...], Field(max_length=8)] = ()
    expression: Annotated[str, Field(max_length=120)] = ""


class DraftSection(ModelAnswer):
    """The claims that answer one question, by its number from 1."""

    question: int
    claims: Annotated[tuple[DraftClaim, ...], Field(max_length=16)]


class Draft(ModelAnswer):
    """The report before its claims are held to their quotes."""

    summary: Annotated[tuple[DraftClaim, ...], Field(max_length=6)]
    sections: Annotated[tuple[DraftSection, ...], Field(max_length=20)] = ()


class CorrectedClaim(DraftClaim):
    """A sentence in place of the one with the number ``replaces``."""

    replaces: int


class Corrections(ModelAnswer):
    """Sentences in place of those that cannot stand."""

    claims: Annotated[tuple[CorrectedClaim, ...], Field(max_length=40)] = ()


class Check(ModelAnswer):
    """The second reading of a claim."""

    supported: bool
    why: Annotated[str, Field(max_length=300)] = ""
