"""Vectors of an OpenAI-compatible embeddings service, or of a serving endpoint of Databricks.

Each call is paid by whoever asks: ``Pay`` charges the most that it may cost, makes it, and keeps
the answer. Texts leave this machine, so a source must be named for it in the configuration.
"""

from __future__ import annotations

import base64
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Protocol

import httpx2
from pydantic import BaseModel, JsonValue, ValidationError

from research_contract.records import Cost
from researcher_job.core.errors import error_kind
from researcher_job.core.secrets import read_secret, workspace
from researcher_job.core.settings import EmbeddingsEndpoint
from researcher_job.sources.embeddings.base import MAX_CHARACTERS, EmbeddingFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOGETHER = 64
"""Texts of one call."""

_TIMEOUT_SECONDS = 60.0
_TRIES = 4
_LONGEST_WAIT = 20.0
"""Seconds between two tries, at most; a service may ask for longer by Retry-After."""

_MAX_ANSWER = 64_000_000
"""Bytes of an answer: 64 vectors of 8,192 numbers, written out, need 12 million."""

_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


class Pay(Protocol):
    """Pays a call that is identified by its arguments and costs at most ``most``."""

    def __call__(
        self,
        arguments: Mapping[str, JsonValue],
        most: Cost,
        make: Callable[[], tuple[JsonValue, Cost]],
        /,
    ) -> JsonValue:
        """Return the answer of the call, which may be one that was kept.

        Raises:
            LimitReached: it costs more than is left.
            EmbeddingFailed: there was no answer.
        """
        ...


class _One(BaseModel):
    index: int
    embedding: list[float]


class _Usage(BaseModel):
    total_tokens: int = 0


class _Answer(BaseModel):
    data: list[_One]
    usage: _Usage = _Usage()


class _Kept(BaseModel):
    """An answer as it is kept: float16 vectors of so many numbers each, one behind the other."""

    numbers: int
    vectors: str


class Endpoint:
    """The ``Embedder`` of a service. Its calls come from worker threads."""

    def __init__(self, settings: EmbeddingsEndpoint, pay: Pay) -> None:
        self._settings = settings
        self._pay = pay
        place = hashlib.sha256(settings.base_url.encode()).hexdigest()[:8]
        model = settings.model.replace("/", "_").replace(":", "_")
        parts = ("endpoint", place, model, settings.version, str(settings.dimensions or ""))
        self.name = "-".join(part for part in parts if part)

    def knows(self, _text: str) -> bool:
        return True

    def questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.passages(texts)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        parts = list(self._parts([text[:MAX_CHARACTERS].strip() or "-" for text in texts]))
        if len({part.shape[1] for part in parts}) != 1:
            raise EmbeddingFailed(self._settings.model, "answered vectors of different lengths")
        found = np.concatenate(parts)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        vectors: NDArray[np.float32] = found / np.maximum(lengths, 1e-12)
        return vectors

    def _parts(self, texts: Sequence[str]) -> Iterator[NDArray[np.float32]]:
        import numpy as np

        for start in range(0, len(texts), TOGETHER):
            part = texts[start : start + TOGETHER]
            # A token is at least a byte of the text.
            most = self._cost(sum(len(text.encode()) for text in part))
            identity = hashlib.sha256("\0".join(part).encode()).hexdigest()
            arguments: dict[str, JsonValue] = {"edition": self.name, "texts": identity}
            answer = self._pay(arguments, most, partial(self._made, part))
            kept = _Kept.model_validate(answer)
            rows = np.frombuffer(base64.b64decode(kept.vectors), dtype=np.float16)
            yield rows.reshape(-1, kept.numbers).astype(np.float32)

    def _cost(self, tokens: int) -> Cost:
        price = self._settings.usd_per_million_tokens
        return Cost(tool_calls=1, tokens=tokens, cost_usd=tokens * price / 1e6)

    def _made(self, texts: Sequence[str]) -> tuple[JsonValue, Cost]:
        """Call the service; return the vectors as they are kept, and what they cost."""
        import numpy as np

        body = self._asked(texts)
        try:
            answer = _Answer.model_validate_json(body)
            cost = self._cost(answer.usage.total_tokens)
            rows = [one.embedding for one in sorted(answer.data, key=lambda one: one.index)]
            places = sorted(one.index for one in answer.data)
            length = self._settings.dimensions or len(rows[0])
            whole = places == list(range(len(texts))) and {len(row) for row in rows} == {length}
            if not whole or not length or not all(math.isfinite(n) for row in rows for n in row):
                raise ValueError
        except (ValidationError, ValueError, IndexError):
            raise EmbeddingFailed(
                self._settings.model, "answered something that is no vector for each text"
            ) from None
        vectors = np.asarray(rows, dtype=np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        packed = base64.b64encode(vectors.astype(np.float16).tobytes()).decode()
        return _Kept(numbers=length, vectors=packed).model_dump(), cost

    def _asked(self, texts: Sequence[str]) -> bytes:
        """Return what the service answers; try again where it is busy or out of reach."""
        model = self._settings.model
        wait = 0.5
        with httpx2.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
            for last in (*(False,) * (_TRIES - 1), True):
                why, asked_to_wait = "", ""
                try:
                    request = self._request(client, texts)
                    with closing(client.send(request, stream=True)) as response:
                        if response.status_code == httpx2.codes.OK:
                            return _read(response, model)
                        why = f"answered with HTTP status {response.status_code}"
                        asked_to_wait = response.headers.get("retry-after", "")
                        again = response.status_code in _AGAIN
                except httpx2.HTTPError as error:
                    why, again = f"cannot be reached ({error_kind(error)})", True
                if last or not again:
                    break
                seconds = float(asked_to_wait) if asked_to_wait.isdigit() else wait
                time.sleep(min(seconds, _LONGEST_WAIT))
                wait *= 2
        raise EmbeddingFailed(model, why, cost=Cost(tool_calls=1))

    def _request(self, client: httpx2.Client, texts: Sequence[str]) -> httpx2.Request:
        settings = self._settings
        body: dict[str, object] = {"input": list(texts)}
        if settings.dimensions:
            body["dimensions"] = settings.dimensions
        if settings.model.startswith("databricks:"):
            name = settings.model.partition(":")[2]
            config = workspace().config
            url = f"{config.host}/serving-endpoints/{name}/invocations"
            return client.build_request("POST", url, json=body, headers=config.authenticate())
        body |= {"model": settings.model, "encoding_format": "float"}
        headers = {"Authorization": f"Bearer {read_secret(settings.key)}"} if settings.key else {}
        url = f"{settings.base_url.rstrip('/')}/embeddings"
        return client.build_request("POST", url, json=body, headers=headers)


def _read(response: httpx2.Response, model: str) -> bytes:
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > _MAX_ANSWER:
            raise EmbeddingFailed(model, f"answered more than {_MAX_ANSWER // 1_000_000} MB")
    return bytes(body)
