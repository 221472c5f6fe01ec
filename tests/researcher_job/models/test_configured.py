"""The table ``[model]``: roles, prices, keys, and what is refused."""

from __future__ import annotations

import sys

import pytest

from research_contract.records import Limits
from researcher_job.core.errors import RequestRefused
from researcher_job.models.configured import configured_models
from researcher_job.models.settings import ModelTable, read_model_table

LOCAL = {"name": "openai:small", "base_url": "http://127.0.0.1:9/v1"}


def table(**keys: object) -> ModelTable:
    found = read_model_table({**LOCAL, **keys})
    assert found
    return found


def test_a_role_may_have_a_model_of_its_own() -> None:
    found = configured_models(
        table(writer={"name": "openai:large", "output_tokens": 900}, fallback=["openai:other"]),
        Limits(),
    )
    assert [one.model.name for one in found.by_role["worker"]] == [
        "openai:small at http://127.0.0.1:9/v1",
        "openai:other at http://127.0.0.1:9/v1",
    ]
    writer = found.by_role["writer"][0]
    assert writer.model.name.startswith("openai:large") and writer.output_tokens == 900


def test_list_prices_are_known_and_an_address_of_ones_own_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOSTED_KEY", "sk-hosted")
    hosted = read_model_table({"name": "openai:gpt-4o-mini", "key": "env:HOSTED_KEY"})
    assert hosted
    assert configured_models(hosted, Limits(cost_usd=1)).by_role["lead"][0].prices.known
    with pytest.raises(RequestRefused, match="limit tokens instead"):
        configured_models(table(), Limits(cost_usd=1))
    priced = table(input_price=0.1, output_price=0.2)
    assert configured_models(priced, Limits(cost_usd=1)).by_role["lead"][0].prices.known


def test_a_key_is_read_by_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_KEY", "sk-small")
    assert configured_models(table(key="env:SMALL_KEY"), Limits())
    with pytest.raises(RequestRefused, match="does not name a secret"):
        table(key="sk-in-the-file")


@pytest.mark.parametrize(
    "wrong",
    [{"name": "small"}, {"nmae": "x"}, {"writer": {"nmae": "x"}}, {"context_tokens": 1}],
)
def test_a_wrong_table_is_refused_in_words(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestRefused, match=r"\[model\] cannot be used: .*The keys are name"):
        read_model_table({**LOCAL, **wrong})


def test_no_table_is_no_model() -> None:
    assert read_model_table({}) is None


def test_a_missing_extra_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)
    with pytest.raises(RequestRefused, match=r"mcp-jobs-server\[model\]"):
        configured_models(table(), Limits())


def test_a_small_context_is_shown_less_text() -> None:
    assert configured_models(table(context_tokens=4_000, output_tokens=300), Limits())
    assert (
        configured_models(
            table(context_tokens=4_000, output_tokens=1_000), Limits()
        ).read_characters
        < configured_models(table(), Limits()).read_characters
    )
